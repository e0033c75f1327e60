/**
 * Templates of foreign graphs: what exporters write in place of our logical form, in their many spellings and
 * in some that only look alike (a position off by one, another stride, a mask that is a bias).
 *
 * Weights are bare initializers, as in a file of others.
 */
import { float, int, ints } from '../src/graph/attributes.ts'
import type { Attribute, Value } from '../src/graph/graph.ts'
import { int64Tensor } from '../src/graph/tensor.ts'
import { MASKED_SCORE } from '../src/passes/raise/scores-reader.ts'
import type { Draft, Size } from './canary-draft.ts'
import { layerTemplates } from './canary-raise-layers.ts'
import { shapeTemplates } from './canary-raise-shapes.ts'

type Template = (d: Draft) => void
type Attributes = Readonly<Record<string, Attribute>>

const op = (d: Draft, name: string, inputs: readonly (Value | undefined)[], a?: Attributes) =>
  d.b.op(name, inputs, a)

/** Operands in either order. */
const either = (d: Draft, name: string, a: Value, b: Value): Value =>
  op(d, name, d.chance(0.5) ? [a, b] : [b, a])

/** A factor by Mul or by Div. */
const times = (d: Draft, x: Value, factor: number): Value =>
  d.chance(0.5) ? either(d, 'Mul', x, d.scalar(factor)) : op(d, 'Div', [x, d.scalar(1 / factor)])

const lead = (d: Draft): Size[] =>
  d.pick<Size[]>([['tokens'], ['batch', 'tokens'], ['batch', 2, 'tokens']])

/** `½x(1 + inner)` in any bracketing. */
function halfOf(d: Draft, x: Value, inner: Value): Value {
  const gate = either(d, 'Add', inner, d.scalar(d.mostly(1, 1.01)))
  const half = () => d.scalar(d.mostly(0.5, 0.51))
  return d.pick([
    () => either(d, 'Mul', either(d, 'Mul', x, gate), half()),
    () => either(d, 'Mul', either(d, 'Mul', x, half()), gate),
    () => either(d, 'Mul', x, either(d, 'Mul', gate, half())),
    () => op(d, 'Div', [either(d, 'Mul', x, gate), d.scalar(2)]),
  ])()
}

const geluErf: Template = (d) => {
  const x = d.input([...lead(d), 4], -3, 3)
  d.output(halfOf(d, x, op(d, 'Erf', [times(d, x, d.mostly(Math.SQRT1_2, 0.7))])))
}

const geluTanh: Template = (d) => {
  const x = d.input([...lead(d), 4], -3, 3)
  const c = () => d.scalar(d.mostly(0.044715, 0.05))
  const square = () => op(d, 'Mul', [x, x])
  const cube = d.pick([
    () => either(d, 'Mul', op(d, 'Pow', [x, d.scalar(3)]), c()),
    () => either(d, 'Mul', either(d, 'Mul', x, square()), c()),
    () => either(d, 'Mul', either(d, 'Mul', square(), c()), x),
  ])
  const sum = d.chance(0.5)
    ? either(d, 'Add', x, cube())
    : either(d, 'Mul', x, either(d, 'Add', either(d, 'Mul', square(), c()), d.scalar(1)))
  d.output(halfOf(d, x, op(d, 'Tanh', [times(d, sum, Math.sqrt(2 / Math.PI))])))
}

const gates: Template = (d) => {
  const x = d.input([...lead(d), 4], -3, 3)
  const factor = d.pick([1, 1.702, 1.703])
  const inner = factor === 1 ? x : either(d, 'Mul', x, d.scalar(factor))
  d.output(either(d, 'Mul', x, op(d, 'Sigmoid', [inner])))
}

