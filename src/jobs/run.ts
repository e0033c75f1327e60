/**
 * `run`: a text in, the answer out.
 */
import { sigmoid, softmax } from '../data/logits.ts'
import type { Encoding, OffsetEncoding, Tokenizer } from '../data/tokenizer.ts'
import { LimbeckError } from '../errors.ts'
import { rowReader } from '../fit/model-rows.ts'
import { predict } from '../fit/predict.ts'
import { entitiesInText, type TextEntity } from '../fit/token-classification.ts'
import type { ModelInfo } from '../models/build-model.ts'
import type { Task } from '../models/family.ts'
import { openProcess } from '../runtime/index.ts'
import { median } from '../stats/quantile.ts'
import { tokenizerOf } from './load.ts'
import { checkThreads, maxLengthOf } from './model-limits.ts'
import { type ModelFileOptions, withModelFile } from './with-model-file.ts'

export interface RunOptions extends ModelFileOptions {
  /** Model folder, folder that Limbeck wrote, or ONNX file. */
  readonly model: string
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
  | { readonly kind: 'span'; readonly text: string; readonly score: number }

export interface RunResult {
  /** The ONNX file that ran; the model folder where it was exported for this run alone. */
  readonly file: string
  readonly task: Task
  readonly answer: Answer
  /** Median time from tokens to answer over some runs, after a first; milliseconds. */
  readonly ms: number
  readonly tokens: number
  /** True when the text was cut to the model's length. */
  readonly truncated: boolean
}

const TIMED_RUNS = 5

/** Runs a model on one text. */
export async function run(options: RunOptions): Promise<RunResult> {
  const { signal, text, textPair } = options
  checkThreads(options.threads)
  return withModelFile(options.model, options, async (model, file, origin) => {
    const tokenizer = await tokenizerOf(model)
    const maxLength = maxLengthOf(model, tokenizer)
    const encoding =
      model.task === 'token-classification'
        ? tokenizer.encodeWithOffsets(text, { maxLength })
        : tokenizer.encode(text, textPair, { maxLength })
    const engine = await openProcess(file, {
      ...(options.threads !== undefined && { threads: options.threads }),
      ...(signal && { signal }),
    })
    try {
      const settings = { reader: rowReader(model), batchSize: 1, padId: tokenizer.padId, signal }
      const [rows] = await predict(engine, [encoding], settings)
      const times: number[] = []
      for (let i = 0; i < TIMED_RUNS; i++) {
        const start = performance.now()
        await predict(engine, [encoding], settings)
        times.push(performance.now() - start)
      }
      const ms = median(times)
      const answer = answers[model.task](rows!, { model, tokenizer, text, encoding })
      return {
        file: origin,
        task: model.task,
        answer,
        ms,
        tokens: encoding.ids.length,
        truncated: encoding.truncated > 0,
      }
    } finally {
      await engine.release()
    }
  })
}

interface AnswerContext {
  readonly model: ModelInfo
  readonly tokenizer: Tokenizer
  readonly text: string
  readonly encoding: Encoding & Partial<OffsetEncoding>
}

const answers: Readonly<Record<Task, (rows: Float32Array[], context: AnswerContext) => Answer>> = {
  'sequence-classification': ([row], { model }) => {
    if (model.problemType === 'regression' || model.labels.length === 1) {
      return { kind: 'value', value: row![0]! }
    }
    const scores =
      model.problemType === 'multi_label_classification'
        ? Array.from(row!, sigmoid)
        : Array.from(softmax(row!))
    const labels = scores.map((score, i) => ({ label: model.labels[i]!, score }))
    return { kind: 'labels', labels: labels.sort((a, b) => b.score - a.score) }
  },
  'token-classification': (rows, { model, tokenizer, text, encoding }) => {
    const placed = { ...encoding, spans: encoding.spans }
    return {
      kind: 'entities',
      entities: entitiesInText(text, placed, rows, model.labels, tokenizer),
    }
  },
  'masked-lm': (rows, { tokenizer, encoding }) => {
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
  },
  'question-answering': ([starts, ends], { tokenizer, encoding }) => {
    const { start, end, score } = bestSpan(softmax(starts!), softmax(ends!), encoding)
    return { kind: 'span', text: tokenizer.decode(encoding.ids.slice(start, end + 1)), score }
  },
  'feature-extraction': ([row]) => ({ kind: 'vector', vector: Array.from(row!) }),
}

const LONGEST_SPAN = 30

/** The span of the second text with the highest product of start and end probability. */
function bestSpan(
  starts: Float64Array,
  ends: Float64Array,
  { typeIds }: Encoding,
): { start: number; end: number; score: number } {
  let best = { start: 0, end: 0, score: 0 }
  const inContext = (i: number): boolean => typeIds[i] === 1 && i < typeIds.length - 1
  for (let start = 0; start < starts.length; start++) {
    if (!inContext(start)) continue
    for (let end = start; end < Math.min(starts.length, start + LONGEST_SPAN); end++) {
      if (!inContext(end)) break
      const score = starts[start]! * ends[end]!
      if (score > best.score) best = { start, end, score }
    }
  }
  return best
}
