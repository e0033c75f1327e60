/**
 * What an error of weights does to a layer's outputs, over all tokens that its input's Gram matrix saw, exactly:
 * `Σ |δ·xᵀ|² = δ·(XᵀX)·δᵀ` for each row δ. ONNX Runtime multiplies, in a process of its own.
 */
import { int } from '../graph/attributes.ts'
import { GraphBuilder } from '../graph/builder.ts'
import type { Graph } from '../graph/graph.ts'
import { int64Tensor } from '../graph/tensor.ts'
import { type ObserveOptions, withGraph } from './observe.ts'

/**
 * Squared errors by row, `[groups, rows]`, of errors `[groups, rows, width]` and Gram matrices
 * `[groups, width, width]`: one group for whole rows, more where each block of columns is seen by itself.
 */
export type RowErrors = (
  errors: Float32Array,
  grams: Float32Array,
  shape: readonly [groups: number, rows: number, width: number],
) => Promise<Float32Array>

/** Opens the product, and gives `body` what computes with it. */
export const withRowErrors = <T>(
  options: ObserveOptions,
  body: (measure: RowErrors) => Promise<T>,
): Promise<T> =>
  withGraph(quadraticForm(), options, (run) =>
    body(async (errors, grams, [groups, rows, width]) => {
      const { sums } = await run({
        errors: { dtype: 'float32', shape: [groups, rows, width], data: errors },
        grams: { dtype: 'float32', shape: [groups, width, width], data: grams },
      })
      return sums!.data as Float32Array
    }),
  )

function quadraticForm(): Graph {
  const b = new GraphBuilder('row-errors')
  const errors = b.input('errors', 'float32', ['groups', 'rows', 'width'])
  const grams = b.input('grams', 'float32', ['groups', 'width', 'width'])
  const each = b.op('Mul', [b.op('MatMul', [errors, grams]), errors])
  const axis = b.constant(int64Tensor([2]), 'axis')
  b.output('sums', b.op('ReduceSum', [each, axis], { keepdims: int(0) }))
  return b.build()
}
