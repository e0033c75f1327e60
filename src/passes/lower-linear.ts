/**
 * Linear layers as kernels: Gemm with its bias on token-major `[tokens, width]`, or INT8.
 *
 * A layer on `[batch, tokens, in]` becomes Reshape → kernel → Reshape; `token-major` then cancels the
 * reshapes between layers. INT8 quantizes the input once: layers that share an input share the
 * DynamicQuantizeLinear after common subexpressions are merged.
 */
import { int } from '../graph/attributes.ts'
import type {
  IntegerQuantization,
  NodeQuantization,
  StaticQuantizationNote,
  Value,
} from '../graph/graph.ts'
import type { NodeRule, RewriteContext } from '../graph/rewrite.ts'
import {
  floatScalar,
  inlineTensor,
  int64Tensor,
  reshaped,
  type Tensor,
  transposed,
} from '../graph/tensor.ts'
import { quantizedWeight, WHOLE_TENSOR } from '../onnx/quantize-weight.ts'
import { type LinearLayer, linearLayer, linearMiss } from './linear-layer.ts'

/** Kernel of one linear layer on a 2-D input. */
export type LinearKernel = (context: RewriteContext, layer: LinearLayer, x: Value) => Value

/** Kernels of quantized linear layers by the scheme of their note: the target's choice. */
export type LinearKernels = Readonly<Record<KernelKind, LinearKernel>>

type KernelKind = 'dynamic' | 'dynamic-token' | 'static' | 'blocks'

function kernelOf(
  note: NodeQuantization | undefined,
  kernels: LinearKernels | undefined,
): LinearKernel {
  if (!kernels || !note || note.scheme === 'weight-only') return gemm
  if (note.scheme !== 'dynamic') return kernels[note.scheme]
  return kernels[note.activations === 'token' ? 'dynamic-token' : 'dynamic']
}

const MICROSOFT = 'com.microsoft'

/** ONNX Runtime's fused kernel: u8 activations × s8 weights, scaled back to float with the bias added. */
export const matMulIntegerToFloat: LinearKernel = (context, layer, x) => {
  const { codes, scales, name } = weightOf(layer)
  const [quantized, scale, zero] = context.ops('DynamicQuantizeLinear', [x], 3)
  const inputs = [
    quantized,
    context.constant(codes, `${name}_quantized`),
    scale,
    context.constant(scales, `${name}_scale`),
    zero,
    undefined,
    layer.bias,
  ]
  const used = layer.bias ? inputs : inputs.slice(0, 5)
  return context.op('MatMulIntegerToFloat', used, {}, { domain: MICROSOFT })
}

/** Standard operators (opset 11 on): MatMulInteger, then scales and bias in float. */
export const matMulInteger: LinearKernel = (context, layer, x) => {
  const { codes, scales, name } = weightOf(layer)
  const [quantized, scale, zero] = context.ops('DynamicQuantizeLinear', [x], 3)
  const weight = context.constant(codes, `${name}_quantized`)
  const product = context.op('MatMulInteger', [quantized, weight, zero])
  const factor = context.op('Mul', [scale, context.constant(scales, `${name}_scale`)])
  const scaled = context.op('Mul', [context.op('Cast', [product], { to: int(1) }), factor])
  return layer.bias ? context.op('Add', [scaled, layer.bias]) : scaled
}

/**
 * A range for each token: rows scaled to ±127 by their own largest value, then the same integer products. The
 * zero point is 128 for all, which leaves the kernel one scale: 1.
 */
const perToken =
  (
    product: (context: RewriteContext, codes: Value, zero: Value, layer: LinearLayer) => Value,
  ): LinearKernel =>
  (context, layer, x) => {
    const last = context.constant(int64Tensor([-1]), 'axis')
    const sizes = context.op('ReduceMax', [context.op('Abs', [x]), last], { keepdims: int(0) })
    const step = context.constant(floatScalar(1 / 127), 'step')
    const least = context.constant(floatScalar(LEAST_SCALE), 'least')
    const scale = context.op('Max', [context.op('Mul', [sizes, step]), least])
    const zero = context.constant(inlineTensor('uint8', [], Uint8Array.of(128)), 'zero')
    const zeros = context.op('Expand', [zero, context.op('Shape', [scale])])
    const codes = context.op('QuantizeLinear', [x, scale, zeros], { axis: int(0) })
    const one = context.constant(int64Tensor([1]), 'axis')
    const column = context.op('Unsqueeze', [scale, one])
    const scaled = context.op('Mul', [product(context, codes, zero, layer), column])
    return layer.bias ? context.op('Add', [scaled, layer.bias]) : scaled
  }

/** A row of zeros has to be divided by something. */
const LEAST_SCALE = 1e-30

