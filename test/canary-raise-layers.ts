/**
 * Templates of layers that stand beside what normalizes them: convolutions and linear layers before batch
 * normalization, with and without bias, shared, read elsewhere.
 */
import { float, int, ints } from '../src/graph/attributes.ts'
import type { Attribute, Value } from '../src/graph/graph.ts'
import { float32Tensor } from '../src/graph/tensor.ts'
import type { Draft, Size } from './canary-draft.ts'

type Template = (d: Draft) => void

function batchNorm(d: Draft, x: Value, channels: number): Value {
  const variance = d.b.constant(float32Tensor(d.numbers(channels, 0.5, 2)))
  const row = () => d.floats([channels])
  const inputs = [x, d.mostly(row, () => d.input([channels]))(), row(), row(), variance]
  const attributes: Record<string, Attribute> = {}
  if (d.chance(0.5)) attributes.epsilon = float(d.pick([1e-3, 1e-5]))
  return d.b.op('BatchNormalization', inputs, attributes)
}

/** A convolution of two, one or as many groups as channels; a transposed one at times. */
function convolution(d: Draft, x: Value, channels: number, outChannels: number): Value {
  const turned = d.chance(0.3)
  const group = d.mostly(1, 2, channels)
  const kernel = d.pick([1, 2])
  const shape = turned
    ? [channels, outChannels / group, kernel, kernel]
    : [outChannels, channels / group, kernel, kernel]
  const weight = d.mostly(
    () => d.floats(shape),
    () => d.input(shape),
  )()
  const bias = d.chance(0.5)
    ? d.mostly(
        () => d.floats([outChannels]),
        () => d.input([outChannels]),
      )()
    : undefined
  const attributes: Record<string, Attribute> = {}
  if (group > 1) attributes.group = int(group)
  if (d.chance(0.4)) attributes.pads = ints([1, 0, 0, 1])
  if (d.chance(0.3)) attributes.strides = ints([2, 1])
  const inputs = bias ? [x, weight, bias] : [x, weight]
  return d.b.op(turned ? 'ConvTranspose' : 'Conv', inputs, attributes)
}

function linearRows(d: Draft, x: Value, inSize: number, width: number): Value {
  const row = () => d.floats(d.mostly([width], [1, width], [1]))
  if (d.chance(0.5)) {
    const product = d.b.op('MatMul', [x, d.floats([inSize, width])])
    if (d.chance(0.4)) return product
    return d.b.op('Add', d.chance(0.5) ? [product, row()] : [row(), product])
  }
  const transB = d.int(0, 1)
  const inputs = [x, d.floats(transB ? [width, inSize] : [inSize, width])]
  const attributes: Record<string, Attribute> = { transB: int(transB) }
  if (d.chance(0.3)) attributes.alpha = float(0.5)
  if (d.chance(0.3)) attributes.beta = float(d.mostly(1, 2))
  return d.b.op('Gemm', d.chance(0.6) ? [...inputs, row()] : inputs, attributes)
}

const batchNorms: Template = (d) => {
  const kind = d.pick(['conv', 'conv', 'rows', 'alone'])
  const channels = d.pick([2, 4])
  if (kind === 'alone') {
    const shape = d.pick<Size[]>([
      ['batch', channels],
      ['batch', channels, 'tokens'],
      ['batch', channels, 2, 3],
    ])
    d.output(batchNorm(d, d.b.op('Relu', [d.input(shape)]), channels))
    return
  }
  const layer =
    kind === 'conv'
      ? convolution(d, d.input(['batch', channels, 4, 5]), channels, 4)
      : linearRows(d, d.input(['batch', 3]), 3, 4)
  if (d.mostly(0, 0, 1)) d.output(d.b.op('Neg', [layer]))
  const y = batchNorm(d, layer, 4)
  d.output(y)
  // two normalizations of one layer
  if (d.mostly(0, 0, 1)) d.output(batchNorm(d, layer, 4))
}

/** One operator on four axes, of what is turned and perhaps of something else. */
function between(d: Draft, x: Value, perm: readonly number[], shape: readonly Size[]): Value {
  const again = (): Value => d.b.op('Transpose', [d.input(shape)], { perm: ints(perm) })
  const pair = (other: Value) =>
    d.b.op(d.pick(['Add', 'Sub', 'Mul']), d.chance(0.5) ? [x, other] : [other, x])
  const width = shape[perm[3]!]!
  return d.pick([
    () => d.b.op(d.pick(['Relu', 'Tanh', 'Sigmoid', 'Gelu', 'Neg']), [x]),
    () => pair(again()),
    () => pair(d.scalar(0.5)),
    () => pair(typeof width === 'number' ? d.floats(d.pick([[width], [1, 1, width]])) : again()),
    () => pair(d.input(perm.map((axis) => shape[axis]!))),
    () => d.b.op('Softmax', [x], { axis: int(d.pick([-1, 1, 2])) }),
    () =>
      d.b.op('ReduceMean', [x, d.b.int64s([d.pick([-1, 1])])], {
        keepdims: int(d.mostly(1, 1, 0)),
      }),
    () => {
      if (typeof width !== 'number') return d.b.op('Exp', [x])
      const rows = [d.floats([width]), d.floats([width])]
      return d.b.op('LayerNormalization', [x, ...rows], { axis: int(d.mostly(-1, 3)) })
    },
    () => d.b.op('Concat', [x, again()], { axis: int(d.pick([1, -1, 2])) }),
    () => d.b.op('Clip', [x, d.scalar(-0.5)]),
  ])()
}

/** Turned, worked on, and turned back or on. */
const transposes: Template = (d) => {
  const shape: Size[] = ['batch', 2, 'tokens', 4]
  const perm = d.pick([
    [0, 2, 3, 1],
    [0, 2, 1, 3],
    [0, 3, 1, 2],
  ])
  const back = perm.map((_, axis) => perm.indexOf(axis))
  let x = d.b.op('Transpose', [d.input(shape)], { perm: ints(perm) })
  for (let i = d.int(1, 3); i > 0; i--) x = between(d, x, perm, shape)
  const parts = d.chance(0.3)
    ? d.b.ops('Split', [x], 2, { axis: int(perm.indexOf(1)), num_outputs: int(2) })
    : [x]
  for (const part of parts) {
    d.output(d.b.op('Transpose', [part], { perm: ints(d.mostly(back, perm)) }))
  }
}

/** Every template by name, and how many of a round's graphs are of it. */
export const layerTemplates: Readonly<Record<string, readonly [Template, number]>> = {
  batchNorms: [batchNorms, 14],
  transposes: [transposes, 16],
}
