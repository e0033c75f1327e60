/**
 * Every exported fixture, raised and lowered for the CPU: the counts of a perfect fusion, no more nodes than
 * onnxslim leaves, and the outputs of the file at three shapes under every kind of mask.
 */
import { join } from 'node:path'
import { expect, it } from 'vitest'
import type { HostTensor } from '../src/graph/data-type.ts'
import { elementCount } from '../src/graph/data-type.ts'
import type { Graph } from '../src/graph/graph.ts'
import { nodeFiles } from '../src/hub/node-files.ts'
import { onnxBytes, readOnnx, tensorReader } from '../src/onnx/index.ts'
import { raise, runPasses } from '../src/passes/index.ts'
import { type Lowering, loweringOpset, pipeline } from '../src/passes/pipelines.ts'
import { type Random, randomFrom } from '../src/stats/random.ts'
import {
  exported,
  exportsRoot,
  inferenceModel,
  outputsOf,
  perfectCounts,
  recorded,
} from './support/exports.ts'
import { describeWith } from './support/fixtures.ts'
import { expectOutputs } from './support/tensors.ts'

const reader = tensorReader(nodeFiles)
type Tensors = Record<string, HostTensor>

const raised = (file: string): Graph =>
  runPasses(readOnnx(join(exportsRoot, file), nodeFiles), raise(reader.read)).graph

function lowered(graph: Graph, lowering: Lowering): { graph: Graph; bytes: Uint8Array } {
  const low = runPasses(graph, pipeline({ lowering, read: reader.read })).graph
  return { graph: low, bytes: onnxBytes(low, { opset: loweringOpset[lowering], reader }) }
}

/** Masks of `[batch, tokens]`: which tokens of row `b` are real. */
const masks: readonly ((b: number, t: number, tokens: number) => boolean)[] = [
  () => true,
  (b, t, tokens) => t < tokens - b,
  (b, t, tokens) => t >= Math.min(b, tokens - 1),
  (_, t) => t % 3 !== 1,
]

const shapes = [
  [1, 5],
  [2, 17],
  [3, 9],
] as const

/** Inputs like the recorded ones at another shape. */
function inputsAt(
  like: Tensors,
  [batch, tokens]: readonly [number, number],
  seed: number,
): Tensors {
  const random = randomFrom(seed)
  const mask = masks[seed % masks.length]!
  return Object.fromEntries(
    Object.entries(like).map(([name, tensor]) => {
      if (tensor.shape.length > 2) return [name, image(tensor, batch, random)]
      const most = Math.max(...Array.from(tensor.data as ArrayLike<bigint>, Number))
      const values = Array.from({ length: batch * tokens }, (_, i) => {
        if (!name.includes('mask')) return random.below(most + 1)
        return Number(mask(Math.floor(i / tokens), i % tokens, tokens))
      })
      const data = BigInt64Array.from(values, BigInt)
      return [name, { dtype: 'int64', shape: [batch, tokens], data }]
    }),
  )
}

function image(like: HostTensor, batch: number, random: Random): HostTensor {
  const shape = [batch, ...like.shape.slice(1)]
  const data = Float32Array.from({ length: elementCount(shape) }, () => random.uniform() - 0.5)
  return { dtype: 'float32', shape, data }
}

describeWith(exportsRoot, 'exports, raised', () => {
  it.each(exported)('%s', async (file) => {
    const graph = raised(file)
    const cpu = lowered(graph, 'cpu')
    const count = (op: string) => cpu.graph.nodes.filter((node) => node.op === op).length
    const { attention, layerNorm, gelu, slimNodes } = perfectCounts(file)
    expect({
      attention: count('Attention'),
      layerNorm: count('LayerNormalization'),
      gelu: count('Gelu'),
    }).toEqual({ attention, layerNorm, gelu })
    // queries and keys of three layers, turned
    if (file.startsWith('modernbert')) expect(count('RotaryEmbedding')).toBe(6)
    expect(cpu.graph.nodes.length).toBeLessThanOrEqual(slimNodes)

    const portable = lowered(graph, 'portable')
    const inputs = recorded(file, 'in.')
    const outputs = recorded(file, 'out.')
    for (const { bytes } of [cpu, portable]) {
      expectOutputs(await outputsOf(bytes, inputs), outputs, 1e-4)
    }
    const source = inferenceModel(file)
    for (const [i, shape] of shapes.entries()) {
      for (let mask = 0; mask < (inputs.attention_mask ? masks.length : 1); mask++) {
        const feeds = inputsAt(inputs, shape, i * masks.length + mask)
        expectOutputs(await outputsOf(cpu.bytes, feeds), await outputsOf(source, feeds), 1e-4)
      }
    }
  })
})
