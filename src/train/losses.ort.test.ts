import { expect, it } from 'vitest'
import { GraphBuilder } from '../graph/builder.ts'
import type { HostTensor } from '../graph/data-type.ts'
import type { Value } from '../graph/graph.ts'
import { onnxBytes } from '../onnx/write-onnx.ts'
import { openInline } from '../runtime/open-inline.ts'
import { backward } from './backward.ts'
import { binaryCrossEntropy, crossEntropy, meanSquaredError } from './losses.ts'

async function lossAndGradient(
  feeds: Record<string, HostTensor>,
  write: (b: GraphBuilder, x: Value, t: Value) => Value,
): Promise<{ loss: number; gradient: number[] }> {
  const b = new GraphBuilder('loss')
  const [x, t] = ['x', 't'].map((name) =>
    b.input(
      name,
      feeds[name]!.dtype,
      feeds[name]!.shape.map((_, i) => `d${i}`),
    ),
  ) as [Value, Value]
  const loss = write(b, x, t)
  const { graph, gradients } = backward(b.build(), loss, [x])
  const outputs = [
    { name: 'loss', value: loss },
    { name: 'dx', value: gradients.get(x)! },
  ]
  const engine = await openInline(onnxBytes({ ...graph, outputs }), { threads: 1 })
  const run = await engine.run(feeds)
  await engine.release()
  return { loss: Number(run.loss!.data[0]), gradient: Array.from(run.dx!.data as Float32Array) }
}
const float = (shape: number[], ...values: number[]): HostTensor => ({
  dtype: 'float32',
  shape,
  data: Float32Array.from(values),
})
const close = (got: readonly number[], wanted: readonly number[]) => {
  expect(got).toHaveLength(wanted.length)
  got.forEach((value, i) => {
    expect(value).toBeCloseTo(wanted[i]!, 5)
  })
}

const logits = [1, 2, 0.5, -1, 0, 3, 0.2, 0.1, -0.3]
const labels = { dtype: 'int64', shape: [3], data: BigInt64Array.of(1n, -100n, 2n) } as const

it('cross entropy leaves ignored labels out, with and without smoothing', async () => {
  for (const epsilon of [0, 0.1]) {
    const feeds = { x: float([3, 3], ...logits), t: labels }
    const { loss, gradient } = await lossAndGradient(feeds, (b, x, t) =>
      crossEntropy(b, x, t, { labelSmoothing: epsilon }),
    )
    let sum = 0
    const expected = logits.map(() => 0)
    for (const [row, label] of [
      [0, 1],
      [2, 2],
    ] as const) {
      const scores = logits.slice(3 * row, 3 * row + 3)
      const total = Math.log(scores.reduce((s, x) => s + Math.exp(x), 0))
      scores.forEach((score, k) => {
        const target = (k === label ? 1 - epsilon : 0) + epsilon / 3
        sum -= (target * (score - total)) / 2
        expected[3 * row + k] = (Math.exp(score - total) - target) / 2
      })
    }
    close([loss], [sum])
    close(gradient, expected)
  }
})

it('binary cross entropy and squared error', async () => {
  const [x, t] = [float([2, 2], 1, -2, 30, 0.5), float([2, 2], 1, 0, 0, 1)]
  const sigmoid = (v: number) => 1 / (1 + Math.exp(-v))
  const binary = await lossAndGradient({ x, t }, binaryCrossEntropy)
  const softplus = [1, -2, 30, 0.5].map((v) => Math.max(v, 0) + Math.log1p(Math.exp(-Math.abs(v))))
  close([binary.loss], [(softplus[0]! - 1 + softplus[1]! + softplus[2]! + softplus[3]! - 0.5) / 4])
  close(
    binary.gradient,
    [1, -2, 30, 0.5].map((v, i) => (sigmoid(v) - Number(t.data[i])) / 4),
  )
  const squared = await lossAndGradient({ x, t }, meanSquaredError)
  close([squared.loss], [(0 + 4 + 900 + 0.25) / 4])
  close(squared.gradient, [0, -1, 15, -0.25])
})