/** Layer and root-mean-square normalization in parts. */
const norms: Template = (d) => {
  const width = d.int(2, 5)
  const shape = [...lead(d), width]
  const x = d.input(shape)
  const axes = () => d.b.int64s([d.mostly(-1, shape.length - 1, 0)])
  const mean = (value: Value) =>
    op(d, 'ReduceMean', [value, axes()], d.chance(0.5) ? {} : { keepdims: int(1) })
  const isRms = d.chance(0.4)
  const centred = isRms ? x : op(d, 'Sub', [x, mean(x)])
  const square = d.chance(0.5)
    ? op(d, 'Pow', [centred, d.scalar(2)])
    : op(d, 'Mul', [centred, centred])
  const epsilon = d.mostly(d.scalar(0.01), d.floats([width]))
  const root = op(d, 'Sqrt', [either(d, 'Add', mean(square), epsilon)])
  const normal = d.pick([
    () => op(d, 'Div', [centred, root]),
    () => either(d, 'Mul', centred, op(d, 'Reciprocal', [root])),
    () => either(d, 'Mul', centred, op(d, 'Div', [d.scalar(1), root])),
  ])()
  const row = () => d.floats(d.mostly([width], [1], [1, width]))
  const scaled = either(d, 'Mul', normal, row())
  d.output(d.chance(0.3) ? scaled : either(d, 'Add', scaled, row()))
}

/** A linear layer as exporters spell it: Gemm on rows, MatMul with `[in, out]`, a turned table. */
export function foreignLinear(d: Draft, x: Value, from: readonly Size[], width: number): Value {
  const inSize = from.at(-1) as number
  const matrix = () => d.floats([inSize, width])
  const bias = () => d.floats(d.mostly([width], [1, width], [1], []))
  if (d.chance(0.5) && from.length > 1) {
    const product = op(d, 'MatMul', [x, matrix()])
    return d.chance(0.8) ? either(d, 'Add', product, bias()) : product
  }
  const rows = op(d, 'Reshape', [x, d.b.int64s([-1, inSize])])
  const transB = d.chance(0.5)
  const weight = transB ? d.floats([width, inSize]) : matrix()
  const transA = d.mostly(0, 1)
  const attributes: Record<string, Attribute> = { transB: int(Number(transB)) }
  if (transA) attributes.transA = int(1)
  if (d.chance(0.3)) attributes.alpha = float(d.mostly(1, 0.5))
  if (d.chance(0.3)) attributes.beta = float(d.mostly(1, 2))
  const inputs = [transA ? op(d, 'Transpose', [rows], { perm: ints([1, 0]) }) : rows, weight]
  const y = op(d, 'Gemm', d.chance(0.8) ? [...inputs, bias()] : inputs, attributes)
  const back = from.slice(0, -1).map((size, i) => (i === 0 && size !== 1 ? -1 : size))
  if (back.some((size) => typeof size === 'string')) return reshapeLike(d, y, x, width)
  return op(d, 'Reshape', [y, d.b.int64s([...(back as number[]), width])])
}

/** Reshape to `[…, width]` by the leading sizes of another value, computed at run time. */
function reshapeLike(d: Draft, y: Value, x: Value, width: number): Value {
  const sizes = op(d, 'Shape', [x], { end: int(-1) })
  const shape = op(d, 'Concat', [sizes, d.b.int64s([width])], { axis: int(0) })
  return op(d, 'Reshape', [y, shape])
}

const linears: Template = (d) => {
  const shape = [...lead(d), 3]
  const x = d.input(shape)
  const y = foreignLinear(d, x, shape, 4)
  const z = foreignLinear(d, d.chance(0.5) ? op(d, 'Relu', [y]) : y, [...shape.slice(0, -1), 4], 3)
  d.output(z)
}

/** A table that is looked up, and a product with the same table turned. */
const tied: Template = (d) => {
  const table = d.floats([5, 3])
  const x = op(d, 'Gather', [table, d.ids(['batch', 'tokens'], 5)])
  const y = d.chance(0.5) ? op(d, 'Dropout', [x, d.scalar(0)]) : x
  d.output(op(d, 'MatMul', [y, op(d, 'Transpose', [table], { perm: ints([1, 0]) })]))
}

