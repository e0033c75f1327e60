/** Whole steps against PyTorch's: losses, norms and weights of five AdamW steps; and what the options do. */
import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { describeWith, fixture } from '../../test/support/fixtures.ts'
import { GraphBuilder } from '../graph/builder.ts'
import { bytesOf, type HostTensor } from '../graph/data-type.ts'
import { float32Tensor } from '../graph/tensor.ts'
import { randomFrom } from '../stats/random.ts'
import { crossEntropy, meanSquaredError } from './losses.ts'
import { firstState, openStep } from './testing/run-steps.ts'
import {
  padded,
  type Tensors,
  type TrainingFixture,
  trainingFixture,
} from './testing/training-fixture.ts'
import { type TrainingStepOptions, trainingStep } from './training-step.ts'

const models = [
  'bert-sequence-classification',
  'roberta-sequence-classification',
  'distilbert-sequence-classification',
  'bert-token-classification',
]

const optionsOf = ({ graph, batch }: TrainingFixture): TrainingStepOptions => ({
  graph,
  loss: (b, { logits }) =>
    crossEntropy(
      b,
      logits!,
      b.input(
        'labels',
        'int64',
        batch.labels!.shape.map((_, i) => `l${i}`),
      ),
    ),
  groups: () => ({ decay: true }),
  clip: 1,
})

const numbers = (tensor: HostTensor | undefined): number[] =>
  Array.from(tensor!.data as Float32Array, Math.abs)
const place = (step: number) => ({ step, learningRate: 1e-3 })

async function train(of: TrainingFixture) {
  const step = trainingStep(optionsOf(of))
  const state = firstState(step.state, of.files)
  const stepper = await openStep(step.graph, step, state, { files: of.files })
  const [losses, norms]: number[][] = [[], []]
  for (let n = 1; n <= of.losses.length; n++) {
    const got = await stepper.run({ ...of.batch, ...step.feeds(place(n)) })
    losses!.push(Number(got.loss!.data[0]))
    norms!.push(Number(got.gradient_norm!.data[0]))
  }
  await stepper.release()
  return { losses: losses!, norms: norms!, state, step }
}

const closeBy = (got: readonly number[], wanted: readonly number[], relative: number): void => {
  expect(got).toHaveLength(wanted.length)
  got.forEach((value, i) => {
    expect(Math.abs(value / wanted[i]! - 1), `${value} against ${wanted[i]}`).toBeLessThan(relative)
  })
}

describeWith(fixture('training'), 'five steps', () => {
  it.each(models)('of %s are those of PyTorch', async (name) => {
    const of = trainingFixture(name)
    const { losses, norms, state, step } = await train(of)
    closeBy(losses, of.losses, 1e-4)
    closeBy(norms, of.norms, 1e-3)
    expect([...step.gradients].sort()).toEqual(Object.keys(of.gradients).sort())
    for (const [parameter, { data }] of Object.entries(of.weightsAfter)) {
      // a key's bias changes no softmax: its gradient is noise, which Adam makes steps of
      if (Math.max(...numbers(of.gradients[parameter])) < 1e-7) continue
      const ours = state.get(`parameter/${parameter}`)!.data
      let worst = 0
      for (let i = 0; i < data.length; i++) {
        worst = Math.max(worst, Math.abs(Number(data[i]) - Number(ours[i])))
      }
      // a hundredth of what five steps may move it
      expect(worst, parameter).toBeLessThan(5e-5)
    }
  })

  it.each(models)('sums of micro-batches of %s are its gradients, padded or not', async (name) => {
    const of = trainingFixture(name)
    const step = trainingStep({ ...optionsOf(of), accumulate: true })
    const state = firstState(step.state, of.files)
    const stepper = await openStep(step.accumulate!, step, state, { files: of.files })
    for (const batch of [of.batch, padded(of.batch, 5)]) {
      for (const name of step.gradients) state.get(`sum/${name}`)!.data.fill(0 as never)
      for (const weight of [0.25, 0.75]) {
        const { loss } = await stepper.run({ ...batch, ...step.feeds({ ...place(1), weight }) })
        closeBy([Number(loss!.data[0])], [of.losses[0]!], 1e-4)
      }
      for (const [parameter, { data }] of Object.entries(of.gradients)) {
        const ours = state.get(`sum/${parameter}`)!.data
        const largest = Math.max(...numbers(of.gradients[parameter]))
        for (let i = 0; i < data.length; i++) {
          const error = Math.abs(Number(data[i]) - Number(ours[i]))
          expect(error, parameter).toBeLessThanOrEqual(Math.max(1e-3 * largest, 1e-7))
        }
      }
    }
    await stepper.release()
  })
})

