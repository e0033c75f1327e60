/**
 * A data file as examples to learn from: encoded texts, and targets as the task's labels take them. It is
 * held in memory, since every epoch has its own order.
 */
import { setImmediate as breath } from 'node:timers/promises'
import type { Encoding, Tokenizer, WordEncoding } from '../data/tokenizer.ts'
import { LimbeckError } from '../errors.ts'
import type { ModelInfo } from '../models/build-model.ts'
import { answeredWindows } from './answer-targets.ts'
import type { DataColumns } from './data-columns.ts'
import { type TakenLabels, takenLabels } from './data-labels.ts'
import { IGNORED } from './mask-tokens.ts'
import { cutTexts, type DataOptions, openTextStream, type ReadingOptions } from './measured-text.ts'
import { type TrainingTask, trainingTask } from './training-task.ts'

/** One example: its texts (two of them where each has a row of its own) and what is to be answered. */
export interface TrainingExample {
  readonly texts: readonly Encoding[]
  readonly target: unknown
}

export interface TrainingSet {
  readonly examples: readonly TrainingExample[]
  readonly columns?: DataColumns | undefined
  readonly labels?: TakenLabels | undefined
  /** Texts cut to the longest length. */
  readonly truncated: number
}

/** Examples between two looks at what else there is to do. */
const BREATH = 256

/**
 * Reads and encodes a file.
 * @throws LimbeckError naming file, line, column or label for bad input, or when there is no example.
 */
export async function readTrainingSet(
  task: TrainingTask,
  data: DataOptions,
  model: ModelInfo,
  tokenizer: Tokenizer,
  maxLength: number,
  { signal, onProgress }: ReadingOptions = {},
): Promise<TrainingSet> {
  const examples: TrainingExample[] = []
  const take = async (example: TrainingExample): Promise<void> => {
    examples.push(example)
    if (examples.length % BREATH > 0) return
    await breath()
    if (signal?.aborted) throw new LimbeckError('cancelled', 'cancelled.')
    onProgress?.(examples.length)
  }
  if (task === 'question-answering') {
    const options = { maxLength, stride: data.stride, limit: data.limit }
    for await (const { encoding, span } of answeredWindows(data.file, tokenizer, options)) {
      await take({ texts: [encoding], target: span })
    }
    return { examples, truncated: 0 }
  }
  const row = trainingTask(task)
  const asked = { ...data, task: row.data }
  const stream = await openTextStream(asked, model, tokenizer, maxLength)
  const targetOf = targets[task] ?? ((expected: unknown) => expected)
  for await (const { texts, expected } of stream.examples()) {
    // one text is its own partner: dropout makes two of it (Gao et al. 2021, SimCSE)
    const own = row.rows === 2 && texts.length === 1 ? [texts[0]!, texts[0]!] : texts
    // texts of a pair that have nothing to do with each other are two examples
    const each = row.rows === 1 ? own.map((text) => [text]) : [own]
    for (const some of each) await take({ texts: some, target: targetOf(expected, some, model) })
  }
  return {
    examples,
    columns: stream.columns,
    labels: stream.labels && takenLabels(stream.labels),
    truncated: cutTexts(examples.flatMap(({ texts }) => texts)),
  }
}

/** Targets where they are not what the reader expects of an answer. */
const targets: Partial<
  Record<TrainingTask, (expected: unknown, texts: readonly Encoding[], model: ModelInfo) => unknown>
> = {
  // a word's tag is asked of its first token (Devlin et al. 2019, section 5.3)
  'token-classification': (expected, [encoding], { labels }) => {
    const tags = expected as readonly string[]
    const { wordOf } = encoding as WordEncoding
    return wordOf.map((word, token) =>
      word < 0 || wordOf[token - 1] === word ? IGNORED : labels.indexOf(tags[word]!),
    )
  },
}

/**
 * Scores as cosines: as they are between −1 and 1, else their range drawn to 0 … 1.
 * @param range of the scores that the model learns from.
 */
export function asCosine(score: number, [low, high]: readonly [number, number]): number {
  if (low >= -1 && high <= 1) return score
  return (score - low) / (high - low || 1)
}
