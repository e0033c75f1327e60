/** The graphs of a run over one store: what a step has learned is what is judged. */
import { expect, it } from 'vitest'
import { GraphBuilder } from '../src/graph/builder.ts'
import type { HostTensor } from '../src/graph/data-type.ts'
import { float32Tensor } from '../src/graph/tensor.ts'
import { openGraphs } from '../src/jobs/train-graphs.ts'
import { meanSquaredError } from '../src/train/losses.ts'
import { trainingStep } from '../src/train/training-step.ts'
import { scratchFolder } from './support/tensors.ts'

it('judges and keeps running statistics with the weights', async () => {
  const b = new GraphBuilder('norm')
  const parameter = (name: string, values: number[]) =>
    b.parameter({ name: `bn.${name}` }, float32Tensor(values))
  const x = b.input('x', 'float32', ['rows', 2])
  const names = ['weight', 'bias', 'running_mean', 'running_var']
  const operands = names.map((name, i) => parameter(name, i % 3 === 0 ? [1, 1] : [0, 0]))
  b.output('y', b.op('BatchNormalization', [x, ...operands]))
  const judged = b.build()
  const training = trainingStep({
    graph: judged,
    loss: (b, { y }) => meanSquaredError(b, y!, b.input('t', 'float32', ['rows', 2])),
    optimizer: { type: 'sgd', momentum: 0 },
  })
  const graphs = await openGraphs({
    ...{ folder: scratchFolder(), training, judged, ema: false, threads: 1, from: undefined },
  })
  const rows = (...data: number[]): HostTensor => ({
    dtype: 'float32',
    shape: [data.length / 2, 2],
    data: Float32Array.from(data),
  })
  const batch = { x: rows(4, 10, 8, 30), t: rows(0, 0, 0, 0) }
  await graphs.step.step({ ...batch, ...training.feeds({ step: 1, learningRate: 0 }) })
  // mean ← 0.9 · 0 + 0.1 · [6, 20]; var ← 0.9 · 1 + 0.1 · [8, 200]
  const { y } = await graphs.judged.run({ x: rows(0.6, 2) })
  expect(Array.from(y!.data as Float32Array)).toEqual([expect.closeTo(0, 5), expect.closeTo(0, 5)])
  const { y: one } = await graphs.judged.run({ x: rows(0.6 + Math.sqrt(1.7), 2) })
  expect(Number(one!.data[0])).toBeCloseTo(1, 4)
  expect(graphs.weights.map(({ name }) => name)).toEqual(
    expect.arrayContaining(names.map((name) => `bn.${name}`)),
  )
  await graphs.store.end()
})