/** Positions by Range, or cut from a stored list; off by one or of another step at times. */
function positions(d: Draft, like: Value, axis: number, plain = false): Value {
  const size = op(d, 'Shape', [like], { start: int(axis), end: int(axis + 1) })
  const shift = (x: Value) =>
    !plain && d.chance(0.3)
      ? either(d, 'Add', x, d.b.constant(int64Tensor([d.mostly(0, 1, 2)], [])))
      : x
  if (d.chance(plain ? 0.05 : 0.4)) {
    const first = d.mostly(0, -1)
    const list = Array.from({ length: 8 }, (_, i) => first + i * d.mostly(1, 1, 0))
    const start = d.b.int64s([d.mostly(0, 1)])
    const cut = [d.b.constant(int64Tensor(list, [1, 8])), start, size, d.b.int64s([1])]
    const row = op(d, 'Slice', cut)
    return shift(op(d, 'Squeeze', [row, d.b.int64s([0])]))
  }
  const number = (value: number) => d.b.constant(int64Tensor([value], []))
  const limit = op(d, 'Squeeze', [size, d.b.int64s([0])])
  const range = op(d, 'Range', [number(d.mostly(0, 1)), limit, number(d.mostly(1, 2))])
  const wide = d.chance(0.3) ? op(d, 'Cast', [range], { to: int(d.pick([6, 1])) }) : range
  return shift(wide === range ? range : op(d, 'Cast', [wide], { to: int(7) }))
}

const positionTable: Template = (d) => {
  d.sizes.tokens = d.int(2, 4)
  const x = d.input(['batch', 'tokens', 3])
  const at = positions(d, x, 1)
  const row = d.chance(0.5) ? op(d, 'Unsqueeze', [at, d.b.int64s([0])]) : at
  const table = d.chance(0.5) ? d.floats([8, 3]) : d.input([8, 3])
  d.output(op(d, 'Gather', [table, row], d.chance(0.3) ? { axis: int(d.mostly(0, 1)) } : {}))
  d.output(op(d, 'Neg', [x]))
}

/** `marks[b, k]` by coordinates or by one number, for a mask function of batch and key. */
const markGathers =
  (isFlat: boolean): Template =>
  (d) => {
    d.sizes.tokens = d.int(2, 4)
    const x = d.input(['batch', 'tokens'])
    const columns = d.mostly<Size>('tokens', 'tokens', 6)
    const marks = d.input(['batch', columns])
    const batch = op(d, 'Unsqueeze', [positions(d, x, 0, true), d.b.int64s(d.mostly([1], [0]))])
    const key = op(d, 'Unsqueeze', [positions(d, x, 1, true), d.b.int64s(d.mostly([0], [1]))])
    if (isFlat) {
      const width = op(d, 'Shape', [d.mostly(marks, x)], { start: int(1), end: int(2) })
      const row = op(d, 'Mul', [batch, op(d, 'Squeeze', [width, d.b.int64s([0])])])
      const flat = op(d, 'Reshape', [marks, d.b.int64s(d.pick([[-1], [-1, 1]]))])
      d.output(op(d, 'Gather', [flat, either(d, 'Add', row, key)]))
      return
    }
    const both = either(d, 'Add', op(d, 'Mul', [batch, zero(d)]), op(d, 'Mul', [key, zero(d)]))
    const parts = [batch, key].map((part) =>
      op(d, 'Unsqueeze', [op(d, 'Add', [part, both]), d.b.int64s([-1])]),
    )
    const ordered = d.mostly(parts, [...parts].reverse())
    d.output(op(d, 'GatherND', [marks, op(d, 'Concat', ordered, { axis: int(-1) })]))
  }

const zero = (d: Draft): Value => d.b.constant(int64Tensor([0], []))

