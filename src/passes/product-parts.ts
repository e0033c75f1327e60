/**
 * ONNX Runtime's integer products in their parts: an integer product of the caller's, then scales, bias and rounding
 * as each kernel does them (`MlasQgemm` with its output stages; com.microsoft by ContribOperators.md).
 */
import { floatOf, int } from '../graph/attributes.ts'
import type { GraphBuilder } from '../graph/builder.ts'
import type { Node, Value } from '../graph/graph.ts'
import { floatScalar } from '../graph/tensor.ts'

/** The integer product `[…, out]` in int32, as the kernel has it, of unsigned codes and their zero point. */
export type Multiply = (left: Value, leftZero: Value | undefined) => Value

/** Writes the operator anew around another product. */
export type ProductParts = (b: GraphBuilder, node: Node, multiply: Multiply) => Value

/** `sum · scale + bias`. */
function scaled(b: GraphBuilder, sum: Value, scale: Value, bias: Value | undefined): Value {
  const product = b.op('Mul', [b.op('Cast', [sum], { to: int(1) }), scale])
  return bias ? b.op('Add', [product, bias]) : product
}

/** `sum · scale` rounded to the output's codes. */
function requantized(
  b: GraphBuilder,
  sum: Value,
  scale: Value,
  outScale: Value,
  outZero: Value | undefined,
): Value {
  const float = scaled(b, sum, b.op('Div', [scale, outScale]), undefined)
  return b.op('QuantizeLinear', [float, b.constant(floatScalar(1), 'one'), outZero])
}

/** By operator. */
export const productParts: Readonly<Record<string, ProductParts>> = {
  MatMulInteger: (_, { inputs }, multiply) => multiply(inputs[0]!, inputs[2]),

  MatMulIntegerToFloat(b, { inputs }, multiply) {
    const [left, , leftScale, rightScale, leftZero, , bias] = inputs
    return scaled(b, multiply(left!, leftZero), b.op('Mul', [leftScale, rightScale]), bias)
  },

  DynamicQuantizeMatMul(b, { inputs }, multiply) {
    const [x, , rightScale, , bias] = inputs
    const [left, leftScale, leftZero] = b.ops('DynamicQuantizeLinear', [x], 3)
    return scaled(b, multiply(left!, leftZero), b.op('Mul', [leftScale, rightScale]), bias)
  },

  QLinearMatMul(b, { inputs }, multiply) {
    const [left, leftScale, leftZero, , rightScale, , outScale, outZero] = inputs
    const scale = b.op('Mul', [leftScale, rightScale])
    return requantized(b, multiply(left!, leftZero), scale, outScale!, outZero)
  },

  QGemm(b, node, multiply) {
    const [left, leftScale, leftZero, , rightScale, , bias, outScale, outZero] = node.inputs
    const product = multiply(left!, leftZero)
    const sum = bias ? b.op('Add', [product, bias]) : product
    const alpha = floatOf(node, 'alpha', 1)
    const both = b.op('Mul', [leftScale, rightScale])
    const scale = alpha === 1 ? both : b.op('Mul', [both, b.constant(floatScalar(alpha), 'alpha')])
    return outScale
      ? requantized(b, sum, scale, outScale, outZero)
      : scaled(b, sum, scale, undefined)
  },
}