describeWith(fixture('training'), 'a hundred runs of one step', () => {
  it('give the same bits on two threads at 2,048 tokens', async () => {
    const of = trainingFixture('bert-sequence-classification')
    const [rows, length] = [64, 32]
    const random = randomFrom(3)
    const tokens = (value: () => number): HostTensor => {
      const data = BigInt64Array.from({ length: rows * length }, () => BigInt(value()))
      return { dtype: 'int64', shape: [rows, length], data }
    }
    const batch: Tensors = {
      // few ids, so that rows of the table are summed often
      input_ids: tokens(() => random.below(120) % (1 + random.below(120))),
      attention_mask: tokens(() => 1),
      token_type_ids: tokens(() => random.below(2)),
      labels: {
        dtype: 'int64',
        shape: [rows],
        data: BigInt64Array.from({ length: rows }, () => BigInt(random.below(3))),
      },
    }
    const rates = {
      embeddings: 0.1,
      attention: 0.1,
      attentionOutput: 0.1,
      feedForward: 0.1,
      classifier: 0.1,
    }
    const step = trainingStep({ ...optionsOf(of), dropout: { rates, seed: 1, largest: 2 ** 19 } })
    const first = firstState(step.state, of.files)
    let wanted: string | undefined
    const state = new Map(first)
    const session = { threads: 2, manyShapes: true }
    const stepper = await openStep(step.graph, step, state, { files: of.files, session })
    for (let run = 0; run < 100; run++) {
      for (const [name, tensor] of first) state.set(name, tensor)
      await stepper.run({ ...batch, ...step.feeds(place(1)) })
      const hash = createHash('sha256')
      for (const { input } of step.state) hash.update(bytesOf(state.get(input)!.data))
      const got = hash.digest('hex')
      wanted ??= got
      expect(got, `run ${run}`).toBe(wanted)
    }
    await stepper.release()
  }, 120_000)
})

