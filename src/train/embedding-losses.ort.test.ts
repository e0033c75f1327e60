import { expect, it } from 'vitest'
import { GraphBuilder } from '../graph/builder.ts'
import type { HostTensor } from '../graph/data-type.ts'
import type { Value } from '../graph/graph.ts'
import { onnxBytes } from '../onnx/write-onnx.ts'
import { openInline } from '../runtime/open-inline.ts'
import { randomFrom } from '../stats/random.ts'
import { backward } from './backward.ts'
import { contrastive, cosineError } from './embedding-losses.ts'

const [pairs, width] = [3, 4]
const random = randomFrom(1)
const rows = Array.from({ length: 2 * pairs * width }, () => 2 * random.uniform() - 1)

const cosine = (all: readonly number[], i: number, j: number): number => {
  const [a, b] = [i, j].map((row) => all.slice(row * width, (row + 1) * width)) as [
    number[],
    number[],
  ]
  const dot = (x: number[], y: number[]) => x.reduce((sum, value, k) => sum + value * y[k]!, 0)
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b))
}

const cases: Record<
  string,
  { target: HostTensor; write: typeof cosineError; value: (all: readonly number[]) => number }
> = {
  contrastive: {
    target: { dtype: 'int64', shape: [pairs], data: BigInt64Array.of(0n, 1n, 2n) },
    write: (b, x, t) => contrastive(b, x, t, 5),
    value: (all) => {
      let loss = 0
      for (let i = 0; i < pairs; i++) {
        const scores = [0, 1, 2].map((j) => 5 * cosine(all, i, pairs + j))
        loss -= (scores[i]! - Math.log(scores.reduce((sum, s) => sum + Math.exp(s), 0))) / pairs
      }
      return loss
    },
  },
  cosineError: {
    target: { dtype: 'float32', shape: [pairs], data: Float32Array.of(1, 0, 0.5) },
    write: cosineError,
    value: (all) =>
      [1, 0, 0.5].reduce((sum, t, i) => sum + (cosine(all, i, pairs + i) - t) ** 2 / pairs, 0),
  },
}

it.each(Object.keys(cases))('%s and its gradient are those of the formula', async (name) => {
  const { target, write, value } = cases[name]!
  const b = new GraphBuilder(name)
  const x = b.input('x', 'float32', ['batch', width])
  const t: Value = b.input('t', target.dtype, ['pairs'])
  const loss = write(b, x, t)
  const { graph, gradients } = backward(b.build(), loss, [x])
  const outputs = [
    { name: 'loss', value: loss },
    { name: 'dx', value: gradients.get(x)! },
  ]
  const engine = await openInline(onnxBytes({ ...graph, outputs }), { threads: 1 })
  const input = {
    dtype: 'float32',
    shape: [2 * pairs, width],
    data: Float32Array.from(rows),
  } as const
  const got = await engine.run({ x: input, t: target })
  await engine.release()
  expect(Number(got.loss!.data[0])).toBeCloseTo(value(rows), 5)
  rows.forEach((_, i) => {
    const moved = (by: number) => value(rows.map((row, k) => (k === i ? row + by : row)))
    expect(Number(got.dx!.data[i])).toBeCloseTo((moved(1e-4) - moved(-1e-4)) / 2e-4, 4)
  })
})
