/** A teacher's answers to a batch of examples, from their file: rows in the order of the batch's texts. */
import type { HostTensor } from '../graph/data-type.ts'
import type { Feeds } from '../runtime/engine.ts'
import { type AnswerRows, answerInput } from '../train/teacher-answers.ts'
import type { AnswerFile } from './answer-file.ts'
import type { TrainingExample } from './training-set.ts'

/** Rows that a text has. */
export const rowsOfText = ({ per }: AnswerRows, text: TrainingExample['texts'][number]): number =>
  per === 'text' ? 1 : text.ids.length

export interface AnswerFeeds {
  /** @param places of examples. @param width tokens of a row of the batch, padding included. */
  feeds(places: readonly number[], width: number): Feeds
  close(): void
}

/** @param width numbers of a row of the file. */
export function givenAnswers(
  file: Pick<AnswerFile, 'rows' | 'close'>,
  examples: readonly TrainingExample[],
  rows: AnswerRows,
  width: number,
): AnswerFeeds {
  const firsts = firstRows(examples, rows)
  const { per, outputs } = rows
  // several outputs have a number each
  const share = width / outputs.length
  return {
    feeds(places, padded) {
      const texts = examples[places[0]!]!.texts.length
      const tokens = per === 'text' ? 1 : padded
      const count = texts * places.length
      const all = outputs.map(() => new Float32Array(count * tokens * share))
      for (let text = 0; text < texts; text++) {
        for (const [i, place] of places.entries()) {
          const first = firsts[place * texts + text]!
          const length = rowsOfText(rows, examples[place]!.texts[text]!)
          const values = file.rows(first, length)
          const begin = (text * places.length + i) * tokens * share
          if (all.length === 1) all[0]!.set(values, begin)
          else
            values.forEach((value, at) => {
              all[at % all.length]![begin + Math.floor(at / all.length)] = value
            })
        }
      }
      const batch = per === 'text' ? [count] : [count, tokens]
      const shape = outputs.length > 1 ? batch : [...batch, width]
      return Object.fromEntries(
        outputs.map((name, i): [string, HostTensor] => [
          answerInput(name),
          { dtype: 'float32', shape, data: all[i]! },
        ]),
      )
    },
    close: () => file.close(),
  }
}

/** The first row of each text, texts of an example one after the other. */
function firstRows(examples: readonly TrainingExample[], rows: AnswerRows): Float64Array {
  const lengths = examples.flatMap(({ texts }) => texts.map((text) => rowsOfText(rows, text)))
  const firsts = new Float64Array(lengths.length)
  for (let i = 1; i < firsts.length; i++) firsts[i] = firsts[i - 1]! + lengths[i - 1]!
  return firsts
}
