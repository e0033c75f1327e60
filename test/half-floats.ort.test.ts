/**
 * Half floats: a tiny BERT as near to its fp32 outputs as they are, a row of padding alone without NaN, and files
 * of half the size. (The reference conversion: reference-accuracy.ort.test.ts.)
 */
import { expect, it } from 'vitest'
import type { HostTensor } from '../src/graph/data-type.ts'
import { nodeFiles } from '../src/hub/node-files.ts'
import { load } from '../src/jobs/load.ts'
import { tensorReader } from '../src/onnx/materialize.ts'
import { onnxBytes } from '../src/onnx/write-onnx.ts'
import { runPasses } from '../src/passes/index.ts'
import { loweringOpset, pipeline } from '../src/passes/pipelines.ts'
import type { Quantization } from '../src/passes/quantize.ts'
import { describeWith, fixture, realData } from './support/fixtures.ts'
import { asInt64, maxDifference, readTensors, runGraph, withPrefix } from './support/tensors.ts'

const computed = { scheme: 'float16' } as const

const name = 'bert-sequence-classification'
const schemes: readonly (readonly [string, Quantization, number])[] = [
  ['float16', computed, 2e-3],
  ['float16 storage', { scheme: 'float-storage', type: 'float16' }, 1e-3],
  ['bfloat16 storage', { scheme: 'float-storage', type: 'bfloat16' }, 2e-2],
]

describeWith(fixture('models', name), 'half floats of a tiny BERT', () => {
  const { graph } = load(fixture('models', name))
  const cases = schemes.flatMap((row) =>
    (['cpu', 'portable'] as const).map((lowering) => [lowering, ...row] as const),
  )

  it.each(cases)('%s, %s: masks of every kind', async (lowering, _, quantize, tolerance) => {
    for (const file of ['io', 'io-masks']) {
      const io = readTensors(fixture('models', name, `${file}.safetensors`))
      const inputs = asInt64(withPrefix(io, 'in.'))
      const expected = withPrefix(io, 'out.').logits
      const whole = await runGraph(graph, inputs, { lowering })
      const found = await runGraph(graph, inputs, { lowering, quantize })
      expect(found.logits!.dtype).toBe('float32')
      expect(maxDifference(found.logits, whole.logits)).toBeLessThan(tolerance)
      if (expected) expect(maxDifference(found.logits, expected)).toBeLessThan(tolerance)
    }
  })

  const feeds = asInt64(withPrefix(readTensors(fixture('models', name, 'io.safetensors')), 'in.'))
  it.each([
    'cpu',
    'portable',
  ] as const)('%s: a text of padding alone is no NaN', async (lowering) => {
    const mask = feeds.attention_mask!
    const none = { ...mask, data: (mask.data as BigInt64Array).map(() => 0n) }
    const padded = { ...feeds, attention_mask: none }
    const { logits } = await runGraph(graph, padded, { lowering, quantize: computed })
    expect((logits!.data as Float32Array).every(Number.isFinite)).toBe(true)
  })
})

const model = realData('models/minilm-l6-sst2')

describeWith(model, 'half floats of a real encoder', () => {
  const ids = [101, 2045, 2003, 2019, 3899, 102]
  const filled = (value: number) => ids.map(() => value)
  const feeds = asInt64(
    Object.fromEntries(
      Object.entries({
        input_ids: ids,
        attention_mask: filled(1),
        token_type_ids: filled(0),
      }).map(([name, data]) => [name, { dtype: 'int64', shape: [1, ids.length], data }]),
    ) as unknown as Record<string, HostTensor>,
  )
  const { graph } = load(model)
  const reader = tensorReader(nodeFiles)
  const bytesOf = (quantize?: Quantization) => {
    const passes = pipeline({ lowering: 'cpu', quantize, read: reader.read })
    const opset = loweringOpset.cpu
    return onnxBytes(runPasses(graph, passes).graph, { opset, reader }).length
  }

  it('computed in half floats, it is half the file', () => {
    expect(bytesOf(computed) / bytesOf()).toBeLessThan(0.51)
  })

  it.each([
    ['float16', 5e-3],
    ['bfloat16', 5e-2],
  ] as const)('%s storage halves the file', async (type, most) => {
    const quantize = { scheme: 'float-storage', type } as const
    expect(bytesOf(quantize) / bytesOf()).toBeLessThan(0.51)
    const exact = (await runGraph(graph, feeds, { lowering: 'cpu' })).logits
    const found = (await runGraph(graph, feeds, { lowering: 'cpu', quantize })).logits
    expect(maxDifference(found, exact)).toBeLessThan(most)
    expect(maxDifference(found, exact)).toBeGreaterThan(0)
  })

  it('says which pattern of --exclude matches nothing', () => {
    expect(() => bytesOf({ ...computed, exclude: ['no.such.layer'] })).toThrow(
      '--exclude no.such.layer matches none',
    )
  })
})
