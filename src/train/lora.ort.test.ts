import { expect, it } from 'vitest'
import { describeWith, fixture } from '../../test/support/fixtures.ts'
import type { HostTensor } from '../graph/data-type.ts'
import type { Graph } from '../graph/graph.ts'
import { inlineTensor } from '../graph/tensor.ts'
import { tensorReader } from '../onnx/materialize.ts'
import { onnxBytes } from '../onnx/write-onnx.ts'
import { openInline } from '../runtime/open-inline.ts'
import { withLora } from './lora.ts'
import { crossEntropy } from './losses.ts'
import { firstState, openStep } from './testing/run-steps.ts'
import { trainingFixture } from './testing/training-fixture.ts'
import { trainingStep } from './training-step.ts'

describeWith(fixture('training'), 'adapters', () => {
  const of = trainingFixture('bert-sequence-classification')
  const run = async (graph: Graph, feeds: Record<string, HostTensor>) => {
    const engine = await openInline(onnxBytes(graph, { reader: tensorReader(of.files) }), {
      threads: 1,
      optimization: 'disabled',
    })
    const outputs = await engine.run(feeds)
    await engine.release()
    return outputs
  }

  it('begin as nothing, learn alone with the head, and merge into the weights', async () => {
    const lora = withLora(of.graph, { rank: 4, seed: 1 })
    const step = trainingStep({
      graph: lora.graph,
      trainable: lora.trainable,
      loss: (b, { logits }) => crossEntropy(b, logits!, b.input('labels', 'int64', ['batch_size'])),
      outputs: ['logits'],
    })
    const heads = [
      'bert.pooler.dense.weight',
      'bert.pooler.dense.bias',
      'classifier.weight',
      'classifier.bias',
    ]
    const plain = step.gradients.filter((name) => !name.includes('.lora_'))
    expect(plain.sort()).toEqual(heads.sort())
    // six linear layers in each of two layers
    expect(step.gradients).toHaveLength(4 + 2 * 6 * 2)
    const state = firstState(step.state, of.files)
    const stepper = await openStep(step.graph, step, state, { files: of.files })
    const losses: number[] = []
    let logits: HostTensor | undefined
    for (let n = 1; n <= 6; n++) {
      const got = await stepper.run({ ...of.batch, ...step.feeds({ step: n, learningRate: 0.01 }) })
      losses.push(Number(got.loss!.data[0]))
      logits ??= got.logits
    }
    await stepper.release()
    const close = (got: HostTensor, wanted: HostTensor) => {
      Array.from(got.data as Float32Array).forEach((value, i) => {
        expect(value).toBeCloseTo(Number(wanted.data[i]), 4)
      })
    }
    close(logits!, of.logits)
    expect(losses.at(-1)).toBeLessThan(losses[0]! / 2)

    const learned = Object.fromEntries(
      step.gradients.map((name) => [name, state.get(`parameter/${name}`)!]),
    )
    const merged = await run(lora.merge, learned)
    expect(Object.keys(merged)).toHaveLength(2 * 6)
    const put = (graph: Graph, values: Record<string, HostTensor>): Graph => {
      const weights = [...graph.weights].map(([value, weight]) => {
        const name = weight.parameter?.name ?? ''
        const now = Object.hasOwn(values, name) ? values[name]! : undefined
        const tensor = now ? inlineTensor('float32', now.shape, now.data) : weight.tensor
        return [value, { ...weight, tensor }] as const
      })
      return { ...graph, weights: new Map(weights) }
    }
    const adapted = await run(put(lora.graph, learned), of.batch)
    const whole = await run(put(of.graph, { ...learned, ...merged }), of.batch)
    close(whole.logits!, adapted.logits!)
  })

  it('adapt what they are told to, and refuse what there is not', () => {
    const query = withLora(of.graph, { seed: 1, targets: (name) => name.endsWith('query.weight') })
    expect(query.merge.outputs).toHaveLength(2)
    expect(() => withLora(of.graph, { seed: 1, targets: () => false })).toThrow(
      'no linear layer was found to adapt.',
    )
  })
})
