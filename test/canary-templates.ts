/**
 * Templates of random graphs: what the passes look for, in the spellings they must take and those they
 * must refuse. Each draws its sizes, constants and layouts from the draft's seeded stream.
 */
import { float, int, ints, string } from '../src/graph/attributes.ts'
import type { Attribute, Value } from '../src/graph/graph.ts'
import { int64Tensor } from '../src/graph/tensor.ts'
import { attention } from './canary-attention.ts'
import { answer, type Draft, type Size } from './canary-draft.ts'

type Template = (d: Draft) => void
type Attributes = Readonly<Record<string, Attribute>>

const op = (d: Draft, ...args: Parameters<Draft['b']['op']>): Value => d.b.op(...args)

const activations = ['Gelu', 'Relu', 'Tanh', 'Sigmoid', 'Erf', 'Neg', 'Exp'] as const

/** Linear layers on rank 2, 3 or 4, with activations and elementwise work between them. */
const linears: Template = (d) => {
  const widths = Array.from({ length: d.int(2, 4) }, () => d.int(2, 5))
  const lead = d.pick<Size[]>([
    ['tokens'],
    ['batch', 'tokens'],
    ['batch', 'tokens'],
    [2, 'batch', 3],
  ])
  let x = d.input([...lead, widths[0]!])
  for (let i = 1; i < widths.length; i++) {
    const width = widths[i]!
    x = d.linear(x, widths[i - 1]!, width)
    if (d.chance(0.5)) x = op(d, d.pick(activations), [x])
    if (d.chance(0.5)) x = elementwise(d, x, [...lead, width])
  }
  const rows = d.b.int64s([-1, d.mostly(widths.at(-1)!, 1)])
  d.output(d.chance(0.3) ? op(d, 'Reshape', [x, rows]) : x)
}

function elementwise(d: Draft, x: Value, shape: readonly Size[]): Value {
  const width = shape.at(-1)!
  const other = d.pick([
    () => d.input(shape),
    () => d.input([width]),
    () => d.input([shape.at(-2)!, width]),
    () => d.input([...shape.slice(0, -1), 1]),
    () => d.input([1, ...shape]),
    () => d.scalar(0.5),
    () => x,
  ])()
  const operator = d.pick(['Add', 'Sub', 'Mul'])
  return op(d, operator, d.chance(0.5) ? [x, other] : [other, x])
}

function norm(d: Draft, x: Value, width: number): Value {
  const axis = d.mostly(-1, 2)
  const row = () => d.parameter([width])
  const inputs = [x, d.mostly(row, () => d.input(['batch', 'tokens', width]))()]
  if (d.chance(0.8)) inputs.push(d.parameter([width]))
  const attributes = { axis: int(axis), epsilon: float(d.mostly(0.1, 0.3)) }
  const outputs = d.b.ops('LayerNormalization', inputs, d.mostly(1, 3), attributes)
  for (const extra of outputs.slice(1)) d.output(extra)
  return outputs[0]!
}

/** Post-norm blocks: `x = LN(x + f(x))`, as BERT has them. */
const residual: Template = (d) => {
  const width = d.int(2, 4)
  let x = d.input(['batch', 'tokens', width])
  for (let i = d.int(1, 2); i > 0; i--) {
    const inner = d.int(2, 5)
    const gelu = op(d, 'Gelu', [d.linear(x, width, inner)], {
      approximate: string(d.pick(['none', 'tanh'])),
    })
    const projected = d.linear(d.chance(0.3) ? gated(d, gelu, inner) : gelu, inner, width)
    x = norm(d, op(d, 'Add', d.chance(0.5) ? [projected, x] : [x, projected]), width)
  }
  answer(d, x, width)
}

/** Two layers side by side, taken apart, turned in order and multiplied, as gates and rotations do. */
function gated(d: Draft, x: Value, width: number): Value {
  const both = d.linear(x, width, 2 * width)
  const axis = { axis: int(d.mostly(-1, 2)), num_outputs: int(2) }
  const [first, second] = d.b.ops('Split', [both], 2, axis)
  const turned = op(d, 'Concat', [second, first], { axis: int(d.mostly(-1, 1)) })
  const [inner, gate] = d.b.ops('Split', [turned], 2, axis)
  return op(d, 'Mul', [op(d, 'Gelu', [inner]), gate])
}

