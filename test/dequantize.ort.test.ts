/**
 * Floats made of quantized files: of the reference quantizers' files exactly those that codes, scales and zero points
 * stand for, and of every quantized operator what ONNX Runtime computes by it, but for the rounding of activations.
 */
import { expect, it } from 'vitest'
import { GraphBuilder } from '../src/graph/builder.ts'
import type { HostTensor } from '../src/graph/data-type.ts'
import type { Graph, Value } from '../src/graph/graph.ts'
import { inlineTensor, type Tensor, transposed } from '../src/graph/tensor.ts'
import { nodeFiles } from '../src/hub/node-files.ts'
import { quantizedOps } from '../src/jobs/foreign-facts.ts'
import { logicalGraph, raisedGraph } from '../src/jobs/logical-graph.ts'
import { tensorReader } from '../src/onnx/materialize.ts'
import { readOnnx } from '../src/onnx/read-onnx.ts'
import { dequantizeGraph } from '../src/passes/dequantize/dequantize.ts'
import { runPasses } from '../src/passes/index.ts'
import { pipeline } from '../src/passes/pipelines.ts'
import { widenHalf } from '../src/passes/widen-half.ts'
import { describeWith, fixture } from './support/fixtures.ts'
import { asInt64, maxDifference, readTensors, runGraph, withPrefix } from './support/tensors.ts'

const reader = tensorReader(nodeFiles)
const exact = { lowering: 'exported' } as const

/** The values of codes, by the formula alone. */
function floatsOf(
  codes: ArrayLike<number>,
  scaleAt: (i: number) => number,
  zeroAt: (i: number) => number,
): Float32Array {
  return Float32Array.from({ length: codes.length }, (_, i) => (codes[i]! - zeroAt(i)) * scaleAt(i))
}

const at = (tensor: HostTensor | undefined, i: number): number =>
  Number(tensor!.data[tensor!.data.length === 1 ? 0 : i])

describeWith(fixture('quantization/matmul'), 'one MatMul of the reference quantizers', () => {
  const vectors = readTensors(fixture('quantization/matmul/vectors.safetensors'))
  const [rows, columns] = [64, 48]

  /** `[64, 48]`, from the fixture's parts. */
  function weightOf(name: string): Float32Array {
    const parts = withPrefix(vectors, `${name}.`)
    const codes = parts.w_quantized
    if (codes) {
      const column = (i: number) => i % columns
      const scale = (i: number) => at(parts.w_scale, column(i))
      return floatsOf(codes.data as Int8Array, scale, (i) => at(parts.w_zero_point, column(i)))
    }
    const [, bits, , size] = /nbits(\d)_(\w+)_block(\d+)/.exec(name)!
    const block = Number(size)
    const blocks = rows / block
    const code = (bytes: Uint8Array, i: number): number =>
      bits === '8' ? bytes[i]! : (bytes[i >> 1]! >> (4 * (i & 1))) & 15
    const zeroBytes = bits === '8' ? blocks : Math.ceil(blocks / 2)
    return Float32Array.from({ length: rows * columns }, (_, i) => {
      const [row, column] = [Math.floor(i / columns), i % columns]
      const b = Math.floor(row / block)
      const value = code(parts[`w_Q${bits}`]!.data as Uint8Array, column * rows + row)
      const zeros = parts.w_zero_points?.data.subarray(column * zeroBytes, (column + 1) * zeroBytes)
      const zero = zeros ? code(zeros as Uint8Array, b) : 2 ** (Number(bits) - 1)
      return (value - zero) * at(parts.w_scales, column * blocks + b)
    })
  }

  const names = [
    ...['dynamic_s8', 'dynamic_s8_per_channel', 'dynamic_s8_reduce_range', 'dynamic_u8'],
    ...[4, 8].flatMap((bits) =>
      ['sym', 'asym'].flatMap((kind) =>
        [16, 32].map((size) => `nbits${bits}_${kind}_block${size}`),
      ),
    ),
  ]

  it.each(names)('%s', async (name) => {
    const { graph, left } = dequantizeGraph(
      readOnnx(fixture(`quantization/matmul/${name}.onnx`), nodeFiles),
      reader.read,
    )
    expect(left).toEqual([])
    const found = await runGraph(graph, { x: vectors.input! }, exact)
    const b = new GraphBuilder('float')
    const x = b.input('x', 'float32', ['m', rows])
    b.output(
      'y',
      b.op('MatMul', [x, b.constant(inlineTensor('float32', [rows, columns], weightOf(name)))]),
    )
    const expected = await runGraph(b.build(), { x: vectors.input! }, exact)
    expect(maxDifference(found.y, expected.y)).toBeLessThan(1e-5)
    // what the file itself gives, which rounds the input too
    const theirs = vectors[`${name}.output`]!
    const largest = Math.max(...(theirs.data as Float32Array).map(Math.abs))
    expect(maxDifference(found.y, theirs)).toBeLessThan(0.01 * largest)
  })
})

