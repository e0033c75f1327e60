/**
 * The text that a model is measured on: labelled examples, bare text, or random tokens, encoded as they are
 * read; held only for what runs over them more than once.
 */

import { setImmediate as breath } from 'node:timers/promises'
import type { GivenLabels } from '../data/given-labels.ts'
import { randomEncodings } from '../data/random-tokens.ts'
import { type Example, readExamples } from '../data/read-examples.ts'
import { type Column, readClassNames, readTable, type TableOptions } from '../data/read-table.ts'
import type { Encoding, Tokenizer } from '../data/tokenizer.ts'
import { LimbeckError } from '../errors.ts'
import type { ModelInfo } from '../models/build-model.ts'
import { type DataColumns, dataColumns } from './data-columns.ts'
import { type DataLabels, dataLabels } from './data-labels.ts'
import { checkTask, chooseDataTask, type DataTask, dataTask } from './data-task.ts'
import { ownTask } from './own-task.ts'
import { askFile } from './question-answering.ts'
import {
  type ExampleRows,
  type Judge,
  judgeBy,
  judgeTogether,
  type ReadyExample,
} from './ready-example.ts'
import { readTaggedText, taggedLabels } from './token-classification.ts'
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

/** What is known of a text that runs. */
export interface TextFacts {
  readonly source: 'labelled' | 'text' | 'random'
  readonly task: DataTask
  readonly maxLength: number
  /** The columns that are read; absent where the file has none to choose. */
  readonly columns?: DataColumns | undefined
  /** What the labels mean; absent without classes. Which were met is known once the text was read. */
  readonly labels?: DataLabels | undefined
  /** A judge of one model's answers; absent without labels. */
  readonly judge?: (() => Judge) | undefined
}

/** A data file whose examples are encoded as they are read: whatever its size, none of it is held. */
export interface TextStream extends TextFacts {
  /**
   * The examples, in order; each call reads the file anew.
   * @throws LimbeckError naming file, line, column or label for bad input, or when there is no example.
   */
  examples(): AsyncGenerator<ReadyExample>
}

/** Text that is held, for what runs over it several times. */
export interface MeasuredText extends TextFacts {
  readonly examples: readonly ReadyExample[]
  /** The texts of all examples, in order. */
  readonly encodings: readonly Encoding[]
  /** Texts cut to the model's length. */
  readonly truncated: number
}

/** Who is told while a file is read, and what stops it. */
export interface ReadingOptions {
  readonly signal?: AbortSignal | undefined
  /** Called now and then with the examples read so far. */
  readonly onProgress?: ((done: number) => void) | undefined
}

/** Examples between two looks at what else there is to do, such as Ctrl-C. */
const BREATH = 256

/** Reads and encodes a data file whole. */
export async function readMeasuredText(
  data: DataOptions,
  model: ModelInfo,
  tokenizer: Tokenizer,
  maxLength: number,
  { signal, onProgress }: ReadingOptions = {},
): Promise<MeasuredText> {
  const { examples: read, ...facts } = await openTextStream(data, model, tokenizer, maxLength)
  const examples: ReadyExample[] = []
  for await (const example of read()) {
    examples.push(example)
    if (examples.length % BREATH > 0) continue
    await breath()
    if (signal?.aborted) throw new LimbeckError('cancelled', 'cancelled.')
    onProgress?.(examples.length)
  }
  return { ...facts, ...held(examples) }
}

const held = (examples: readonly ReadyExample[]) => {
  const encodings = examples.flatMap(({ texts }) => texts)
  return { examples, encodings, truncated: cutTexts(encodings) }
}

/** How many texts were cut. */
export const cutTexts = (encodings: readonly Encoding[]): number =>
  encodings.reduce((count, { truncated }) => count + Number(truncated > 0), 0)

/** Opens a data file: what it asks of the model is settled, its examples are not read yet. */
export async function openTextStream(
  data: DataOptions,
  model: ModelInfo,
  tokenizer: Tokenizer,
  maxLength: number,
): Promise<TextStream> {
  if (data.task !== undefined) checkTask(data.task, model)
  const own = await ownTask(model, data)
  const columns = own ? undefined : await dataColumns(data, model)
  const task = chooseDataTask(model, { ...data, ...columns }, data.task ?? own)
  const { judgedBy } = dataTask(task)
  const judge = judgedBy && (() => judgeBy(judgedBy, model.labels.length))
  const facts = { source: 'labelled', task, maxLength, judge } as const
  if (task === 'question-answering') {
    return { ...facts, examples: () => askFile(data.file, tokenizer, { ...data, maxLength }) }
  }
  if (task === 'token-classification') {
    const labels = await taggedLabels(data, model.labels)
    const read = () => readTaggedText(data, labels.map, tokenizer, maxLength)
    return { ...facts, labels, examples: () => atLeastOne(read(), data.file, 'sentences') }
  }
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
      ? await columnLabels(data, candidates ?? model.labels, label!, reading)
      : undefined
  const options = {
    columns: { text, textPair, target: kind === 'none' ? undefined : label },
    kind,
    labels: labels?.map,
    limit: data.limit,
    ...reading,
  }
  const examples = () => atLeastOne(readExamples(data.file, options), data.file, 'examples')
  if (row.prepare && kind !== 'none') {
    const { file, hypothesis } = data
    const settings = { file, model, tokenizer, maxLength, candidates, hypothesis }
    const all: Example[] = []
    for await (const example of examples()) all.push(example)
    const prepared = row.prepare(all, settings)
    return {
      ...{ ...facts, columns, labels },
      judge: () => judgeTogether(prepared.judge),
      async *examples() {
        for (const encoding of prepared.encodings) yield { texts: [encoding] }
      },
    }
  }
  const separate =
    row.separateTexts || (model.task === 'feature-extraction' && textPair !== undefined)
  const encode = ({ text, textPair }: Example): Encoding[] =>
    separate
      ? [text, textPair ?? ''].map((one) => tokenizer.encode(one, undefined, { maxLength }))
      : [tokenizer.encode(text, textPair, { maxLength })]
  const answer = (rows: ExampleRows) => row.answer!(rows.map(([own]) => own!))
  return {
    ...{ ...facts, columns, labels },
    ...(kind === 'none' && { source: 'text', judge: undefined }),
    async *examples() {
      for await (const example of examples()) {
        yield { texts: encode(example), expected: example.target, answer }
      }
    },
  }
}

async function* atLeastOne<T>(
  items: AsyncIterable<T>,
  file: string,
  what: string,
): AsyncGenerator<T> {
  let found = false
  for await (const item of items) {
    found = true
    yield item
  }
  if (!found) throw new LimbeckError('input', `${file}: expected ${what}, found none.`)
}

/** What the labels of a column mean. */
const columnLabels = async (
  data: DataOptions,
  names: readonly string[],
  label: Column,
  reading: TableOptions,
): Promise<DataLabels> =>
  dataLabels({
    names,
    given: data.labelMap,
    classNames: await readClassNames(data.file, label, reading),
    written: async function* () {
      for await (const { cells } of readTable(data.file, { label }, reading)) yield cells.label
    },
  })

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
  const examples = encodings.map((encoding) => ({ texts: [encoding] }))
  return { source: 'random', task: 'embeddings', maxLength, ...held(examples) }
}
