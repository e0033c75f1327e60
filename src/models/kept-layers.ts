/**
 * Which layers of a model are kept, as users say it: `every-second`, `first-6`, `last-6`, `spread-6`, or a
 * list of numbers from 0, `0,2,4`.
 *
 * Every second one begins with the first (fairseq's LayerDrop); spread is `round(linspace(0, N−1, M))`, which
 * for 6 of 12 is DistilBERT's 0, 2, 4, 7, 9, 11.
 */
import { LimbeckError } from '../errors.ts'

const range = (count: number, from = 0): number[] =>
  Array.from({ length: count }, (_, i) => from + i)

/** Layers by word, of `total` layers and for those with a number how many. */
const words: Readonly<Record<string, (total: number, count: number) => number[]>> = {
  first: (_, count) => range(count),
  last: (total, count) => range(count, total - count),
  spread: (total, count) =>
    range(count).map((i) => (count === 1 ? 0 : Math.round((i * (total - 1)) / (count - 1)))),
}

/** Whether a text says which layers are kept. */
export const saysLayers = (text: string): boolean =>
  /^(every-second|(first|last|spread)-\d+|\d+(\s*,\s*\d+)*)$/.test(text.trim())

/** The layers that are kept, in order. @throws LimbeckError `usage` for a text that does not fit the model. */
export function keptLayers(text: string, total: number): number[] {
  const said = text.trim()
  if (!saysLayers(said)) {
    throw new LimbeckError(
      'usage',
      `--layers ${text}: expected every-second, first-N, last-N, spread-N or numbers such as 0,2,4.`,
    )
  }
  if (said === 'every-second') return range(total).filter((i) => i % 2 === 0)
  const [, word, count] = /^([a-z]+)-(\d+)$/.exec(said) ?? []
  if (word !== undefined) {
    const wanted = Number(count)
    if (wanted < 1 || wanted > total) {
      throw new LimbeckError('usage', `--layers ${text}: the model has ${total} layers.`, {
        hint: `Keep 1 to ${total} of them.`,
      })
    }
    return words[word]!(total, wanted)
  }
  const list = said.split(',').map(Number)
  const wrong = list.find((layer) => layer >= total)
  if (wrong !== undefined) {
    throw new LimbeckError(
      'usage',
      `--layers ${text}: there is no layer ${wrong}; the model has layers 0 to ${total - 1}.`,
    )
  }
  if (list.some((layer, i) => i > 0 && layer <= list[i - 1]!)) {
    throw new LimbeckError('usage', `--layers ${text}: expected each number once, in rising order.`)
  }
  return list
}