describeWith(
  fixture('quantization/bert-dynamic'),
  'a tiny BERT of the reference quantizers',
  () => {
    const source = fixture('exports/bert-sequence-classification/torchscript.onnx')
    const io = readTensors(fixture('exports/bert-sequence-classification/io.safetensors'))
    const feeds = asInt64(withPrefix(io, 'in.'))
    const read = (name: string) => readOnnx(fixture('quantization', name), nodeFiles)
    const valuesOf = (tensor: Tensor): HostTensor => {
      const data = tensorReader(nodeFiles).read(tensor)
      return hostTensor(tensor, data)
    }

    let known: HostTensor | undefined
    const fp32 = async (): Promise<HostTensor> => {
      known ??= (await runGraph(logicalGraph(source).graph, feeds, exact)).logits!
      return known
    }

    /** The source with the weights that a quantized file holds in codes, by the formula alone. */
    function expectedOf(
      file: Graph,
      isDynamic: boolean,
      biases: Readonly<Record<string, HostTensor>>,
    ): Graph {
      const held = new Map([...file.weights].map(([value, { tensor }]) => [value.name, tensor]))
      const graph = readOnnx(source, nodeFiles)
      const weights = [...graph.weights].map(([value, weight]): [Value, typeof weight] => {
        const codes = held.get(`${value.name}_quantized`)
        const scaleOf = held.get(`${value.name}_scale`)
        const bias = biases[`${value.name}_quantized_scale`]
        if (!codes || !(scaleOf || bias)) return [value, weight]
        const scale = scaleOf ? valuesOf(scaleOf) : bias!
        const zeroOf = held.get(`${value.name}_zero_point`)
        const { shape } = codes
        // Gemm holds its matrix `[out, in]`; of it quantize_dynamic makes a MatMul with the matrix turned
        const isGemm = /(pooler.dense|classifier).weight/.test(value.name)
        const turned = isGemm && isDynamic
        const axis = isGemm && !turned ? 0 : shape.length - 1
        const inner = shape.slice(axis + 1).reduce((a, b) => a * b, 1)
        const channel = (i: number) => Math.floor(i / inner) % shape[axis]!
        const data = floatsOf(
          valuesOf(codes).data as Int8Array,
          (i) => at(scale, channel(i)),
          (i) => (zeroOf ? at(valuesOf(zeroOf), channel(i)) : 0),
        )
        const tensor = inlineTensor('float32', shape, data)
        return [value, { ...weight, tensor: turned ? transposed(tensor, [1, 0]) : tensor }]
      })
      return { ...graph, weights: new Map(weights) }
    }

    it.each([
      ['bert-dynamic/per_tensor', 0.035, undefined],
      ['bert-dynamic/per_channel', 0.012, undefined],
      ['bert-static/qdq_per_tensor', 0.035, 'bert-static/qdq_per_tensor'],
      ['bert-static/qdq_per_channel', 0.012, 'bert-static/qdq_per_channel'],
      // its biases have the scales that the pairs' file names
      ['bert-static/qoperator_per_channel', 0.012, 'bert-static/qdq_per_channel'],
    ])('%s', async (name, near, scales) => {
      const file = read(`${name}.onnx`)
      const { graph, left } = dequantizeGraph(file, reader.read)
      expect(left).toEqual([])
      expect(quantizedOps(graph).size).toBe(0)
      const { logits } = await runGraph(graph, feeds, exact)
      const biases = scales ? readTensors(fixture(`quantization/${scales}.safetensors`)) : {}
      const expected = await runGraph(expectedOf(file, scales === undefined, biases), feeds, exact)
      expect(maxDifference(logits, expected.logits)).toBeLessThan(1e-5)
      expect(maxDifference(logits, await fp32())).toBeLessThan(near)
    })

    it('raised and lowered they are what the source is', async () => {
      const file = read('bert-static/qdq_per_channel.onnx')
      const { graph } = raisedGraph(file, { dequantize: true })
      const ops = (lowering: 'cpu' | 'portable', from: Graph) =>
        runPasses(from, pipeline({ lowering, read: reader.read }))
          .graph.nodes.map(({ op }) => op)
          .toSorted()
      for (const lowering of ['cpu', 'portable'] as const) {
        expect(ops(lowering, graph)).toEqual(ops(lowering, logicalGraph(source).graph))
      }
      const { logits } = await runGraph(graph, feeds, { lowering: 'cpu' })
      const expected = (await runGraph(dequantizeGraph(file, reader.read).graph, feeds, exact))
        .logits
      expect(maxDifference(logits, expected)).toBeLessThan(1e-5)
    })

    it('half floats become float32, their activations known', async () => {
      const file = read('bert-fp16/model.onnx')
      const graph = widenHalf.apply(file)
      const types = [...graph.weights.values()].map(({ tensor }) => tensor.dtype)
      expect(types).not.toContain('float16')
      const { logits } = await runGraph(graph, feeds, exact)
      expect(maxDifference(logits, await fp32())).toBeLessThan(5e-4)
      const raised = raisedGraph(file, { dequantize: true }).graph
      const fused = runPasses(raised, pipeline({ lowering: 'cpu', read: reader.read })).graph
      expect(fused.nodes.filter(({ op }) => op === 'Gelu')).toHaveLength(2)
      expect(fused.nodes.filter(({ op }) => op === 'Attention')).toHaveLength(2)
      const lowered = (await runGraph(raised, feeds, { lowering: 'cpu' })).logits
      expect(maxDifference(lowered, logits)).toBeLessThan(1e-5)
    })
  },
)

function hostTensor({ dtype, shape }: Tensor, bytes: Uint8Array): HostTensor {
  const { buffer, byteOffset, byteLength } = bytes.slice()
  const Type = { float32: Float32Array, uint8: Uint8Array, int8: Int8Array, int32: Int32Array }[
    dtype as 'int8'
  ]
  return { dtype, shape, data: new Type(buffer, byteOffset, byteLength / Type.BYTES_PER_ELEMENT) }
}
