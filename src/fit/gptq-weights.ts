/**
 * GPTQ for a whole model: the Hessians of all layers' inputs from one run over the calibration texts, then the
 * codes layer by layer. Layers of one input share its Hessian.
 */
import { hostArray } from '../graph/data-type.ts'
import type { Graph, Value } from '../graph/graph.ts'
import type { ReadTensor } from '../graph/tensor.ts'
import { type BlockQuantization, type BlockWeight, packBlocks } from '../onnx/quantize-blocks.ts'
import { gptq } from '../passes/gptq.ts'
import { type LinearProduct, linearProducts } from '../passes/linear-layers.ts'
import { type Feeds, type ObserveOptions, observeGrams } from './observe.ts'

export interface GptqWeightsOptions extends ObserveOptions {
  readonly how: BlockQuantization
  /** Layers to leave out, by the name of their parameter. */
  readonly skip?: ((name: string) => boolean) | undefined
  readonly read: ReadTensor
  readonly onLayer?: ((name: string, done: number, of: number) => void) | undefined
}

/** Codes of every linear layer, by the name of its parameter. */
export async function gptqWeights(
  graph: Graph,
  batches: Iterable<Feeds>,
  options: GptqWeightsOptions,
): Promise<Map<string, BlockWeight>> {
  const { how, skip, read, signal, onLayer } = options
  const layers = linearProducts(graph).filter(({ name }) => !skip?.(name))
  const byInput = new Map<Value, LinearProduct[]>()
  for (const layer of layers) byInput.set(layer.x, [...(byInput.get(layer.x) ?? []), layer])
  const inputs = [...byInput.keys()]
  const grams = await observeGrams(graph, inputs, batches, options)
  const found = new Map<string, BlockWeight>()
  let done = 0
  for (const [i, input] of inputs.entries()) {
    for (const { name, weight } of byInput.get(input)!) {
      signal?.throwIfAborted()
      const shape = weight.tensor.shape as [number, number]
      const values = hostArray('float32', read(weight.tensor)) as Float32Array
      const settings = { bits: how.bits, group: how.block, symmetric: how.symmetric }
      found.set(name, packBlocks(shape, gptq(values, shape, grams[i]!, settings), how))
      onLayer?.(name, ++done, layers.length)
      // a layer may take seconds: progress and Ctrl-C come in between
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
  return found
}
