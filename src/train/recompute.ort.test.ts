import { expect, it } from 'vitest'
import { describeWith, fixture } from '../../test/support/fixtures.ts'
import { bytesOf } from '../graph/data-type.ts'
import { plannedMemory } from '../ops/planned-memory.ts'
import { crossEntropy } from './losses.ts'
import { firstState, openStep } from './testing/run-steps.ts'
import { trainingFixture } from './testing/training-fixture.ts'
import { trainingStep } from './training-step.ts'

const rates = {
  embeddings: 0.1,
  attention: 0.1,
  attentionOutput: 0.1,
  feedForward: 0.1,
  classifier: 0,
}

describeWith(fixture('training'), 'layers that are computed again', () => {
  const of = trainingFixture('bert-sequence-classification')
  const stepOf = (recompute: boolean) =>
    trainingStep({
      graph: of.graph,
      loss: (b, { logits }) => crossEntropy(b, logits!, b.input('labels', 'int64', ['batch_size'])),
      dropout: { rates, seed: 1, largest: 4096 },
      accumulate: true,
      recompute,
    })

  it('give the same gradients to the bit', async () => {
    const [kept, again] = [stepOf(false), stepOf(true)]
    expect(again.accumulate!.nodes.length).toBeGreaterThan(kept.accumulate!.nodes.length)
    const states = []
    for (const step of [kept, again]) {
      const state = firstState(step.state, of.files)
      const stepper = await openStep(step.accumulate!, step, state, { files: of.files })
      await stepper.run({ ...of.batch, ...step.feeds({ step: 3, learningRate: 0 }) })
      await stepper.release()
      states.push(state)
    }
    for (const name of kept.gradients) {
      const [a, b] = states.map((state) => bytesOf(state.get(`sum/${name}`)!.data))
      expect(Buffer.compare(a!, b!), name).toBe(0)
    }
  })

  it('need less memory', () => {
    const sizes = { batch_size: 64, sequence_length: 40 }
    const [kept, again] = [false, true].map(
      (recompute) => plannedMemory(stepOf(recompute).accumulate!, sizes).peakBytes,
    )
    expect(again).toBeLessThan(0.75 * kept!)
  })
})
