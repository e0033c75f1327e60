/**
 * Weight-only quantization: codes, scales and zero points bit for bit as ONNX Runtime's block quantizer gives
 * them, its outputs by its own kernels, and a real encoder through MatMulNBits and GatherBlockQuantized.
 */
import { expect, it } from 'vitest'
import { ints } from '../src/graph/attributes.ts'
import { GraphBuilder } from '../src/graph/builder.ts'
import { type HostTensor, hostArray } from '../src/graph/data-type.ts'
import { inlineTensor, transposed } from '../src/graph/tensor.ts'
import { nodeFiles } from '../src/hub/node-files.ts'
import { load } from '../src/jobs/load.ts'
import { quantizeSchemes } from '../src/jobs/quantize-schemes.ts'
import { materialize, tensorReader } from '../src/onnx/materialize.ts'
import { blockWeight } from '../src/onnx/quantize-blocks.ts'
import { runPasses } from '../src/passes/index.ts'
import { pipeline } from '../src/passes/pipelines.ts'
import { describeWith, fixture, realData } from './support/fixtures.ts'
import { asInt64, maxDifference, readTensors, runGraph } from './support/tensors.ts'

const variants = [4, 8].flatMap((bits) =>
  [16, 32].flatMap((block) =>
    [true, false].map((symmetric) => ({ bits: bits as 4 | 8, block, symmetric })),
  ),
)

describeWith(fixture('quantization/matmul'), 'blocks, against the reference quantizer', () => {
  const vectors = readTensors(fixture('quantization/matmul/vectors.safetensors'))
  const weight = vectors.weight!
  const [rows, columns] = weight.shape as [number, number]
  const stored = transposed(
    inlineTensor('float32', [rows, columns], weight.data as Float32Array),
    [1, 0],
  )

  it.each(variants)('$bits bits, blocks of $block, symmetric: $symmetric', async (how) => {
    const name = `nbits${how.bits}_${how.symmetric ? 'sym' : 'asym'}_block${how.block}`
    const parts = blockWeight(stored, how)
    const bytes = (tensor: typeof parts.codes) =>
      hostArray(tensor.dtype, materialize(tensor, nodeFiles))
    expect(bytes(parts.codes)).toEqual(vectors[`${name}.w_Q${how.bits}`]!.data)
    expect(bytes(parts.scales)).toEqual(vectors[`${name}.w_scales`]!.data)
    if (parts.zeroPoints) {
      expect(bytes(parts.zeroPoints)).toEqual(vectors[`${name}.w_zero_points`]!.data)
    }
    expect(parts.zeroPoints === undefined).toBe(how.symmetric)

    const b = new GraphBuilder('matmul')
    const x = b.input('x', 'float32', ['rows', rows])
    const matrix = b.parameter({ name: 'w' }, stored)
    const y = b.op('MatMul', [x, b.op('Transpose', [matrix], { perm: ints([1, 0]) })])
    b.output('y', y)
    const quantization = {
      scheme: 'blocks',
      weightBits: how.bits,
      block: how.block,
      symmetric: how.symmetric,
      accuracyLevel: 4,
    } as const
    const graph = b.build()
    const nodes = graph.nodes.map((n) => (n.op === 'MatMul' ? { ...n, quantization } : n))
    const found = await runGraph({ ...graph, nodes }, { x: vectors.input! }, { lowering: 'cpu' })
    expect(maxDifference(found.y, vectors[`${name}.output`])).toBeLessThan(1e-5)
  })
})

const model = realData('models/all-minilm-l6-v2')

describeWith(model, 'blocks on a real encoder', () => {
  const feeds = asInt64({
    input_ids: { dtype: 'int64', shape: [1, 6], data: [101, 2045, 2003, 2019, 3899, 102] },
    attention_mask: { dtype: 'int64', shape: [1, 6], data: [1, 1, 1, 1, 1, 1] },
    token_type_ids: { dtype: 'int64', shape: [1, 6], data: [0, 0, 0, 0, 0, 0] },
  } as unknown as Record<string, HostTensor>)

  it.each([
    { bits: 8, block: 32, least: 0.9995 },
    { bits: 4, block: 32, least: 0.95 },
  ] as const)('$bits bits keep the direction of its vectors', async ({ bits, block, least }) => {
    const { graph } = load(model)
    const scheme = 'weight-only' as const
    const quantize = { scheme, bits, block, symmetric: false, accuracyLevel: 4 } as const
    const { read } = tensorReader(nodeFiles)
    const lowered = runPasses(graph, pipeline({ lowering: 'cpu', quantize, read })).graph
    const count = (op: string) => lowered.nodes.filter((node) => node.op === op).length
    expect(count('MatMulNBits')).toBe(37)
    expect(count('GatherBlockQuantized')).toBe(1)
    const whole = await runGraph(graph, feeds, { lowering: 'cpu' })
    const found = await runGraph(graph, feeds, { lowering: 'cpu', quantize })
    const [a, b] = [whole, found].map((out) => out.sentence_embedding!.data as Float32Array)
    const dot = a!.reduce((sum, value, i) => sum + value * b![i]!, 0)
    expect(dot).toBeGreaterThan(least)
  })

  // the optimizer is off: it must not be what makes a kernel right
  it.each([
    ['cpu', 'float32'],
    ['portable', 'float16'],
  ] as const)('q4f16, %s: scales are %s', async (lowering, dtype) => {
    const { graph } = load(model)
    const context = { target: lowering, cpuBits: 8, exclude: undefined, parts: undefined } as const
    const { read } = tensorReader(nodeFiles)
    const [quantize, q4] = (['q4f16', 'int4'] as const).map((name) =>
      quantizeSchemes[name].plan({}, context),
    )
    const { nodes, weights } = runPasses(graph, pipeline({ lowering, quantize, read })).graph
    const scales = nodes.flatMap(({ op, inputs }) =>
      op === 'MatMulNBits' ? [weights.get(inputs[2]!)?.tensor.dtype] : [],
    )
    expect(scales).toHaveLength(37)
    expect(new Set(scales)).toEqual(new Set([dtype]))
    const whole = await runGraph(graph, feeds, { lowering, quantize: q4 })
    const { sentence_embedding: found } = await runGraph(graph, feeds, { lowering, quantize })
    expect(found!.dtype).toBe('float32')
    expect(maxDifference(found, whole.sentence_embedding)).toBeLessThan(0.02)
  })
})
