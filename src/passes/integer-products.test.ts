/** What our lowerings emit: unsigned activations times signed weights, the pair that every x86 kernel is made for. */
import { describe, expect, it } from 'vitest'
import { ints } from '../graph/attributes.ts'
import { GraphBuilder } from '../graph/builder.ts'
import { inlineTensor } from '../graph/tensor.ts'
import { materialize } from '../onnx/index.ts'
import { inferTypes } from '../ops/infer-types.ts'
import { integerProducts } from './integer-products.ts'
import { runPasses } from './pass.ts'
import { pipeline } from './pipelines.ts'
import type { Quantization } from './quantize.ts'
import { portability } from './saturation.ts'

function sample() {
  const b = new GraphBuilder('g')
  const data = Float32Array.from({ length: 64 * 64 }, (_, i) => Math.sin(i * i))
  const weight = b.parameter({ name: 'w' }, inlineTensor('float32', [64, 64], data))
  const x = b.input('x', 'float32', ['n', 't', 64])
  b.output('y', b.op('MatMul', [x, b.op('Transpose', [weight], { perm: ints([1, 0]) })]))
  return b.build()
}

const ranges = { w: { input: { min: -1, max: 1 }, output: { min: -8, max: 8 } } }
const schemes: readonly Quantization[] = [
  ...([7, 8] as const).flatMap((weightBits): Quantization[] => [
    { scheme: 'dynamic-int8', weightBits },
    { scheme: 'dynamic-int8', weightBits, activations: 'token' },
    ...(['cpu', 'qdq', 'qoperator'] as const).map(
      (form): Quantization => ({ scheme: 'static-int8', weightBits, ranges, form }),
    ),
  ]),
]
const cases = (['portable', 'cpu'] as const).flatMap((lowering) =>
  schemes.map((quantize) => ({ lowering, quantize, name: JSON.stringify(quantize) })),
)

describe('every lowering of INT8', () => {
  it.each(cases)('$lowering, $name', ({ lowering, quantize }) => {
    const { graph } = runPasses(sample(), pipeline({ lowering, quantize, read: materialize }))
    const types = inferTypes(graph)
    const products = integerProducts(graph).map(({ leftType, rightType }) => [leftType, rightType])
    // pairs around a product of floats, which ONNX Runtime makes an integer product of the same types
    const pairs = graph.nodes
      .filter(({ op }) => op === 'DequantizeLinear')
      .map(({ inputs: [codes] }) => (graph.weights.get(codes!)?.tensor ?? types.get(codes!))?.dtype)
    if (products.length > 0) expect(products).toEqual([['uint8', 'int8']])
    else expect(pairs.sort()).toEqual(['int8', 'uint8'])
    const bits = 'weightBits' in quantize ? quantize.weightBits : 8
    const { saturating } = portability(graph, materialize)
    // of 7 bits nothing can saturate
    if (bits === 7) expect(saturating).toEqual([])
    else if (products.length > 0) expect(saturating).toHaveLength(1)
  })
})
