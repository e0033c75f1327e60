/** The pulls of a layer's noise, squared and halved, are on average the loss that this noise makes. */
import { describe, expect, it } from 'vitest'
import { runGraph } from '../../test/support/tensors.ts'
import { GraphBuilder } from '../graph/builder.ts'
import type { Value } from '../graph/graph.ts'
import { float32Tensor, reshaped } from '../graph/tensor.ts'
import { cosineLoss, klDivergence, squaredLoss } from '../stats/divergence.ts'
import { randomFrom } from '../stats/random.ts'
import { exposePulls, PULL_SEED, pullName } from './expose-pulls.ts'

const WIDTH = 8
const CLASSES = 3
const TEXTS = 4
const RUNS = 400

const random = randomFrom(5)
const numbers = (count: number, size = 1) =>
  Array.from({ length: count }, () => (random.uniform() - 0.5) * 2 * size)
const weight = numbers(WIDTH * WIDTH)
const head = numbers(WIDTH * CLASSES, 2)
const noise = numbers(TEXTS * WIDTH, 0.01)

/** x → product → tanh → answers; the product's noise is given. */
function sample(noisy: boolean) {
  const b = new GraphBuilder('g')
  const hold = (values: number[], shape: number[]) =>
    b.constant(reshaped(float32Tensor(values), shape))
  const exact = b.op('MatMul', [
    b.input('x', 'float32', ['n', WIDTH]),
    hold(weight, [WIDTH, WIDTH]),
  ])
  const rounded = b.op('Add', [exact, hold(noise, [TEXTS, WIDTH])])
  const hidden = b.op('Tanh', [noisy ? rounded : exact])
  const answer: Value = b.op('MatMul', [hidden, hold(head, [WIDTH, CLASSES])])
  b.output('answer', answer)
  return { graph: b.build(), exact, rounded, answer }
}

const x = {
  dtype: 'float32',
  shape: [TEXTS, WIDTH],
  data: Float32Array.from(numbers(TEXTS * WIDTH)),
} as const

const losses = { kl: klDivergence, cosine: cosineLoss, squared: squaredLoss }

describe('exposePulls', () => {
  it.each(['kl', 'cosine', 'squared'] as const)('foretells the loss %s', async (loss) => {
    const { graph, exact, rounded, answer } = sample(false)
    const copies = [{ exact, rounded, byWeights: undefined }]
    const pulled = exposePulls(graph, copies, [{ value: answer, loss }], 'none')
    const sums = new Float64Array(TEXTS)
    const seeds = Array.from({ length: RUNS }, (_, i) => i / 7)
    const lowering = 'exported'
    const one = (seed: number) =>
      ({ dtype: 'float32', shape: [], data: Float32Array.of(seed) }) as const
    for (const seed of seeds) {
      const outputs = await runGraph(pulled, { x, [PULL_SEED]: one(seed) }, { lowering })
      const pulls = outputs[pullName(0)]!
      expect(pulls.shape).toEqual([TEXTS])
      ;(pulls.data as Float32Array).forEach((pull, i) => {
        sums[i]! += pull ** 2 / 2 / RUNS
      })
    }
    const before = (await runGraph(graph, { x }, { lowering })).answer!.data as Float32Array
    const after = (await runGraph(sample(true).graph, { x }, { lowering })).answer!
      .data as Float32Array
    const scale = loss === 'squared' ? CLASSES : 1
    for (let text = 0; text < TEXTS; text++) {
      const rows = [before, after].map((all) => all.subarray(text * CLASSES, (text + 1) * CLASSES))
      const made = losses[loss](rows[0]!, rows[1]!) * scale
      expect(sums[text]! / made).toBeGreaterThan(0.8)
      expect(sums[text]! / made).toBeLessThan(1.25)
    }
  })
})