/** Chains of views with targets from shapes. */
const views: Template = (d) => {
  const x = d.input(['batch', 'tokens', 4])
  const size = (axis: number) => {
    const dim = op(d, 'Gather', [op(d, 'Shape', [x]), zeroPlus(d, axis)])
    return op(d, 'Unsqueeze', [dim, d.b.int64s([0])])
  }
  const target = (...parts: (number | Value)[]) =>
    op(
      d,
      'Concat',
      parts.map((part) => (typeof part === 'number' ? d.b.int64s([part]) : part)),
      { axis: int(0) },
    )
  let y = x
  for (let i = d.int(1, 3); i > 0; i--) {
    y = d.pick([
      () => op(d, 'Reshape', [y, target(size(0), size(1), 2, d.mostly(2, -1))]),
      () => op(d, 'Reshape', [y, target(size(0), -1, 4)]),
      () => op(d, 'Reshape', [y, target(-1, d.mostly(4, 2))]),
      () => op(d, 'Reshape', [y, target(size(1), size(0), 4)]),
      () => op(d, 'Flatten', [y], { axis: int(d.int(0, 2)) }),
      () => op(d, 'Unsqueeze', [y, d.b.int64s([d.pick([0, 1, -1])])]),
      () => op(d, 'Relu', [y]),
    ])()
  }
  d.output(d.chance(0.5) ? op(d, 'Reshape', [y, target(size(0), size(1), 4)]) : y)
}

const zeroPlus = (d: Draft, value: number): Value => d.b.constant(int64Tensor([value], []))

/** Batched products `[batch·heads, tokens, size]`, with what all texts share repeated. */
const batchedHeads: Template = (d) => {
  d.sizes.tokens = d.int(2, 4)
  const [heads, size] = [d.int(1, 3), 2]
  const split = () => d.input(['batch', heads, 'tokens', size])
  const flat = (x: Value, ...rest: Size[]) => {
    const tail = op(d, 'Shape', [x], { start: int(2) })
    return rest.length > 0 && d.chance(0.5)
      ? op(d, 'Reshape', [x, d.b.int64s([-1, 4, 2])])
      : op(d, 'Reshape', [x, op(d, 'Concat', [d.b.int64s([-1]), tail], { axis: int(0) })])
  }
  const query = split()
  const left = flat(query)
  const shared = d.input([d.mostly(heads, 1), 3, size])
  const batch = op(d, 'Shape', [query], { start: int(0), end: int(1) })
  const count = d.mostly(batch, d.b.int64s([d.sizes.batch!]))
  const repeats = op(d, 'Concat', [count, d.b.int64s([1, d.mostly(1, 2)])], { axis: int(0) })
  const other = d.chance(0.5) ? flat(split()) : op(d, 'Tile', [shared, repeats])
  const turned = op(d, 'Transpose', [other], { perm: ints(d.mostly([0, 2, 1], [1, 0, 2])) })
  if (d.chance(0.2)) d.output(turned)
  let scores = op(d, 'MatMul', [left, times(d, turned, 0.5)])
  if (d.chance(0.3)) scores = times(d, scores, 0.7)
  const weights = op(d, 'Softmax', [scores], { axis: int(d.mostly(-1, 2, 1)) })
  d.output(weights)
}

/** Marks of 1 and 0 as every exporter makes a mask of them. */
function mask(d: Draft, scores: Value, heads: number): Value {
  const low = () => d.scalar(d.mostly(MASKED_SCORE, -1e4, -65504, Number.NEGATIVE_INFINITY))
  const marks = d.kept(['batch', 'tokens'])
  const unsqueezed = op(d, 'Unsqueeze', [marks, d.b.int64s([1, 2])])
  const bool = () => op(d, 'Cast', [unsqueezed], { to: int(9) })
  const number = () => op(d, 'Cast', [unsqueezed], { to: int(1) })
  const opposite = () => op(d, 'Not', [bool()])
  const term = () =>
    d.pick([
      () => either(d, 'Mul', op(d, 'Sub', [d.scalar(1), number()]), low()),
      () => op(d, 'Where', [bool(), d.scalar(0), low()]),
      () => op(d, 'Where', [opposite(), low(), d.scalar(0)]),
      () =>
        d.input(
          d.pick<Size[]>([
            ['batch', 1, 1, 'tokens'],
            ['batch', heads, 'tokens', 'tokens'],
          ]),
        ),
      () =>
        either(d, 'Mul', op(d, 'Sub', [d.scalar(1), d.input([1, 1, 'tokens', 'tokens'])]), low()),
    ])()
  return d.pick([
    () => either(d, 'Add', scores, term()),
    () => op(d, 'Where', [bool(), scores, low()]),
    () => op(d, 'Where', [opposite(), low(), scores]),
    () => op(d, 'Where', [d.kept2(['tokens', 'tokens']), scores, low()]),
    () => op(d, 'Where', [op(d, 'And', [bool(), causal(d, scores)]), scores, low()]),
    () => scores,
  ])()
}