/** Tables looked up and added, positions cut to the length of the ids. */
const embeddings: Template = (d) => {
  const width = d.int(2, 4)
  const rows = d.int(6, 9)
  const ids = d.ids(['batch', 'tokens'], Math.min(rows, width))
  const axis = d.mostly<number | undefined>(undefined, 0, -2)
  const word = op(
    d,
    'Gather',
    [d.parameter([rows, width]), ids],
    axis === undefined ? {} : { axis: int(axis) },
  )
  const other = op(d, 'Gather', [d.parameter([rows, width]), d.ids(['batch', 'tokens'], rows)])
  const length = op(d, 'Shape', [d.pick([ids, word])], { start: int(1), end: int(2) })
  const bounds = [d.b.int64s([0]), length, d.b.int64s([0])]
  const positions = op(d, 'Slice', [d.parameter([rows, width]), ...bounds])
  const sum = op(d, 'Add', [op(d, 'Add', [word, other]), positions])
  answer(d, norm(d, sum, width), width)
}

/** A scale and a shift after a linear layer, with something added between them at times. */
const affine: Template = (d) => {
  const [from, to] = [d.int(2, 4), d.int(2, 4)]
  const row = () =>
    d.mostly(
      () => d.parameter([to]),
      () => d.parameter([1, to]),
    )()
  let x = d.linear(d.input(['batch', 'tokens', from]), from, to)
  if (d.chance(0.5)) {
    const other = d.pick([() => d.input(['batch', 'tokens', to]), () => d.input([to])])()
    x = op(d, 'Add', d.chance(0.5) ? [x, other] : [other, x])
  }
  const scaled = op(d, d.mostly('Mul', 'Div'), [x, row()])
  answer(d, op(d, 'Add', [scaled, row()]), to)
}

/** A small table whose rows are normalized and projected, then looked up by bucket, whole or cut out. */
const tables: Template = (d) => {
  const [heads, size] = [d.int(1, 2), d.int(2, 3)]
  const width = heads * size
  const rows = 6
  const numbers = Array.from({ length: 8 }, () => d.mostly(d.int(0, rows - 1), -1))
  const bucket = op(d, 'Gather', [
    d.b.constant(int64Tensor(numbers)),
    d.ids(['tokens'], numbers.length),
  ])
  const axis = d.b.int64s([0])
  const lowest = op(d, d.mostly('ReduceMin', 'ReduceMax'), [bucket])
  const end = op(d, 'Add', [op(d, 'ReduceMax', [bucket]), d.b.int64s([1])])
  const table = d.mostly(
    () => d.parameter([rows, width]),
    () => d.input([rows, width]),
  )()
  const cut = d.chance(0.7)
  let x = cut ? op(d, 'Slice', [table, lowest, end, axis]) : table
  if (d.chance(0.5)) x = norm(d, x, width)
  x = d.linear(x, width, width)
  if (d.chance(0.5)) x = op(d, 'Mul', [x, d.scalar(0.5)])
  const turned = () =>
    op(d, 'Slice', [bucket, d.b.int64s([-1]), d.b.int64s([-9]), axis, d.b.int64s([-1])])
  const index = d.pick([() => bucket, turned])()
  const placed = op(d, 'Gather', [x, cut ? op(d, 'Sub', [index, lowest]) : index], {
    axis: int(d.mostly(0, 1)),
  })
  const split = op(d, 'Reshape', [placed, d.b.int64s([d.mostly(0, -1), heads, size])])
  const perm = d.mostly([1, 2, 0], [1, 0, 2])
  d.output(op(d, 'Transpose', [split], { perm: ints(perm) }))
}

/** Shapes computed at run time and used again: reshapes and expansions that may change nothing. */
const shapes: Template = (d) => {
  const width = d.int(1, 3)
  const x = d.input(['batch', 'tokens', width])
  const y = op(d, d.pick(activations), [x])
  const from = d.pick([x, y])
  const size = (i: number): Value =>
    d.chance(0.5)
      ? op(d, 'Shape', [from], { start: int(i), end: int(i + 1) })
      : op(d, 'Gather', [op(d, 'Shape', [from]), d.b.int64s([i])])
  const order = d.mostly([0, 1], [1, 0])
  const parts = [...order.map(size), d.b.int64s([d.mostly(width, -1)])]
  const shape = op(d, 'Concat', parts, { axis: int(0) })
  const shaped = op(d, d.mostly('Reshape', 'Expand'), [
    y,
    d.chance(0.7) ? shape : op(d, 'Shape', [from]),
  ])
  d.output(shaped)
  if (d.chance(0.5)) d.output(op(d, 'ConstantOfShape', [op(d, 'Shape', [shaped])]))
}

