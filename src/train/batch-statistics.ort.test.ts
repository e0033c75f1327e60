import { expect, it } from 'vitest'
import { GraphBuilder } from '../graph/builder.ts'
import type { HostTensor } from '../graph/data-type.ts'
import { float32Tensor } from '../graph/tensor.ts'
import { withBatchStatistics } from './batch-statistics.ts'
import { meanSquaredError } from './losses.ts'
import { firstState, openStep } from './testing/run-steps.ts'
import { trainingStep } from './training-step.ts'

it('normalizes by the batch, and carries running statistics as PyTorch does', async () => {
  const [rows, channels, size] = [3, 2, 4]
  const b = new GraphBuilder('norm')
  const x = b.input('x', 'float32', ['rows', channels, size])
  const parameter = (name: string, values: number[]) =>
    b.parameter({ name: `bn.${name}` }, float32Tensor(values))
  const normed = b.op('BatchNormalization', [
    x,
    parameter('weight', [1.5, 0.5]),
    parameter('bias', [0.1, -0.2]),
    parameter('running_mean', [0.3, -0.4]),
    parameter('running_var', [2, 0.7]),
  ])
  b.output('y', normed)
  const step = trainingStep({
    graph: b.build(),
    loss: (b, { y }) => meanSquaredError(b, y!, b.input('t', 'float32', ['rows', channels, size])),
    outputs: ['y'],
    optimizer: { type: 'sgd', momentum: 0 },
  })
  expect(step.gradients).toEqual(['bn.weight', 'bn.bias'])
  const data = Float32Array.from(
    { length: rows * channels * size },
    (_, i) => Math.sin(i * i) + i / 9,
  )
  const tensor = (values: Float32Array): HostTensor => ({
    dtype: 'float32',
    shape: [rows, channels, size],
    data: values,
  })
  const state = firstState(step.state)
  const fed = state.get('statistic/bn.running_var')!
  const stepper = await openStep(step.graph, step, state)
  const t = tensor(data.map((value) => value / 2))
  const { y } = await stepper.run({
    x: tensor(data),
    t,
    ...step.feeds({ step: 1, learningRate: 0.1 }),
  })
  await stepper.release()
  expect(Array.from(fed.data as Float32Array)).toEqual([2, Math.fround(0.7)])
  const old = { mean: [0.3, -0.4], var: [2, 0.7] }
  for (let channel = 0; channel < channels; channel++) {
    const own = Array.from(data).filter((_, i) => Math.floor(i / size) % channels === channel)
    const mean = own.reduce((sum, value) => sum + value, 0) / own.length
    const squares = own.reduce((sum, value) => sum + (value - mean) ** 2, 0)
    const at = (name: string) => Number(state.get(`statistic/bn.running_${name}`)!.data[channel])
    expect(at('mean')).toBeCloseTo(0.9 * old.mean[channel]! + 0.1 * mean, 5)
    expect(at('var')).toBeCloseTo(0.9 * old.var[channel]! + (0.1 * squares) / (own.length - 1), 5)
    const rate = 1 / Math.sqrt(squares / own.length + 1e-5)
    const first = (data[channel * size]! - mean) * rate
    const [scale, shift] = [
      [1.5, 0.5],
      [0.1, -0.2],
    ].map((values) => values[channel]!) as [number, number]
    expect(Number(y!.data[channel * size])).toBeCloseTo(scale * first + shift, 4)
  }
})

it('leaves a graph without any alone', () => {
  const graph = new GraphBuilder('none').build()
  expect(withBatchStatistics(graph).graph).toBe(graph)
})
