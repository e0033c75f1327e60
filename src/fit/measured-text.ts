/**
 * The text that a model is measured on: labelled examples, bare text, or random tokens, encoded once.
 */

import { labelMap } from '../data/label-map.ts'
import type { MetricResult } from '../data/metrics.ts'
import { randomEncodings } from '../data/random-tokens.ts'
import { type Example, readExamples } from '../data/read-examples.ts'
import { type Column, parseColumn } from '../data/read-table.ts'
import type { Encoding, Tokenizer } from '../data/tokenizer.ts'
import { LimbeckError } from '../errors.ts'
import type { ModelInfo } from '../models/build-model.ts'
import { chooseDataTask, type DataTask, dataTask } from './data-task.ts'
import { askFile } from './question-answering.ts'
import { readTaggedText } from './token-classification.ts'
import { labelsOfColumn } from './zero-shot-text.ts'

/** A data file and its columns, by name or number from 1. */
export interface DataOptions {
  readonly file: string
  readonly text?: string | undefined
  readonly textPair?: string | undefined
  readonly label?: string | undefined
  /** See `DataTask`; found from the model and the columns by default. */
  readonly task?: string | undefined
  readonly encoding?: string | undefined
  /** Whether the first line names the columns; found from the columns by default. */
  readonly header?: boolean | undefined
  /** Most examples to read. */
  readonly limit?: number | undefined
  /** Tokens that windows over a long context share; see `questionWindows`. */
  readonly stride?: number | undefined
  /** Labels of zero-shot classification; those of the file by default. */
  readonly candidates?: readonly string[] | undefined
  /** See `Question`. */
  readonly hypothesis?: string | undefined
  /** See `AnswerOptions`. */
  readonly noAnswerThreshold?: number | undefined
}

/** Encoded texts and what is known about them. */
export interface MeasuredText {
  readonly source: 'labelled' | 'text' | 'random'
  readonly task: DataTask
  readonly examples: readonly Example[]
  /** All texts that run, in order; `perExample` of them belong to each example. */
  readonly encodings: readonly Encoding[]
  readonly perExample: number
  /** Texts cut to the model's length. */
  readonly truncated: number
  readonly maxLength: number
  /** Metrics of the rows, where examples have no fixed number of texts. */
  readonly judge?: ((rows: readonly Float32Array[][]) => MetricResult[]) | undefined
}

/** Reads and encodes a data file. */
export async function readMeasuredText(
  data: DataOptions,
  model: ModelInfo,
  tokenizer: Tokenizer,
  maxLength: number,
): Promise<MeasuredText> {
  const task = chooseDataTask(model, data, data.task)
  if (task === 'question-answering') return readQuestions(data, tokenizer, maxLength)
  if (task === 'token-classification') return readTagged(data, model, tokenizer, maxLength)
  const row = dataTask(task)
  if (row.needsPair && data.textPair === undefined) {
    throw new LimbeckError('usage', `task ${task} needs the column of the second text.`, {
      hint: 'Name it with --text-pair.',
    })
  }
  const kind = data.label === undefined ? 'none' : row.target
  const columns = {
    text: column(data.text) ?? defaultText(data.file),
    textPair: column(data.textPair),
    target: kind === 'none' ? undefined : column(data.label),
  }
  const examples: Example[] = []
  const reading = { header: data.header ?? ('auto' as const), encoding: data.encoding }
  const candidates =
    task === 'zero-shot' && columns.target !== undefined
      ? (data.candidates ?? (await labelsOfColumn(data.file, columns.target, reading)))
      : undefined
  const labels = candidates ?? model.labels
  const options = {
    columns,
    kind,
    labels: labels.length > 0 ? labelMap(labels) : undefined,
    header: data.header ?? ('auto' as const),
    ...(data.encoding !== undefined && { encoding: data.encoding }),
    ...(data.limit !== undefined && { limit: data.limit }),
  }
  for await (const example of readExamples(data.file, options)) examples.push(example)
  if (examples.length === 0) {
    throw new LimbeckError('input', `${data.file}: expected examples, found none.`)
  }
  if (row.prepare && kind !== 'none') {
    const { file, hypothesis } = data
    const settings = { file, model, tokenizer, maxLength, candidates, hypothesis }
    const prepared = row.prepare(examples, settings)
    const truncated = prepared.encodings.filter((encoding) => encoding.truncated > 0).length
    return { ...prepared, source: 'labelled', task, perExample: 1, truncated, maxLength }
  }
  const separate =
    row.separateTexts || (model.task === 'feature-extraction' && columns.textPair !== undefined)
  const encodings = examples.flatMap(({ text, textPair }) =>
    separate
      ? [text, textPair ?? ''].map((one) => tokenizer.encode(one, undefined, { maxLength }))
      : [tokenizer.encode(text, textPair, { maxLength })],
  )
  return {
    source: kind === 'none' ? 'text' : 'labelled',
    task,
    examples,
    encodings,
    perExample: separate ? 2 : 1,
    truncated: encodings.filter((encoding) => encoding.truncated > 0).length,
    maxLength,
  }
}

/** Sentences of a CoNLL file, a row a token. */
async function readTagged(
  data: DataOptions,
  model: ModelInfo,
  tokenizer: Tokenizer,
  maxLength: number,
): Promise<MeasuredText> {
  const { examples, encodings, judge } = await readTaggedText(data, model, tokenizer, maxLength)
  const truncated = encodings.filter((encoding) => encoding.truncated > 0).length
  const fixed = { source: 'labelled', task: 'token-classification', perExample: 1 } as const
  return { ...fixed, examples, encodings, truncated, maxLength, judge }
}

/** Questions run as their windows; none is cut. */
async function readQuestions(
  data: DataOptions,
  tokenizer: Tokenizer,
  maxLength: number,
): Promise<MeasuredText> {
  const { set, asked, judge } = await askFile(data.file, tokenizer, { ...data, maxLength })
  return {
    source: 'labelled',
    task: 'question-answering',
    examples: set.questions.map(({ question, context }) => ({
      text: question,
      textPair: context,
      target: undefined,
      line: 0,
    })),
    encodings: asked.flatMap(({ windows }) => windows.map(({ encoding }) => encoding)),
    perExample: 1,
    truncated: 0,
    maxLength,
    judge,
  }
}

const column = (text: string | undefined): Column | undefined =>
  text === undefined ? undefined : parseColumn(text)

/** Plain text has one column; elsewhere the habit of data sets decides. */
const defaultText = (file: string): Column => (/\.txt(\.gz)?$/.test(file) ? 1 : 'text')

const RANDOM_TEXTS = 128

/** Random tokens in the model's vocabulary, for models measured without text. */
export function randomText(model: ModelInfo, maxLength: number, seed: number): MeasuredText {
  const { vocab } = model.dims
  const encodings = randomEncodings({
    count: RANDOM_TEXTS,
    length: [Math.min(4, maxLength), Math.min(64, maxLength)],
    vocabularySize: vocab,
    seed,
  })
  return {
    source: 'random',
    task: 'embeddings',
    examples: [],
    encodings,
    perExample: 1,
    truncated: 0,
    maxLength,
  }
}