/** Key ≤ query, or what is always true, as functions of the index. */
function causal(d: Draft, scores: Value): Value {
  const at = (axis: number, axes: number[]) =>
    op(d, 'Unsqueeze', [positions(d, scores, axis), d.b.int64s(axes)])
  const rows = at(2, [0, 1, 3])
  const columns = at(3, [0, 1, 2])
  return d.pick([
    () => op(d, 'LessOrEqual', [columns, rows]),
    () => op(d, 'GreaterOrEqual', [columns, zero(d)]),
    () => op(d, 'Greater', [op(d, 'Add', [columns, zeroPlus(d, d.mostly(1, 0))]), zero(d)]),
  ])()
}

const scores: Template = (d) => {
  d.sizes.tokens = d.int(2, 4)
  const [heads, size] = [d.int(1, 3), d.int(2, 3)]
  const head = () => d.input(['batch', heads, 'tokens', size])
  const [query, key, value] = [head(), head(), head()]
  const scaled = (x: Value) => (d.chance(0.4) ? times(d, x, 0.6) : x)
  const turned = d.chance(0.7)
    ? op(d, 'Transpose', [scaled(key)], { perm: ints(d.mostly([0, 1, 3, 2], [0, 2, 3, 1])) })
    : turnedFlat(d, scaled(key))
  let sum = op(d, 'MatMul', [scaled(query), scaled(turned)])
  if (d.chance(0.7)) sum = times(d, sum, d.mostly(0.5, -0.5, 0))
  const bias = () =>
    d.input(
      d.pick<Size[]>([
        [1, heads, 'tokens', 'tokens'],
        ['tokens', 'tokens'],
      ]),
    )
  if (d.chance(0.2)) sum = either(d, 'Add', sum, bias())
  for (let i = d.int(1, 2); i > 0; i--) sum = mask(d, sum, heads)
  if (d.chance(0.2)) sum = either(d, 'Add', sum, bias())
  if (d.chance(0.1)) sum = times(d, sum, 0.9)
  const axis = d.mostly<Attributes>({ axis: int(-1) }, { axis: int(3) }, {}, { axis: int(2) })
  const weights = op(d, 'Softmax', [sum], axis)
  const guarded = d.chance(0.4)
    ? op(d, 'Where', [op(d, 'IsNaN', [weights]), d.scalar(0), weights])
    : weights
  d.output(op(d, 'MatMul', [guarded, value]))
}

/** Keys turned while batch and heads are one axis. */
function turnedFlat(d: Draft, key: Value): Value {
  const sizes = (start: number, end: number) =>
    op(d, 'Shape', [key], { start: int(start), end: int(end) })
  const concat = (...parts: Value[]) => op(d, 'Concat', parts, { axis: int(0) })
  const flat = op(d, 'Reshape', [key, concat(d.b.int64s([-1]), sizes(2, 4))])
  const turned = op(d, 'Transpose', [flat], { perm: ints([0, 2, 1]) })
  return op(d, 'Reshape', [turned, concat(sizes(0, 2), sizes(3, 4), sizes(2, 3))])
}

