/**
 * Half floats: a tiny BERT as near to its fp32 outputs and to those of the reference conversion as float16 is, a
 * row of padding alone without NaN, and files of half the size by storage alone.
 */
import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import type { HostTensor } from '../src/graph/data-type.ts'
import { nodeFiles } from '../src/hub/node-files.ts'
import { load } from '../src/jobs/load.ts'
import { logicalGraph } from '../src/jobs/logical-graph.ts'
import { tensorReader } from '../src/onnx/materialize.ts'
import { onnxBytes } from '../src/onnx/write-onnx.ts'
import { runPasses } from '../src/passes/index.ts'
import { loweringOpset, pipeline } from '../src/passes/pipelines.ts'
import type { Quantization } from '../src/passes/quantize.ts'
import { openInline } from '../src/runtime/index.ts'
import { describeWith, fixture, realData } from './support/fixtures.ts'
import { asInt64, maxDifference, readTensors, runGraph } from './support/tensors.ts'

const computed = { scheme: 'float16' } as const

describeWith(fixture('quantization/bert-fp16'), 'float16, beside the reference conversion', () => {
  const io = readTensors(fixture('exports/bert-sequence-classification/io.safetensors'))
  const { graph } = logicalGraph(fixture('exports/bert-sequence-classification/torchscript.onnx'))
  const prefix = Object.keys(io)
    .find((name) => name.endsWith('input_ids'))!
    .replace('input_ids', '')
  const feeds = asInt64(
    Object.fromEntries(graph.inputs.map(({ name }) => [name, io[`${prefix}${name}`]!])),
  )

  it.each(['cpu', 'portable'] as const)('%s', async (lowering) => {
    const { logits } = await runGraph(graph, feeds, { lowering, quantize: computed })
    const exact = (await runGraph(graph, feeds, { lowering })).logits
    expect(logits!.dtype).toBe('float32')
    expect(maxDifference(logits, exact)).toBeLessThan(1e-3)
    const theirs = await openInline(readFileSync(fixture('quantization/bert-fp16/model.onnx')), {
      threads: 1,
    })
    try {
      expect(maxDifference(logits, (await theirs.run(feeds)).logits)).toBeLessThan(1e-3)
    } finally {
      await theirs.release()
    }
  })

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
