/**
 * Weights in blocks as kernels of ONNX Runtime: MatMulNBits for linear layers, GatherBlockQuantized for tables.
 *
 * Both read the stored `[out, in]` rows as they are, so nothing is turned. (com.microsoft, ContribOperators.md of
 * ONNX Runtime 1.30; the CPU, WebAssembly and WebGPU builds have them.)
 */
import { int } from '../graph/attributes.ts'
import type { BlockQuantizationNote, Value } from '../graph/graph.ts'
import type { NodeRule, RewriteContext } from '../graph/rewrite.ts'
import { reshaped, type Tensor } from '../graph/tensor.ts'
import { blockWeight } from '../onnx/quantize-blocks.ts'
import type { LinearLayer } from './linear-layer.ts'

const domain = 'com.microsoft'

function partsOf(
  context: RewriteContext,
  note: BlockQuantizationNote,
  tensor: Tensor,
  name: string,
) {
  const { weightBits: bits, block, symmetric } = note
  const parts = note.parts ?? blockWeight(tensor, { bits, block, symmetric }, name)
  return {
    codes: context.constant(parts.codes, `${name}_Q${bits}`),
    scales: context.constant(parts.scales, `${name}_scales`),
    zeroPoints: parts.zeroPoints && context.constant(parts.zeroPoints, `${name}_zero_points`),
  }
}

/** One linear layer on a 2-D input as MatMulNBits, its bias within. */
export function matMulNBits(context: RewriteContext, layer: LinearLayer, x: Value): Value {
  const note = layer.matmul.quantization as BlockQuantizationNote
  const name = layer.weight.parameter?.name ?? layer.weightValue.name
  const { codes, scales, zeroPoints } = partsOf(context, note, layer.weight.tensor, name)
  const inputs = [x, codes, scales, zeroPoints, undefined, layer.bias]
  const last = inputs.findLastIndex((input) => input !== undefined)
  const attributes = {
    K: int(layer.inSize),
    N: int(layer.outSize),
    bits: int(note.weightBits),
    block_size: int(note.block),
    accuracy_level: int(note.accuracyLevel),
  }
  return context.op('MatMulNBits', inputs.slice(0, last + 1), attributes, { domain })
}

/** Embedding tables in blocks. */
export const lowerBlockTable: NodeRule = {
  name: 'lower-block-table',
  anchors: ['Gather'],
  apply(node, context) {
    const [table, ids] = node.inputs
    const weight = table && context.weight(table)
    const note = node.quantization
    if (note?.scheme !== 'blocks' || !weight || !ids) return undefined
    const name = weight.parameter?.name ?? table.name
    const { codes, scales, zeroPoints } = partsOf(context, note, weight.tensor, name)
    const { tensor } = context.weight(codes)!
    const [rows, blocks, bytes] = tensor.shape as [number, number, number]
    const flat = context.constant(reshaped(tensor, [rows, blocks * bytes]), codes.name)
    const inputs = zeroPoints ? [flat, ids, scales, zeroPoints] : [flat, ids, scales]
    const attributes = {
      gather_axis: int(0),
      quantize_axis: int(1),
      block_size: int(note.block),
      bits: int(note.weightBits),
    }
    return [context.op('GatherBlockQuantized', inputs, attributes, { domain })]
  },
}
