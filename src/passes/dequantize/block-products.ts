/**
 * Weights in blocks: MatMulNBits becomes a product with the floats of its rows, GatherBlockQuantized a Gather of
 * them. (com.microsoft, ContribOperators.md of ONNX Runtime 1.30.)
 */
import { intOf, ints } from '../../graph/attributes.ts'
import { dequantizedRows } from '../../onnx/dequantize-weight.ts'
import type { Convert } from './dequantizer.ts'

const matMulNBits: Convert = (node, to) => {
  const [x, codes, scales, zeros, group, bias] = node.inputs
  if (group) return 'its columns are in another order (g_idx)'
  const [packed, scale] = [to.tensor(codes), to.tensor(scales)]
  const zero = to.tensor(zeros)
  if (!x || !packed || !scale || (zeros && !zero)) return 'its weight is no constant'
  const [rows, columns] = [intOf(node, 'N', 0), intOf(node, 'K', 0)]
  const how = { bits: intOf(node, 'bits', 4), block: intOf(node, 'block_size', 0) }
  if (![2, 4, 8].includes(how.bits) || how.block < 1) return `its codes have ${how.bits} bits`
  const blocks = Math.ceil(columns / how.block)
  const size = packed.shape.reduce((product, dim) => product * dim, 1)
  if (packed.dtype !== 'uint8' || size !== rows * blocks * Math.ceil((how.block * how.bits) / 8)) {
    return `codes ${packed.dtype}[${packed.shape.join(', ')}] for ${rows} rows of ${columns}`
  }
  const name = codes!.name.replace(/(_quantized|_quant|_q[248]|_Q[248].*)$/, '')
  const weight = to.constant(dequantizedRows(packed, scale, zero, how, [rows, columns]), name)
  const turned = to.op('Transpose', [weight], { perm: ints([1, 0]) })
  const product = to.op('MatMul', [x, turned])
  to.replace(node.outputs[0], bias ? to.op('Add', [product, bias]) : product)
  return true
}

const gatherBlockQuantized: Convert = (node, to) => {
  const [table, ids, scales, zeros] = node.inputs
  const codes = to.tensor(table)
  if (!codes || !ids) return 'its table is no constant'
  const isBytes = codes.dtype === 'uint8'
  const bits = isBytes ? intOf(node, 'bits', 4) : 8
  const shape = codes.shape.with(-1, (codes.shape.at(-1) ?? 1) * (isBytes ? 8 / bits : 1))
  const axis = intOf(node, 'quantize_axis', 1)
  // unsigned bytes without zero points are around their middle
  const zero = isBytes ? 2 ** (bits - 1) : 0
  const how = { axis, block: intOf(node, 'block_size', 128), bits, zero }
  const float = to.floatWeight([table, scales, zeros], codes, how, shape)
  if (typeof float === 'string') return float
  const { gather_axis: along } = node.attributes
  to.replace(node.outputs[0], to.op('Gather', [float, ids], along ? { axis: along } : {}))
  return true
}

export const blockProducts: Readonly<Record<string, Convert>> = {
  MatMulNBits: matMulNBits,
  GatherBlockQuantized: gatherBlockQuantized,
}
