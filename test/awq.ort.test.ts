/**
 * AWQ on one attention of a real encoder: on texts that it has not seen, every weight's outputs are nearer to fp32's than
 * those of rounding to the nearest; the divided graph computes what it did.
 */
import { beforeAll, expect, it } from 'vitest'
import { awqWeights } from '../src/fit/awq-weights.ts'
import { calibrationBatches } from '../src/fit/calibration-batches.ts'
import { layerGrams } from '../src/fit/layer-grams.ts'
import type { Feeds } from '../src/fit/observe.ts'
import { withRowErrors } from '../src/fit/row-errors.ts'
import { hostArray } from '../src/graph/data-type.ts'
import type { Graph } from '../src/graph/graph.ts'
import type { Tensor } from '../src/graph/tensor.ts'
import { nodeFiles } from '../src/hub/node-files.ts'
import { load, tokenizerOf } from '../src/jobs/load.ts'
import { dequantizedRows } from '../src/onnx/dequantize-weight.ts'
import { materialize, tensorReader } from '../src/onnx/materialize.ts'
import { type BlockWeight, blockWeight } from '../src/onnx/quantize-blocks.ts'
import { linearProducts } from '../src/passes/linear-layers.ts'
import { roundBlocks } from '../src/passes/round-blocks.ts'
import { smoothLayers } from '../src/passes/smooth.ts'
import { describeWith, realData } from './support/fixtures.ts'
import { asInt64, maxDifference, runGraph } from './support/tensors.ts'

const folder = realData('models/all-minilm-l6-v2')
const how = { bits: 4, block: 32, symmetric: false } as const
const floats = (tensor: Tensor) =>
  hostArray('float32', materialize(tensor, nodeFiles)) as Float32Array

describeWith(folder, 'AWQ on a real encoder', () => {
  const model = load(folder)
  const { read } = tensorReader(nodeFiles)
  const skip = (name: string) => !name.startsWith('encoder.layer.3.attention.')
  const texts = async (split: string): Promise<readonly Feeds[]> => {
    const file = realData(`text/stsb/original/sts-${split}.tsv`)
    const data = { file, text: '6', textPair: '7', label: '5', header: false }
    return (await calibrationBatches(data, model, await tokenizerOf(model), 64, 16)).batches
  }
  let unseen: Map<string, Float64Array>
  let seen: readonly Feeds[]
  beforeAll(async () => {
    seen = await texts('train')
    unseen = await layerGrams(model.graph, await texts('dev'), { skip })
  })

  /** Squared errors of outputs over squares of outputs, by layer. */
  async function errors(
    graph: Graph,
    scales: ReadonlyMap<string, readonly number[]>,
    partsOf: (name: string, weight: Tensor) => BlockWeight,
  ): Promise<Map<string, number>> {
    return withRowErrors({}, async (measure) => {
      const found = new Map<string, number>()
      for (const { name, weight } of linearProducts(graph)) {
        const gram = unseen.get(name)
        if (!gram) continue
        const shape = weight.tensor.shape as [number, number]
        const width = shape[1]
        const of = (i: number) => scales.get(name)?.[i] ?? 1
        const square = Float32Array.from(
          gram,
          (sum, i) => sum / (of(Math.floor(i / width)) * of(i % width)),
        )
        const { codes, scales: steps, zeroPoints } = partsOf(name, weight.tensor)
        const near = floats(dequantizedRows(codes, steps, zeroPoints, how, shape))
        const exact = floats(weight.tensor)
        const total = async (rows: Float32Array) =>
          (await measure(rows, square, [1, ...shape])).reduce((sum, row) => sum + row, 0)
        found.set(name, (await total(near.map((w, i) => w - exact[i]!))) / (await total(exact)))
      }
      return found
    })
  }

  it('is nearer to fp32 than the nearest codes, and nearer still with GPTQ', async () => {
    const nearest = await errors(model.graph, new Map(), (_, weight) => blockWeight(weight, how))
    expect(nearest.size).toBe(4)
    const mean: number[] = []
    for (const rounding of ['nearest', 'gptq'] as const) {
      const { smooth, parts } = await awqWeights(model.graph, seen, { how, read, skip, rounding })
      expect(smooth.length).toBeGreaterThan(0)
      const after = smoothLayers(smooth).apply(model.graph)
      const scales = new Map(smooth.flatMap(({ layers, scale }) => layers.map((n) => [n, scale])))
      const found = await errors(after, scales, (name) => parts.get(name)!)
      for (const [name, error] of found) expect(error, name).toBeLessThan(0.85 * nearest.get(name)!)
      mean.push([...found].reduce((sum, [name, e]) => sum + e / nearest.get(name)! / 4, 0))
      const feeds = asInt64(seen[0]!)
      const [a, b] = await Promise.all(
        [model.graph, after].map((each) => runGraph(each, feeds, { lowering: 'cpu' })),
      )
      expect(maxDifference(a!.sentence_embedding, b!.sentence_embedding)).toBeLessThan(1e-5)
    }
    expect(mean[0]).toBeLessThan(0.6)
    expect(mean[1]).toBeLessThan(mean[0]!)
  })

  it.each([true, false])('tries the very codes that are written, symmetric: %s', (symmetric) => {
    const { tensor } = linearProducts(model.graph)[0]!.weight
    const [rows, columns] = tensor.shape as [number, number]
    const cut = { bits: 4, block: 32, symmetric } as const
    const written = blockWeight(tensor, cut)
    const near = floats(
      dequantizedRows(written.codes, written.scales, written.zeroPoints, cut, [rows, columns]),
    )
    const { codes, scales, zeroPoints } = roundBlocks(floats(tensor), [rows, columns], cut)
    const tried = near.map((_, i) => {
      const block = Math.floor(i / columns) * (columns / 32) + Math.floor((i % columns) / 32)
      return (codes[i]! - zeroPoints[block]!) * scales[block]!
    })
    expect(tried).toEqual(near)
  })
})