describe('options', () => {
  const rows = 6
  const inputs = Float32Array.from({ length: rows * 4 }, (_, i) => Math.sin(3 * i))
  const targets = Float32Array.from({ length: rows }, (_, i) => Math.cos(i))
  const batch = (from: number, to: number): Tensors => ({
    x: { dtype: 'float32', shape: [to - from, 4], data: inputs.slice(4 * from, 4 * to) },
    t: { dtype: 'float32', shape: [to - from, 1], data: targets.slice(from, to) },
  })
  const weight = [0.5, -0.25, 0.75, 0.1]

  /** A linear layer with a frozen scale and a squared error. */
  function options(): TrainingStepOptions {
    const b = new GraphBuilder('linear')
    const x = b.input('x', 'float32', ['rows', 4])
    const w = b.parameter({ name: 'w' }, float32Tensor(weight, [4, 1]))
    const bias = b.parameter({ name: 'b' }, float32Tensor([0.2]))
    const scale = b.parameter({ name: 'scale', frozen: true }, float32Tensor([2]))
    b.parameter({ name: 'unused' }, float32Tensor([1]))
    const sum = b.op('Add', [b.op('MatMul', [x, w]), bias])
    b.output('y', b.op('Mul', [sum, scale]))
    const loss: TrainingStepOptions['loss'] = (b, { y }) =>
      meanSquaredError(b, y!, b.input('t', 'float32', ['rows', 1]))
    return { graph: b.build(), loss }
  }

  /** Gradients of the squared error, by hand. */
  function byHand(w: readonly number[], bias: number): { w: number[]; b: number } {
    const gradient = { w: [0, 0, 0, 0], b: 0 }
    targets.forEach((target, row) => {
      const x = inputs.slice(4 * row, 4 * row + 4)
      const y = 2 * (w.reduce((sum, value, k) => sum + value * x[k]!, 0) + bias)
      const slope = (2 * 2 * (y - target)) / rows
      gradient.b += slope
      for (let k = 0; k < 4; k++) gradient.w[k]! += slope * x[k]!
    })
    return gradient
  }
  const near = (got: HostTensor | undefined, wanted: readonly number[]): void => {
    Array.from(got!.data as Float32Array).forEach((value, i) => {
      expect(value).toBeCloseTo(wanted[i]!, 5)
    })
  }

  it('sgd with momentum, decay of matrices, a rate of its own, and the moving average', async () => {
    const step = trainingStep({
      ...options(),
      optimizer: { type: 'sgd', momentum: 0.9, weightDecay: 0.1 },
      groups: ({ name }) => (name === 'b' ? { rate: 0.5 } : {}),
      ema: true,
    })
    expect(step.state.map(({ input }) => input).sort()).toEqual(
      ['b', 'w'].flatMap((name) => [`ema/${name}`, `m/${name}`, `parameter/${name}`]).sort(),
    )
    const state = firstState(step.state)
    const stepper = await openStep(step.graph, step, state)
    let [w, b, average] = [weight, 0.2, weight]
    let m = { w: [0, 0, 0, 0], b: 0 }
    for (const n of [1, 2, 3]) {
      await stepper.run({
        ...batch(0, rows),
        ...step.feeds({ step: n, learningRate: 0.1, emaDecay: 0.75 }),
      })
      const g = byHand(w, b)
      m = { w: m.w.map((value, k) => 0.9 * value + g.w[k]! + 0.1 * w[k]!), b: 0.9 * m.b + g.b }
      w = w.map((value, k) => value - 0.1 * m.w[k]!)
      b -= 0.05 * m.b
      average = average.map((value, k) => 0.75 * value + 0.25 * w[k]!)
    }
    await stepper.release()
    near(state.get('parameter/w'), w)
    near(state.get('parameter/b'), [b])
    near(state.get('ema/w'), average)
  })

  it('accumulation gives the step of the whole batch', async () => {
    const whole = trainingStep({ ...options(), clip: 0.5 })
    const parts = trainingStep({ ...options(), clip: 0.5, accumulate: true })
    const [one, two] = [firstState(whole.state), firstState(parts.state)]
    const stepper = await openStep(whole.graph, whole, one)
    const micro = await openStep(parts.accumulate!, parts, two)
    const update = await openStep(parts.graph, parts, two)
    for (const n of [1, 2]) {
      const place = { step: n, learningRate: 0.05 }
      const full = await stepper.run({ ...batch(0, rows), ...whole.feeds(place) })
      for (const [from, to] of [
        [0, 2],
        [2, 6],
      ] as const) {
        const weight = (to - from) / rows
        await micro.run({ ...batch(from, to), ...parts.feeds({ ...place, weight }) })
      }
      const got = await update.run(parts.feeds(place))
      near(got.gradient_norm, [Number(full.gradient_norm!.data[0])])
      near(got.gradient_squares, Array.from(full.gradient_squares!.data as Float32Array))
      for (const name of ['w', 'b']) two.get(`sum/${name}`)!.data.fill(0 as never)
      near(two.get('parameter/w'), Array.from(one.get('parameter/w')!.data as Float32Array))
    }
    for (const engine of [stepper, micro, update]) await engine.release()
  })

  it('names what is wrong', () => {
    const base = options()
    expect(() => trainingStep({ ...base, trainable: ({ name }) => name === 'unused' })).toThrow(
      'The loss of linear reaches no parameter that learns.',
    )
    expect(() => trainingStep({ ...base, outputs: ['z'] })).toThrow(
      "linear has no output 'z': it gives y.",
    )
  })
})