/** Per token by ONNX Runtime's fused kernel. */
export const matMulTokensToFloat = perToken((context, codes, zero, layer) => {
  const weight = weightOf(layer)
  const inputs = [
    codes,
    context.constant(weight.codes, `${weight.name}_quantized`),
    context.constant(floatScalar(1), 'scale'),
    context.constant(weight.scales, `${weight.name}_scale`),
    zero,
  ]
  return context.op('MatMulIntegerToFloat', inputs, {}, { domain: MICROSOFT })
})

/** Per token by standard operators. */
export const matMulTokens = perToken((context, codes, zero, layer) => {
  const weight = weightOf(layer)
  const matrix = context.constant(weight.codes, `${weight.name}_quantized`)
  const product = context.op('MatMulInteger', [codes, matrix, zero])
  const float = context.op('Cast', [product], { to: int(1) })
  return context.op('Mul', [float, context.constant(weight.scales, `${weight.name}_scale`)])
})

/** Codes `[in, out]` and scales (`[out]`, or one for all) of a weight stored `[out, in]`. */
export function weightOf(layer: LinearLayer): { codes: Tensor; scales: Tensor; name: string } {
  const { weightBits: bits, granularity } = layer.matmul.quantization as
    | IntegerQuantization
    | StaticQuantizationNote
  const axis = granularity === 'tensor' ? WHOLE_TENSOR : 1
  const name = layer.weight.parameter?.name ?? layer.weightValue.name
  return { ...quantizedWeight(transposed(layer.weight.tensor, [1, 0]), axis, bits, name), name }
}

function gemm(context: RewriteContext, layer: LinearLayer, x: Value): Value {
  const inputs = layer.bias ? [x, layer.weightValue, layer.bias] : [x, layer.weightValue]
  return context.op('Gemm', inputs, { transB: int(1) })
}

/**
 * Lowers canonical linear layers; `kernels` are for annotated ones, and without them all stay in float.
 * Layers with a bias anchor on its Add and must all be lowered before bare products, which anchor on MatMul.
 */
export function lowerLinear(anchor: 'Add' | 'MatMul', kernels?: LinearKernels): NodeRule {
  const name = anchor === 'Add' ? 'lower-linear' : 'lower-linear-without-bias'
  return {
    name,
    anchors: [anchor],
    apply(node, context) {
      const layer = linearLayer(node, context)
      const rank = layer && context.typeOf(layer.x)?.shape?.length
      if (!layer || rank === undefined || rank < 2) {
        const miss = layer
          ? { reason: `its rank is ${rank ?? 'not known'}`, value: layer.x }
          : linearMiss(node, context)
        if (miss) context.miss(name, 2, miss.reason, miss.value)
        return undefined
      }
      const kernel = kernelOf(layer.matmul.quantization, kernels)
      if (rank === 2) return [kernel(context, layer, layer.x)]
      const flat = flatten(context, layer.x, layer.inSize)
      return [unflatten(context, kernel(context, layer, flat), layer.x, layer.outSize)]
    },
  }
}

/** `[…, width]` → `[tokens, width]`. */
export const flatten = (context: RewriteContext, x: Value, width: number): Value =>
  context.op('Reshape', [x, context.constant(int64Tensor([-1, width]), 'tokens')])

/** `[tokens, width]` → the leading dimensions of `like`, then width. */
function unflatten(context: RewriteContext, y: Value, like: Value, width: number): Value {
  const known = context.typeOf(like)!.shape!.slice(0, -1)
  const open = known.filter((dim) => typeof dim !== 'number')
  if (open.length <= 1) {
    const dims = [...known.map((dim) => (typeof dim === 'number' ? dim : -1)), width]
    return context.op('Reshape', [y, context.constant(int64Tensor(dims), 'shape')])
  }
  const leading = context.op('Shape', [like], { start: int(0), end: int(-1) })
  const last = context.constant(int64Tensor([width]), 'width')
  return context.op('Reshape', [y, context.op('Concat', [leading, last], { axis: int(0) })])
}

/** Embedding tables of int8 rows: gather codes and scales, then multiply. Standard operators. */
export const lowerTable: NodeRule = {
  name: 'lower-table',
  anchors: ['Gather'],
  apply(node, context) {
    const [table, ids] = node.inputs
    const weight = table && context.weight(table)
    const note = node.quantization
    if (note?.scheme !== 'weight-only' || !weight || !ids) return undefined
    const { tensor, parameter } = weight
    const name = parameter?.name ?? table.name
    const { codes, scales } = quantizedWeight(tensor, 0, note.weightBits, name)
    const columns = reshaped(scales, [tensor.shape[0]!, 1])
    const rows = context.op('Gather', [context.constant(codes, `${name}_quantized`), ids])
    const scale = context.op('Gather', [context.constant(columns, `${name}_scale`), ids])
    return [context.op('Mul', [context.op('Cast', [rows], { to: int(1) }), scale])]
  },
}
