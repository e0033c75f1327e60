/** Broadcasting of shapes, and of known contents, as NumPy does it (ONNX Broadcasting.md). */
import { broadcastDims, type Dim, type Shape, shapeText } from '../../graph/shape.ts'
import { contradict, type InferredType, KNOWN_LIMIT, type KnownElements } from './infer-row.ts'

/** The shape that these have together; undefined when a rank is unknown. */
export function broadcastShapes(shapes: readonly (Shape | undefined)[]): Shape | undefined {
  if (!shapes.every((shape) => shape !== undefined)) return undefined
  return (shapes as readonly Shape[]).reduce(broadcastPair)
}

function broadcastPair(a: Shape, b: Shape): Shape {
  const rank = Math.max(a.length, b.length)
  return Array.from({ length: rank }, (_, i) => {
    const [left, right] = [
      a[i - rank + a.length] ?? lead(a, i, rank),
      b[i - rank + b.length] ?? lead(b, i, rank),
    ]
    const dim = broadcastDims(left, right)
    return dim === undefined
      ? contradict(`${shapeText(a)} and ${shapeText(b)} do not broadcast`)
      : dim
  })
}

/** 1 before the first axis; null where the axis exists and is unknown. */
const lead = (shape: Shape, i: number, rank: number): Dim => (i < rank - shape.length ? 1 : null)

/** Contents of an elementwise result whose operands have static shapes. */
export function broadcastKnown(
  operands: readonly (InferredType | undefined)[],
  shape: Shape | undefined,
  combine: (...items: (Exclude<Dim, null> | undefined)[]) => Dim | undefined,
): KnownElements | undefined {
  if (!shape?.every((dim) => typeof dim === 'number')) return undefined
  const sizes = shape as number[]
  const count = sizes.reduce((product, dim) => product * dim, 1)
  if (count > KNOWN_LIMIT || !operands.some((operand) => operand?.known)) return undefined
  const readers = operands.map((operand) => reader(operand, sizes))
  return Array.from(
    { length: count },
    (_, i) => combine(...readers.map((read) => read(i))) ?? undefined,
  )
}

/** Reads an operand's content at a flat index of the broadcast result. */
function reader(
  operand: InferredType | undefined,
  sizes: readonly number[],
): (index: number) => Exclude<Dim, null> | undefined {
  const { known, shape } = operand ?? {}
  if (!known || !shape) return () => undefined
  if (known.length === 1) return () => known[0]
  const offset = sizes.length - shape.length
  return (index) => {
    let [rest, at, stride] = [index, 0, 1]
    for (let axis = sizes.length - 1; axis >= 0; axis--) {
      const position = rest % sizes[axis]!
      rest = Math.floor(rest / sizes[axis]!)
      const dim = shape[axis - offset]
      if (axis < offset || typeof dim !== 'number') continue
      at += (dim === 1 ? 0 : position) * stride
      stride *= dim
    }
    return known[at]
  }
}
