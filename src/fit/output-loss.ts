/**
 * What a text's answer lost: the outputs of two runs of one batch, compared text by text over real tokens.
 *
 * Classes are compared by the divergence of their softmax, a single score by its squared difference, vectors by
 * their cosine; which of them is said by the outputs' names and widths.
 */
import type { HostTensor } from '../graph/data-type.ts'
import { cosineLoss, klDivergence, squaredLoss } from '../stats/divergence.ts'

export type LossName = 'kl' | 'cosine' | 'squared'

type Outputs = Readonly<Record<string, HostTensor>>

const losses: Readonly<Record<LossName, (a: Float32Array, b: Float32Array) => number>> = {
  kl: klDivergence,
  cosine: cosineLoss,
  squared: squaredLoss,
}

/** The outputs that are the answer: logits, else one vector a text, else all. */
export function answerNames(names: readonly string[]): readonly string[] {
  const logits = names.filter((name) => name.endsWith('logits'))
  if (logits.length > 0) return logits
  return names.includes('sentence_embedding') ? ['sentence_embedding'] : names.slice(0, 1)
}

/** What the outputs are compared by. */
export function lossOf(name: string, { shape }: HostTensor): LossName {
  if (!name.endsWith('logits')) return 'cosine'
  return shape.at(-1) === 1 ? 'squared' : 'kl'
}

/** The loss of each text of a batch: summed over outputs, a mean over real tokens. */
export function batchLosses(
  exact: Outputs,
  found: Outputs,
  names: readonly string[],
  mask: HostTensor | undefined,
): number[] {
  const sums: number[] = []
  for (const name of names) {
    const [a, b] = [exact[name]!, found[name]!]
    const compare = losses[lossOf(name, a)]
    for (let text = 0; text < a.shape[0]!; text++) {
      const [left, right] = [realRows(a, text, mask), realRows(b, text, mask)]
      const all = left.map((row, i) => compare(row, right[i]!))
      sums[text] = (sums[text] ?? 0) + all.reduce((sum, loss) => sum + loss, 0) / all.length
    }
  }
  return sums
}

/** A text's rows of real tokens; where tokens are the classes (spans), one row of the real ones. */
function realRows({ shape, data }: HostTensor, text: number, mask?: HostTensor): Float32Array[] {
  const values = data as Float32Array
  const [, tokens = 1] = mask?.shape ?? []
  const isReal = (i: number): boolean => !mask || Number(mask.data[text * tokens + i]) !== 0
  const width = shape.at(-1)!
  if (shape.length === 3) {
    const rows = shape[1]!
    return Array.from({ length: rows }, (_, i) => i)
      .filter((i) => rows !== tokens || isReal(i))
      .map((i) => values.subarray((text * rows + i) * width, (text * rows + i + 1) * width))
  }
  const row = values.subarray(text * width, (text + 1) * width)
  return [mask && width === tokens && width > 1 ? row.filter((_, i) => isReal(i)) : row]
}