const perms = [
  [0, 1, 2],
  [0, 2, 1],
  [2, 0, 1],
  [1, 2, 0],
  [1, 0, 2],
]

/** Transposes and reshapes one after the other. */
const movement: Template = (d) => {
  let x = d.input(['batch', 'tokens', d.int(1, 4)])
  for (let i = d.int(2, 5); i > 0; i--) {
    const turn = () =>
      op(d, 'Transpose', [x], d.mostly<Attributes>({ perm: ints(d.pick(perms)) }, {}))
    const shape = () =>
      op(d, 'Reshape', [
        x,
        d.b.int64s(
          d.pick([
            [-1, 1, 1],
            [1, 1, -1],
            [0, 0, -1],
            [0, -1, 1],
            [1, 0, -1],
          ]),
        ),
      ])
    x = d.pick([turn, turn, shape, shape, () => op(d, 'Identity', [x])])()
    if (d.chance(0.15)) d.output(x)
  }
  d.output(x)
}

/** Steps that may change nothing: neutral numbers, casts, dropout, identities. */
const identities: Template = (d) => {
  let x = d.input(['batch', 'tokens', 2], 0.5, 2)
  for (let i = d.int(2, 5); i > 0; i--) {
    const neutral = d.pick(['Add', 'Sub', 'Mul', 'Div', 'Pow'])
    const number = d.scalar(d.mostly(neutral === 'Add' || neutral === 'Sub' ? 0 : 1, 2, 0, 1))
    x = d.pick([
      () => op(d, neutral, d.chance(0.75) ? [x, number] : [number, x]),
      () => op(d, 'Cast', [x], { to: int(1) }),
      () => op(d, 'Cast', [op(d, 'Cast', [x], { to: int(d.pick([1, 6, 11])) })], { to: int(1) }),
      () => op(d, 'Identity', [x]),
      () => dropout(d, x),
      () => dropout(d, x),
    ])()
  }
  d.output(x)
}

function dropout(d: Draft, x: Value): Value {
  const [y, mask] = d.b.ops('Dropout', [x], d.mostly(1, 2))
  if (mask) d.output(mask)
  return y!
}

/** The same expression written twice, or nearly the same. */
const twice: Template = (d) => {
  const width = 3
  const x = d.input(['batch', width])
  const write = (): Value => {
    const sum = op(d, 'Add', [x, d.b.constant({ ...half(d) })])
    const weights = op(d, 'Softmax', [sum], { axis: int(d.mostly(-1, 0)) })
    return op(d, d.mostly('Exp', 'Neg'), [weights])
  }
  const first = write()
  const second = write()
  d.output(op(d, 'Sub', [op(d, 'Mul', [first, x]), second]))
  if (d.chance(0.3)) d.output(second)
}

const half = (d: Draft) => ({
  dtype: 'float32' as const,
  shape: [1],
  source: {
    kind: 'inline' as const,
    bytes: new Uint8Array(Float32Array.of(d.mostly(0.5, 0.25)).buffer),
  },
})

/** What follows from constants alone, and what only seems to. */
const constants: Template = (d) => {
  const x = d.input(['batch', 3])
  const a = d.floats([2, 3])
  const turned = op(d, 'Transpose', [d.chance(0.5) ? a : d.parameter([2, 3])], {
    perm: ints([1, 0]),
  })
  const sum = op(d, d.pick(['Add', 'Mul', 'Sub']), [turned, d.scalar(d.pick([0, 1, 3]))])
  const product = op(d, 'MatMul', [x, sum])
  const rows = op(d, 'Concat', [d.b.int64s([-1]), d.b.int64s([d.mostly(2, 1)])], { axis: int(0) })
  d.output(op(d, 'Reshape', [product, rows]))
}

/** Every template by name. */
export const templates: Readonly<Record<string, Template>> = {
  attention,
  linears,
  residual,
  embeddings,
  tables,
  affine,
  shapes,
  movement,
  identities,
  twice,
  constants,
}

/** Layers and tables large enough to be worth 8 bits. */
export const int8Template: Template = (d) => {
  const width = 64
  const x = d.input(
    d.pick<Size[]>([
      ['tokens', width],
      ['batch', 'tokens', width],
    ]),
  )
  const first = d.linear(x, width, width)
  const second = d.linear(d.pick([x, op(d, 'Gelu', [first])]), width, width)
  const row = op(d, 'Gather', [d.parameter([width, width]), d.ids(['tokens'], width)])
  d.output(op(d, 'Add', [d.chance(0.5) ? op(d, 'Add', [first, second]) : second, row]))
}