/** The Attention operator with its options. */
const attentionOp: Template = (d) => {
  const [heads, size] = [d.int(1, 3), d.int(2, 3)]
  const head = (tokens: Size) => d.input(['batch', heads, tokens, size])
  const keys = d.mostly<Size>('tokens', 'keys')
  const inputs: (Value | undefined)[] = [head('tokens'), head(keys), head(keys)]
  if (d.chance(0.7)) {
    const shape = d.pick<Size[]>([
      ['batch', 1, 'tokens', keys],
      ['tokens', keys],
      [1, 1, 'tokens', keys],
      ['batch', heads, 'tokens', keys],
      [1, 1, 1, keys],
    ])
    inputs.push(d.chance(0.5) ? d.kept2(shape) : d.input(shape))
  }
  const attributes: Record<string, Attribute> = {}
  if (d.chance(0.5)) attributes.scale = float(0.3)
  if (d.chance(0.6)) attributes.is_causal = int(d.mostly(0, 1))
  if (d.chance(0.1)) attributes.softcap = float(2)
  d.output(op(d, 'Attention', inputs, attributes))
}

/** Heads turned by the positions' angles, `x·cos + [−x₂, x₁]·sin`. */
const rotary: Template = (d) => {
  const [heads, half] = [d.int(1, 3), d.int(1, 3)]
  const x = d.input(['batch', 'tokens', heads, 2 * half])
  const turned = op(d, 'Transpose', [x], { perm: ints(d.mostly([0, 2, 1, 3], [0, 1, 2, 3])) })
  const ids = op(d, 'Cast', [positions(d, x, 1, true)], { to: int(1) })
  const at = op(d, 'Unsqueeze', [ids, d.b.int64s([0, 2])])
  const angles = op(d, 'Mul', [at, d.floats([half])])
  const other = d.mostly(angles, op(d, 'Neg', [angles]))
  const doubled = op(d, 'Concat', [angles, other], { axis: int(-1) })
  const factor = (name: string) =>
    op(d, 'Unsqueeze', [op(d, name, [doubled]), d.b.int64s([d.mostly(1, 0)])])
  const part = (from: number, to: number) => {
    const bounds = [from, to, d.mostly(3, -1)].map((value) => d.b.int64s([value]))
    return op(d, 'Slice', [turned, ...bounds])
  }
  const [first, second] = d.chance(0.7)
    ? [part(0, half), part(d.mostly(half, half - 1), Number.MAX_SAFE_INTEGER)]
    : d.b.ops('Split', [turned], 2, { axis: int(-1), num_outputs: int(2) })
  const rotated = op(d, 'Concat', [op(d, 'Neg', [second]), first], { axis: int(-1) })
  const [cos, sin] = d.mostly(['Cos', 'Sin'], ['Sin', 'Cos']).map(factor)
  d.output(either(d, 'Add', either(d, 'Mul', turned, cos!), either(d, 'Mul', rotated, sin!)))
}

/** Dropout while training, its mask read at times. */
const dropouts: Template = (d) => {
  const x = d.input([...lead(d), 4])
  const [y, kept] = d.b.ops('Dropout', [x, d.scalar(0.1)], 2)
  d.output(op(d, 'Neg', [y]))
  if (d.chance(0.3)) d.output(op(d, 'Not', [kept]))
}

/** Every template by name, and how many of a round's graphs are of it. */
export const raiseTemplates: Readonly<Record<string, readonly [Template, number]>> = {
  geluErf: [geluErf, 12],
  geluTanh: [geluTanh, 12],
  gates: [gates, 8],
  norms: [norms, 24],
  linears: [linears, 10],
  tied: [tied, 4],
  positionTable: [positionTable, 7],
  marksByNumber: [markGathers(true), 15],
  marksByCoordinates: [markGathers(false), 22],
  views: [views, 16],
  batchedHeads: [batchedHeads, 7],
  scores: [scores, 24],
  attentionOp: [attentionOp, 10],
  rotary: [rotary, 22],
  dropouts: [dropouts, 4],
  ...shapeTemplates,
  ...layerTemplates,
}
