/**
 * The text that a model is measured on: labelled examples, bare text, or random tokens, encoded once.
 */

import type { GivenLabels } from '../data/given-labels.ts'
import type { MetricResult } from '../data/metrics.ts'
import { randomEncodings } from '../data/random-tokens.ts'
import { type Example, readExamples } from '../data/read-examples.ts'
import { readTable } from '../data/read-table.ts'
import type { Encoding, Tokenizer } from '../data/tokenizer.ts'
import { LimbeckError } from '../errors.ts'
import type { ModelInfo } from '../models/build-model.ts'
import { type DataColumns, dataColumns } from './data-columns.ts'
import { type DataLabels, dataLabels } from './data-labels.ts'
import { chooseDataTask, type DataTask, dataTask, hasOwnShape } from './data-task.ts'
import { askFile } from './question-answering.ts'
import { readTaggedText } from './token-classification.ts'
import { labelsOfColumn } from './zero-shot-text.ts'

/** A data file and its columns, by name or number from 1; known names are found by default. */
export interface DataOptions {
  readonly file: string
  readonly text?: string | undefined
  readonly textPair?: string | undefined
  readonly label?: string | undefined
  /**
   * The class of each label as the data writes it, by number or name: an object, `neg=0,pos=1`, or the path
   * of a JSON file; by default as the model names them.
   */
  readonly labelMap?: string | GivenLabels | undefined
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
  /** The columns that were read; absent where the file has none to choose. */
  readonly columns?: DataColumns | undefined
  /** What the labels mean; absent without classes. Which were met is known once the text was read. */
  readonly labels?: DataLabels | undefined
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
  const columns = hasOwnShape(model, data) ? undefined : await dataColumns(data, model)
  const task = chooseDataTask(model, { ...data, ...columns }, data.task)
  if (task === 'question-answering') return readQuestions(data, tokenizer, maxLength)
  if (task === 'token-classification') return readTagged(data, model, tokenizer, maxLength)
  const row = dataTask(task)
  const { text, textPair, label } = columns!
  if (row.needsPair && textPair === undefined) {
    throw new LimbeckError('usage', `task ${task} needs the column of the second text.`, {
      hint: 'Name it with --text-pair.',
    })
  }
  const kind = label === undefined ? 'none' : row.target
  const reading = { header: columns!.header ?? ('auto' as const), encoding: data.encoding }
  const candidates =
    task === 'zero-shot' && label !== undefined
      ? (data.candidates ?? (await labelsOfColumn(data.file, label, reading)))
      : undefined
  const labels =
    kind === 'class' || kind === 'classes'
      ? await labelsOf(data, candidates ?? model.labels, () =>
          readTable(data.file, { label: label! }, reading),
        )
      : undefined
  const examples: Example[] = []
  const options = {
    columns: { text, textPair, target: kind === 'none' ? undefined : label },
    kind,
    labels: labels?.map,
    limit: data.limit,
    ...reading,
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
    const fixed = { source: 'labelled', task, perExample: 1, columns, labels } as const
    return { ...prepared, ...fixed, truncated, maxLength }
  }
  const separate =
    row.separateTexts || (model.task === 'feature-extraction' && textPair !== undefined)
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
    columns,
    labels,
  }
}

/** What the labels of a table mean. */
const labelsOf = (
  data: DataOptions,
  names: readonly string[],
  rows: () => AsyncIterable<{ readonly cells: { readonly label: unknown } }>,
): Promise<DataLabels> =>
  dataLabels({
    names,
    given: data.labelMap,
    written: async function* () {
      for await (const { cells } of rows()) yield cells.label
    },
  })

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
