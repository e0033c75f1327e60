/**
 * `run`: a text in, the answer out.
 */
import { sigmoid, softmax } from '../data/logits.ts'
import type { Encoding, Tokenizer } from '../data/tokenizer.ts'
import { LimbeckError } from '../errors.ts'
import { rowReader } from '../fit/model-rows.ts'
import { predict } from '../fit/predict.ts'
import { type AnswerSpan, questioner } from '../fit/question-answering.ts'
import { entitiesInText, type TextEntity } from '../fit/token-classification.ts'
import type { ModelInfo } from '../models/build-model.ts'
import type { Task } from '../models/family.ts'
import { openProcess } from '../runtime/index.ts'
import { median } from '../stats/quantile.ts'
import { type OpenedModel, tokenizerOf } from './load.ts'
import { checkThreads, maxLengthOf } from './model-limits.ts'
import { type ModelFileOptions, withModelFile } from './with-model-file.ts'

export interface RunOptions extends ModelFileOptions {
  /** Model folder, folder that Limbeck wrote, or ONNX file. */
  readonly model: string
  /** The text, or the question. */
  readonly text: string
  /** Second text of a pair; the context of a question. */
  readonly textPair?: string | undefined
  readonly threads?: number | undefined
}

/** A label and its probability. */
export interface LabelScore {
  readonly label: string
  readonly score: number
}

/** An answer: what it holds depends on the task. */
export type Answer =
  | { readonly kind: 'labels'; readonly labels: readonly LabelScore[] }
  | { readonly kind: 'value'; readonly value: number }
  | { readonly kind: 'vector'; readonly vector: readonly number[] }
  | { readonly kind: 'entities'; readonly entities: readonly TextEntity[] }
  | ({ readonly kind: 'span' } & AnswerSpan)

export interface RunResult {
  /** The ONNX file that ran; the model folder where it was exported for this run alone. */
  readonly file: string
  readonly task: Task
  readonly answer: Answer
  /** Median time from tokens to answer over some runs, after a first; milliseconds. */
  readonly ms: number
  /** Tokens that ran; of a long context, those of all its windows. */
  readonly tokens: number
  /** True when the text was cut to the model's length. */
  readonly truncated: boolean
}

const TIMED_RUNS = 5

/** Runs a model on one text. */
export async function run(options: RunOptions): Promise<RunResult> {
  checkThreads(options.threads)
  return withModelFile(options.model, options, async (model, file, origin) => {
    const tokenizer = await tokenizerOf(model)
    return { ...(await runFile(model, tokenizer, file, options)), file: origin }
  })
}

/** Runs one ONNX file of a model on one text. */
export async function runFile(
  model: OpenedModel,
  tokenizer: Tokenizer,
  file: string,
  { text, textPair, threads, signal }: Omit<RunOptions, 'model' | 'variant'>,
): Promise<RunResult> {
  const maxLength = maxLengthOf(model, tokenizer)
  const { encodings, read } = inputs[model.task]({ model, tokenizer, text, textPair, maxLength })
  const engine = await openProcess(file, {
    ...(threads !== undefined && { threads }),
    ...(signal && { signal }),
  })
  try {
    const settings = { reader: rowReader(model), batchSize: 1, padId: tokenizer.padId, signal }
    const rows = await predict(engine, encodings, settings)
    const times: number[] = []
    for (let i = 0; i < TIMED_RUNS; i++) {
      const start = performance.now()
      await predict(engine, encodings, settings)
      times.push(performance.now() - start)
    }
    return {
      file,
      task: model.task,
      answer: read(rows),
      ms: median(times),
      tokens: encodings.reduce((sum, { ids }) => sum + ids.length, 0),
      truncated: encodings.some(({ truncated }) => truncated > 0),
    }
  } finally {
    await engine.release()
  }
}

interface Asked extends Pick<RunOptions, 'text' | 'textPair'> {
  readonly model: ModelInfo
  readonly tokenizer: Tokenizer
  readonly maxLength: number
}

/** What runs, and how the answer is read from the rows of each. */
interface Input {
  readonly encodings: readonly Encoding[]
  read(rows: readonly Float32Array[][]): Answer
}

type ReadOne = (rows: Float32Array[], context: Asked & { readonly encoding: Encoding }) => Answer

/** The text as one encoding. */
const one =
  (read: ReadOne) =>
  (asked: Asked): Input => {
    const { tokenizer, text, textPair, maxLength } = asked
    const encoding = tokenizer.encode(text, textPair, { maxLength })
    return { encodings: [encoding], read: ([rows]) => read(rows!, { ...asked, encoding }) }
  }

const inputs: Readonly<Record<Task, (asked: Asked) => Input>> = {
  'sequence-classification': one(([row], { model }) => {
    if (model.problemType === 'regression' || model.labels.length === 1) {
      return { kind: 'value', value: row![0]! }
    }
    const scores =
      model.problemType === 'multi_label_classification'
        ? Array.from(row!, sigmoid)
        : Array.from(softmax(row!))
    const labels = scores.map((score, i) => ({ label: model.labels[i]!, score }))
    return { kind: 'labels', labels: labels.sort((a, b) => b.score - a.score) }
  }),
  'token-classification': ({ model, tokenizer, text, maxLength }) => {
    const encoding = tokenizer.encodeWithOffsets(text, { maxLength })
    return {
      encodings: [encoding],
      read: ([rows]) => ({
        kind: 'entities',
        entities: entitiesInText(text, encoding, rows!, model.labels, tokenizer),
      }),
    }
  },
  'masked-lm': one((rows, { tokenizer, encoding }) => {
    const at = encoding.ids.indexOf(tokenizer.special.mask ?? -1)
    if (at < 0) {
      throw new LimbeckError('usage', 'the text has no mask token for the model to fill.', {
        hint: `Write ${tokenizer.tokenOf(tokenizer.special.mask ?? -1) ?? '[MASK]'} where a word is missing.`,
      })
    }
    const scores = softmax(rows[at]!)
    const order = Array.from(scores.keys()).sort((a, b) => scores[b]! - scores[a]!)
    const labels = order
      .slice(0, 5)
      .map((id) => ({ label: tokenizer.tokenOf(id) ?? `${id}`, score: scores[id]! }))
    return { kind: 'labels', labels }
  }),
  'question-answering': ({ tokenizer, text, textPair, maxLength }) => {
    if (textPair === undefined) {
      throw new LimbeckError('usage', 'a question is answered from a context, and none is given.', {
        hint: 'Give it as the second text, or with --context.',
      })
    }
    const { windows, answer } = questioner(tokenizer)(text, textPair, { maxLength })
    const encodings = windows.map(({ encoding }) => encoding)
    return { encodings, read: (rows) => ({ kind: 'span', ...answer(rows) }) }
  },
  'feature-extraction': one(([row]) => ({ kind: 'vector', vector: Array.from(row!) })),
}
