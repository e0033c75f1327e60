/**
 * The shape that Reshape gives: 0 copies, −1 (or the one unknown entry) is what is left of the product.
 *
 * Copied dimensions cancel on both sides first, so an unknown batch does not hide the rest.
 */
import {
  type Dim,
  divDims,
  equalDims,
  exactDivDims,
  productDims,
  type Shape,
  shapeText,
} from '../../graph/shape.ts'
import { contradict, type KnownElements } from './infer-row.ts'

/** Result of `Reshape(x, target)`; `x` may be unknown. */
export function reshapedTo(x: Shape | undefined, target: KnownElements, allowZero: boolean): Dim[] {
  const dims: Dim[] = target.map((dim, axis) => {
    if (dim !== 0 || allowZero) return dim ?? null
    if (x && axis >= x.length) contradict(`0 at axis ${axis} of a reshape of ${shapeText(x)}`)
    return x?.[axis] ?? null
  })
  const open = target.flatMap((dim, axis) => (dim === -1 || dim === undefined ? [axis] : []))
  if (target.filter((dim) => dim === -1).length > 1) contradict('two -1 in a reshape')
  for (const axis of open) dims[axis] = null
  if (!x) return dims
  const [left, right] = cancel(
    x,
    dims.filter((_, axis) => !open.includes(axis)),
  )
  const total = productDims(left)
  const others = productDims(right)
  if (open.length === 1) dims[open[0]!] = quotient(total, others, x, target)
  else if (open.length === 0 && equalDims(total, others) === false) {
    contradict(`${shapeText(x)} reshaped to ${shapeText(dims)}`)
  }
  return dims
}

function quotient(total: Dim, others: Dim, x: Shape, target: KnownElements): Dim {
  if (others === 0) return null
  const exact = exactDivDims(total, others)
  if (exact !== null) return exact
  if (typeof total === 'number' && typeof others === 'number') {
    contradict(`${shapeText(x)} reshaped to [${target.map((dim) => dim ?? '?').join(', ')}]`)
  }
  return divDims(total, others)
}

/** Drops dimensions that stand on both sides; an unknown one on the right was copied from the left. */
function cancel(from: Shape, to: readonly Dim[]): [Dim[], Dim[]] {
  const left = [...from]
  const right: Dim[] = []
  for (const dim of to) {
    const at = left.indexOf(dim)
    if (at >= 0) left.splice(at, 1)
    else right.push(dim)
  }
  return [left, right]
}
