/** GPTQ for a whole model: the Hessians of all layers' inputs, then the codes layer by layer. */
import { hostArray } from '../graph/data-type.ts'
import type { Graph } from '../graph/graph.ts'
import type { ReadTensor } from '../graph/tensor.ts'
import { type BlockQuantization, type BlockWeight, packBlocks } from '../onnx/quantize-blocks.ts'
import { gptq } from '../passes/gptq.ts'
import { linearProducts } from '../passes/linear-layers.ts'
import { type LayerGramsOptions, layerGrams } from './layer-grams.ts'
import type { Feeds } from './observe.ts'

export interface GptqWeightsOptions extends LayerGramsOptions {
  readonly how: BlockQuantization
  readonly read: ReadTensor
  readonly onLayer?: ((name: string, done: number, of: number) => void) | undefined
}

/** Codes of every linear layer, by the name of its parameter. */
export async function gptqWeights(
  graph: Graph,
  batches: Iterable<Feeds>,
  options: GptqWeightsOptions,
): Promise<Map<string, BlockWeight>> {
  const { how, read, signal, onLayer } = options
  const settings = { bits: how.bits, group: how.block, symmetric: how.symmetric }
  const grams = await layerGrams(graph, batches, options)
  const found = new Map<string, BlockWeight>()
  for (const { name, weight } of linearProducts(graph)) {
    const gram = grams.get(name)
    if (!gram || found.has(name)) continue
    signal?.throwIfAborted()
    const shape = weight.tensor.shape as [number, number]
    const values = hostArray('float32', read(weight.tensor)) as Float32Array
    found.set(name, packBlocks(shape, gptq(values, shape, gram, settings), how))
    onLayer?.(name, found.size, grams.size)
    // a layer may take seconds: progress and Ctrl-C come in between
    await new Promise((resolve) => setImmediate(resolve))
  }
  return found
}
