/**
 * From a model's raw outputs to answers: rows of a tensor, softmax, sigmoid, argmax, threshold,
 * cosine.
 */

import { invariant } from '../errors.ts'
import { elementCount, type HostTensor } from '../graph/data-type.ts'
import { floatsOf } from './host-floats.ts'

/** Numbers of one example: logits of its classes, or the values of its vector. */
export type Row = ArrayLike<number>

/** The rows of a float tensor [..., width]: views, without copying but of half floats. */
export function rowsOf(tensor: HostTensor): Row[] {
  const { dtype, shape } = tensor
  invariant(/^b?float(16|32|64)$/.test(dtype), `rows of ${dtype}`)
  const data = floatsOf(tensor)
  const width = shape.at(-1) ?? 1
  const count = width === 0 ? 0 : elementCount(shape) / width
  return Array.from({ length: count }, (_, i) => data.subarray(i * width, (i + 1) * width))
}

/** Natural logarithm of softmax; stable for any finite logits. */
export function logSoftmax(logits: Row): Float64Array {
  let highest = Number.NEGATIVE_INFINITY
  for (let i = 0; i < logits.length; i++) highest = Math.max(highest, logits[i]!)
  let sum = 0
  for (let i = 0; i < logits.length; i++) sum += Math.exp(logits[i]! - highest)
  const shift = highest + Math.log(sum)
  return Float64Array.from(logits, (logit) => logit - shift)
}

/** Probabilities of exclusive classes. */
export const softmax = (logits: Row): Float64Array => logSoftmax(logits).map(Math.exp)

/** Probability of one class by itself. */
export const sigmoid = (logit: number): number => 1 / (1 + Math.exp(-logit))

/** Position of the highest value, the first of equal ones; -1 for none. */
export function argmax(values: Row): number {
  let best = values.length > 0 ? 0 : -1
  for (let i = 1; i < values.length; i++) if (values[i]! > values[best]!) best = i
  return best
}

/** Classes whose sigmoid is above the threshold, ascending: the answer of a multi-label model. */
export function classesAbove(logits: Row, threshold = 0.5): number[] {
  const least = Math.log(threshold / (1 - threshold))
  const classes: number[] = []
  for (let i = 0; i < logits.length; i++) if (logits[i]! > least) classes.push(i)
  return classes
}

/** Cosine of the angle of two vectors; 1 for two zero vectors, 0 when one alone is zero. */
export function cosineSimilarity(a: Row, b: Row): number {
  let [aa, bb, ab] = [0, 0, 0]
  for (let i = 0; i < a.length; i++) {
    aa += a[i]! * a[i]!
    bb += b[i]! * b[i]!
    ab += a[i]! * b[i]!
  }
  if (aa === 0 || bb === 0) return aa === bb ? 1 : 0
  return ab / Math.sqrt(aa * bb)
}
