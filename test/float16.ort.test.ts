/** FP16, and weights stored in half floats, against float32 and the reference conversion. */
import { expect, it } from 'vitest'
import { nodeFiles } from '../src/hub/node-files.ts'
import { load } from '../src/jobs/load.ts'
import { onnxBytes } from '../src/onnx/index.ts'
import { tensorReader } from '../src/onnx/materialize.ts'
import { runPasses } from '../src/passes/index.ts'
import { pipeline } from '../src/passes/pipelines.ts'
import type { Quantization } from '../src/passes/quantize.ts'
import { describeWith, fixture } from './support/fixtures.ts'
import { asInt64, maxDifference, readTensors, runGraph, withPrefix } from './support/tensors.ts'

const model = 'bert-sequence-classification'
const schemes: readonly (readonly [string, Quantization, number])[] = [
  ['float16', { scheme: 'float16' }, 2e-3],
  ['float16 storage', { scheme: 'float-storage', type: 'float16' }, 1e-3],
  ['bfloat16 storage', { scheme: 'float-storage', type: 'bfloat16' }, 2e-2],
]

describeWith(fixture('models', model), 'half floats', () => {
  const { graph } = load(fixture('models', model))
  const reader = tensorReader(nodeFiles)

  for (const lowering of ['portable', 'cpu'] as const) {
    it.each(schemes)(`%s, ${lowering}`, async (_, quantize, tolerance) => {
      for (const file of ['io', 'io-masks']) {
        const io = readTensors(fixture('models', model, `${file}.safetensors`))
        const inputs = asInt64(withPrefix(io, 'in.'))
        const expected = withPrefix(io, 'out.').logits
        const whole = await runGraph(graph, inputs, { lowering })
        const found = await runGraph(graph, inputs, { lowering, quantize })
        expect(found.logits!.dtype).toBe('float32')
        expect(maxDifference(found.logits, whole.logits)).toBeLessThan(tolerance)
        if (expected) expect(maxDifference(found.logits, expected)).toBeLessThan(tolerance)
      }
    })

    it.each(schemes)(`%s, ${lowering}: half the weights`, (_, quantize) => {
      const size = (how?: Quantization) => {
        const passes = pipeline({ lowering, quantize: how, read: reader.read })
        return onnxBytes(runPasses(graph, passes).graph, { reader }).length
      }
      expect(size(quantize)).toBeLessThan(0.75 * size())
    })
  }

  it('is as near to float32 as the reference conversion', async () => {
    const reference = readTensors(fixture('quantization/bert-fp16/model.safetensors')).logits!
    const io = readTensors(fixture('exports', model, 'io.safetensors'))
    const exact = withPrefix(io, 'out.').logits!
    const found = await runGraph(graph, asInt64(withPrefix(io, 'in.')), {
      lowering: 'portable',
      quantize: { scheme: 'float16' },
    })
    const theirs = maxDifference(reference, exact)
    expect(maxDifference(found.logits, exact)).toBeLessThanOrEqual(2 * theirs)
    expect(maxDifference(found.logits, reference)).toBeLessThan(2e-3)
  })
})
