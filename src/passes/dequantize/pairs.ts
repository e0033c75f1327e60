/**
 * QuantizeLinear, DynamicQuantizeLinear and DequantizeLinear: a value that is rounded and read again is the value.
 *
 * Rounding also clamps. Quantizers leave a Relu out where the lowest code stands for 0; it is put back there, after
 * operators that could have had one.
 */
import { intOf } from '../../graph/attributes.ts'
import { dataTypes } from '../../graph/data-type.ts'
import type { Value } from '../../graph/graph.ts'
import type { Convert, Dequantizer } from './dequantizer.ts'

/** Operators that quantizers fuse a Relu into; others do not fall below 0, or may. */
const rectifiable: ReadonlySet<string> = new Set([
  ...['Conv', 'ConvTranspose', 'MatMul', 'Gemm', 'Add', 'Mul', 'Sub', 'BatchNormalization'],
  ...['InstanceNormalization', 'LayerNormalization', 'GroupNormalization'],
])

/** A float with the Relu that its rounding implies. */
export function rectified(to: Dequantizer, float: Value, zero: Value | undefined): Value {
  const tensor = to.tensor(zero)
  const lowest =
    tensor && (tensor.dtype.startsWith('u') ? 0 : -(2 ** (dataTypes[tensor.dtype].bits - 1)))
  const zeros = lowest === undefined ? undefined : to.numbers(zero)
  const producer = to.producer(float)
  if (!producer || !rectifiable.has(producer.op)) return float
  return zeros && Array.from(zeros).every((each) => each === lowest)
    ? to.op('Relu', [float])
    : float
}

const quantizeLinear: Convert = (node, to) => {
  const [x, scale, zero] = node.inputs
  const [y] = node.outputs
  if (!x || !scale || !y) return 'an operand is absent'
  to.shadows.set(y, { float: rectified(to, to.resolve(x), zero), scale, zero })
  return true
}

const dynamicQuantizeLinear: Convert = (node, to) => {
  const [x] = node.inputs
  const [y, scale, zero] = node.outputs
  if (!x || !y || !scale) return 'an operand is absent'
  to.shadows.set(y, { float: to.resolve(x), scale, zero })
  return true
}

const dequantizeLinear: Convert = (node, to) => {
  const [x, scale, zero] = node.inputs
  const how = { axis: intOf(node, 'axis', 1), block: intOf(node, 'block_size', 0) }
  const float = to.floatOf([x, scale, zero], how)
  if (typeof float === 'string') return float
  to.replace(node.outputs[0], float)
  return true
}

export const pairs: Readonly<Record<string, Convert>> = {
  QuantizeLinear: quantizeLinear,
  DynamicQuantizeLinear: dynamicQuantizeLinear,
  DequantizeLinear: dequantizeLinear,
}
