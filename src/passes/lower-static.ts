/**
 * Static INT8 as kernels: activations quantized by a constant scale and zero point, three ways to write the rest.
 *
 * | form | operators |
 * |---|---|
 * | `cpu` | QuantizeLinear → MatMulIntegerToFloat (com.microsoft) with the bias: ONNX Runtime's fastest |
 * | `qdq` | QuantizeLinear → DequantizeLinear → MatMul ← DequantizeLinear(W): what every runtime knows how to fuse |
 * | `qoperator` | QuantizeLinear → QLinearMatMul → DequantizeLinear: integers out too, by the output's range |
 *
 * Where `qoperator` has no range of an output, MatMulInteger and its scales give the product in float.
 * Layers of one input share its QuantizeLinear after common subexpressions are merged.
 */
import { int } from '../graph/attributes.ts'
import type {
  StaticForm,
  StaticQuantizationNote,
  Value,
  ValueQuantization,
} from '../graph/graph.ts'
import type { RewriteContext } from '../graph/rewrite.ts'
import { floatScalar, inlineTensor, type Tensor } from '../graph/tensor.ts'
import { activationScale } from './activation-scale.ts'
import type { LinearLayer } from './linear-layer.ts'
import { flatten, type LinearKernel, weightOf } from './lower-linear.ts'

/** An activation's constants. */
interface Affine {
  readonly scale: Value
  readonly zero: Value
}

interface Parts {
  readonly codes: Value
  readonly scales: Value
  readonly columns: number
  readonly perColumn: boolean
  readonly name: string
  readonly note: StaticQuantizationNote
}

type StaticKernel = (
  context: RewriteContext,
  layer: LinearLayer,
  quantized: Value,
  input: Affine,
  parts: Parts,
) => Value

/** The kernel of the layer's own form, or of the lowering's. */
export const staticKernel =
  (usual: StaticForm): LinearKernel =>
  (context, layer, x) => {
    const note = layer.matmul.quantization as StaticQuantizationNote
    const { codes, scales, name } = weightOf(layer)
    const input = affineOf(context, note.input, `the input of ${name}`)
    const quantized = context.op('QuantizeLinear', [x, input.scale, input.zero])
    return forms[note.form ?? usual](context, layer, quantized, input, {
      codes: context.constant(codes, `${name}_quantized`),
      scales: context.constant(scales, `${name}_scale`),
      columns: layer.outSize,
      perColumn: note.granularity === 'column',
      name,
      note,
    })
  }

const forms: Readonly<Record<StaticForm, StaticKernel>> = {
  cpu(context, { bias }, quantized, { scale, zero }, { codes, scales }) {
    const inputs = [quantized, codes, scale, scales, zero, undefined, bias]
    const used = bias ? inputs : inputs.slice(0, 5)
    return context.op('MatMulIntegerToFloat', used, {}, { domain: 'com.microsoft' })
  },

  qdq(context, layer, _flat, { scale, zero }, parts) {
    // of rank 2, ONNX Runtime makes product and bias one Gemm first, and then fuses no pair
    const quantized = context.op('QuantizeLinear', [layer.x, scale, zero])
    const x = context.op('DequantizeLinear', [quantized, scale, zero])
    const weight = [parts.codes, parts.scales, zerosOf(context, parts)]
    const axis = parts.perColumn ? { axis: int(1) } : {}
    const product = context.op('MatMul', [x, context.op('DequantizeLinear', weight, axis)])
    const y = biased(context, layer, product)
    const isFlat = context.typeOf(layer.x)?.shape?.length === 2
    return isFlat ? y : flatten(context, y, layer.outSize)
  },

  qoperator(context, layer, quantized, { scale, zero }, parts) {
    const { note, name, codes, scales } = parts
    // an answer, or a scale folded into the layer has made its output's range another
    if (!note.output) {
      const product = context.op('MatMulInteger', [quantized, codes, zero])
      const float = context.op('Cast', [product], { to: int(1) })
      const factor = context.op('Mul', [scale, scales])
      return biased(context, layer, context.op('Mul', [float, factor]))
    }
    const output = affineOf(context, note.output, `the output of ${name}`)
    const weight = [codes, scales, zerosOf(context, parts)]
    const inputs = [quantized, scale, zero, ...weight, output.scale, output.zero]
    const product = context.op('QLinearMatMul', inputs)
    const float = context.op('DequantizeLinear', [product, output.scale, output.zero])
    return biased(context, layer, float)
  },
}

const biased = (context: RewriteContext, { bias }: LinearLayer, product: Value): Value =>
  bias ? context.op('Add', [product, bias]) : product

function affineOf(context: RewriteContext, range: ValueQuantization, name: string): Affine {
  const { scale, zeroPoint } = activationScale(range, name)
  const zero = inlineTensor('uint8', [], Uint8Array.of(zeroPoint))
  return {
    scale: context.constant(floatScalar(scale), 'scale'),
    zero: context.constant(zero, 'zero'),
  }
}

/** Zero points of symmetric codes. */
function zerosOf(context: RewriteContext, { columns, perColumn, name }: Parts): Value {
  const zeros: Tensor = perColumn
    ? inlineTensor('int8', [columns], new Int8Array(columns))
    : inlineTensor('int8', [], new Int8Array(1))
  return context.constant(zeros, `${name}_zero`)
}
