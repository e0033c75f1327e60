import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { describeWith, fixture } from '../../test/support/fixtures.ts'
import type { HostTensor } from '../graph/data-type.ts'
import { buildModel } from '../models/build-model.ts'
import { memoryFiles } from '../onnx/file-access.ts'
import { readSafetensors } from '../onnx/read-safetensors.ts'
import { crossEntropy, labelledCrossEntropy } from './losses.ts'
import { firstState, openStep } from './testing/run-steps.ts'
import { tensorsOf } from './testing/training-fixture.ts'
import { trainingStep } from './training-step.ts'

const folder = fixture('models/bert-masked-lm')

describeWith(folder, 'a loss over few tokens', () => {
  const path = `${folder}/model.safetensors`
  const files = memoryFiles(new Map([[path, readFileSync(path)]]))
  const { graph } = buildModel({
    config: {
      file: 'config.json',
      json: JSON.parse(readFileSync(`${folder}/config.json`, 'utf8')),
    },
    checkpoint: { ...readSafetensors(path, files), file: path },
  })
  const io = tensorsOf(`${folder}/io.safetensors`)
  const inputs = Object.fromEntries(graph.inputs.map(({ name }) => [name, io[`in.${name}`]!]))
  const shape = io['in.input_ids']!.shape
  const labels = (every: number): HostTensor => {
    const size = shape.reduce((product, dim) => product * dim, 1)
    const data = BigInt64Array.from({ length: size }, (_, i) =>
      every > 0 && i % every === 1 ? BigInt(i % 50) : -100n,
    )
    return { dtype: 'int64', shape, data }
  }
  const stepOf = (loss: typeof crossEntropy) =>
    trainingStep({
      graph,
      loss: (b, { logits }) =>
        loss(b, logits!, b.input('labels', 'int64', ['batch_size', 'sequence_length'])),
      accumulate: true,
    })

  async function run(step: ReturnType<typeof stepOf>, every: number) {
    const state = firstState(step.state, files)
    const stepper = await openStep(step.accumulate!, step, state, { files })
    const feeds = { ...inputs, labels: labels(every), ...step.feeds({ step: 1, learningRate: 0 }) }
    const got = await stepper.run(feeds)
    await stepper.release()
    return { loss: Number(got.loss!.data[0]), state }
  }

  it('has the loss and gradients of all positions, and computes only those', async () => {
    const [whole, few] = [stepOf(crossEntropy), stepOf(labelledCrossEntropy)]
    const [a, b] = [await run(whole, 7), await run(few, 7)]
    expect(b.loss).toBeCloseTo(a.loss, 5)
    for (const name of whole.gradients) {
      const [wanted, got] = [a, b].map(
        ({ state }) => state.get(`sum/${name}`)!.data as Float32Array,
      )
      const largest = wanted!.reduce((most, x) => Math.max(most, Math.abs(x)), 0)
      wanted!.forEach((value, i) => {
        expect(Math.abs(value - got![i]!), name).toBeLessThan(1e-4 * largest + 1e-7)
      })
    }
    // the last layer's output projection and its residual read looked-up rows, and so does all behind them
    const read = few
      .accumulate!.nodes.filter(({ op, origin }) => op === 'Gather' && origin === 'loss')
      .map(({ inputs: [x] }) => x!.name)
    expect(read).toContain('encoder.layer.1.attention.output.dense.Reshape')
    expect(read).toContain('encoder.layer.0.output.LayerNorm.LayerNormalization')
  })

  it('is 0 where nothing has a label', async () => {
    const { loss, state } = await run(stepOf(labelledCrossEntropy), 0)
    expect(Math.abs(loss)).toBe(0)
    const gradient = state.get('sum/cls.predictions.bias')!.data as Float32Array
    expect(gradient.every((value) => value === 0)).toBe(true)
  })
})
