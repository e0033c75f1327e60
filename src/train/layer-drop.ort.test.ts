import { expect, it } from 'vitest'
import { describeWith, fixture } from '../../test/support/fixtures.ts'
import type { HostTensor } from '../graph/data-type.ts'
import { tensorReader } from '../onnx/materialize.ts'
import { onnxBytes } from '../onnx/write-onnx.ts'
import { dropLayers } from '../passes/index.ts'
import { openInline } from '../runtime/open-inline.ts'
import { withDropout } from './dropout.ts'
import { withLayerDrop } from './layer-drop.ts'
import { crossEntropy } from './losses.ts'
import { firstState, openStep } from './testing/run-steps.ts'
import { trainingFixture } from './testing/training-fixture.ts'
import { trainingStep } from './training-step.ts'

describeWith(fixture('training'), 'layers that are skipped', () => {
  const of = trainingFixture('bert-sequence-classification')
  const options = {
    graph: of.graph,
    loss: (b, { logits }) => crossEntropy(b, logits!, b.input('labels', 'int64', ['batch_size'])),
    outputs: ['logits'],
    accumulate: true,
  } satisfies Parameters<typeof trainingStep>[0]

  it('are as if they were not there, and learn nothing', async () => {
    const step = trainingStep({ ...options, layerDrop: { rate: 0.5, seed: 1 } })
    const state = firstState(step.state, of.files)
    const stepper = await openStep(step.accumulate!, step, state, { files: of.files })
    const keep = (...layers: number[]): HostTensor => ({
      dtype: 'bool',
      shape: [2],
      data: Uint8Array.from(layers),
    })
    const feeds = { ...of.batch, ...step.feeds({ step: 1, learningRate: 0 }) }
    const all = await stepper.run({ ...feeds, 'layerdrop/keep': keep(1, 1) })
    expect(Number(all.loss!.data[0])).toBeCloseTo(of.losses[0]!, 5)
    for (const name of step.gradients) state.get(`sum/${name}`)!.data.fill(0 as never)
    const second = await stepper.run({ ...feeds, 'layerdrop/keep': keep(0, 1) })
    await stepper.release()
    const sums = (part: string) =>
      step.gradients
        .filter((name) => name.includes(part))
        .flatMap((name) => Array.from(state.get(`sum/${name}`)!.data as Float32Array, Math.abs))
    expect(Math.max(...sums('layer.0.'))).toBe(0)
    expect(Math.max(...sums('layer.1.output.dense'))).toBeGreaterThan(0)
    const shorter = dropLayers([0]).apply(of.graph)
    const engine = await openInline(onnxBytes(shorter, { reader: tensorReader(of.files) }), {
      threads: 1,
    })
    const { logits } = await engine.run(of.batch)
    await engine.release()
    Array.from(logits!.data as Float32Array).forEach((value, i) => {
      expect(Number(second.logits!.data[i])).toBeCloseTo(value, 4)
    })
  })

  it('have their dropout', () => {
    const rates = {
      embeddings: 0.1,
      attention: 0.1,
      attentionOutput: 0.1,
      feedForward: 0.1,
      classifier: 0.1,
    }
    const { graph } = withLayerDrop(of.graph, { rate: 0.5, seed: 1 })
    const { feeds } = withDropout(graph, { rates, seed: 1, largest: 1024 })
    expect(feeds(1, 0)['dropout/offsets']!.shape).toEqual([8])
  })

  it('are chosen by seed and step alone, and never all', () => {
    const { feeds } = withLayerDrop(of.graph, { rate: 0.6, seed: 2 })
    const kept = Array.from({ length: 400 }, (_, step) =>
      Array.from(feeds(step, 0)['layerdrop/keep']!.data, Number),
    )
    expect(kept.every((layers) => layers.includes(1))).toBe(true)
    const share = kept.flat().reduce((sum, bit) => sum + bit, 0) / 800
    // 0.4, and half of the 0.36 in which one of two has to stay
    expect(share).toBeCloseTo(0.58, 1)
    expect(feeds(7, 1)).toEqual(feeds(7, 1))
  })
})
