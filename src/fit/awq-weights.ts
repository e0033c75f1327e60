/**
 * AWQ for a whole model (Lin et al. 2023, https://arxiv.org/abs/2306.00978): scales of inputs, then codes of the scaled
 * weights, either to the nearest with ranges clipped where that helps (section 5.1 of its code: blocks shrink to 55 %
 * at most), or by GPTQ.
 */
import { hostArray } from '../graph/data-type.ts'
import type { Graph } from '../graph/graph.ts'
import { type BlockQuantization, type BlockWeight, packBlocks } from '../onnx/quantize-blocks.ts'
import { gptq } from '../passes/gptq.ts'
import { linearProducts } from '../passes/linear-layers.ts'
import { type RoundedBlocks, roundBlocks, roundingError } from '../passes/round-blocks.ts'
import { type Smoothing, smoothLayers } from '../passes/smooth.ts'
import { searchAwqScales } from './awq-search.ts'
import type { GptqWeightsOptions } from './gptq-weights.ts'
import { layerGrams } from './layer-grams.ts'
import type { Feeds } from './observe.ts'
import { type RowErrors, withRowErrors } from './row-errors.ts'

export interface AwqWeightsOptions extends GptqWeightsOptions {
  /** How scaled weights are rounded: to the nearest with clipped ranges (default), or by GPTQ. */
  readonly rounding?: 'nearest' | 'gptq' | undefined
}

export interface AwqWeights {
  /** Divisions of inputs; the weights that `parts` are the codes of are multiplied by them. */
  readonly smooth: Smoothing[]
  /** Codes of every linear layer, by the name of its parameter. */
  readonly parts: Map<string, BlockWeight>
}

export async function awqWeights(
  graph: Graph,
  batches: Iterable<Feeds>,
  options: AwqWeightsOptions,
): Promise<AwqWeights> {
  const { how, read, signal, onLayer, rounding = 'nearest' } = options
  const grams = await layerGrams(graph, batches, options)
  return withRowErrors(options, async (measure) => {
    const smooth = await searchAwqScales(graph, grams, measure, {
      ...{ how, read, signal },
      onInput: (done, of) => onLayer?.('scales', done, of),
    })
    const scales = new Map(smooth.flatMap(({ layers, scale }) => layers.map((n) => [n, scale])))
    const parts = new Map<string, BlockWeight>()
    // a division may have gone into the rows of another layer's weight
    for (const { name, weight } of linearProducts(smoothLayers(smooth).apply(graph))) {
      const seen = grams.get(name)
      if (!seen || parts.has(name)) continue
      signal?.throwIfAborted()
      const shape = weight.tensor.shape as [number, number]
      const values = hostArray('float32', read(weight.tensor)) as Float32Array
      const gram = divided(seen, shape[1], scales.get(name))
      const settings = { bits: how.bits, group: how.block, symmetric: how.symmetric }
      const codes =
        rounding === 'gptq'
          ? gptq(values, shape, gram, settings)
          : await clippedBlocks(values, shape, gram, how, measure)
      parts.set(name, packBlocks(shape, codes, how))
      onLayer?.(name, parts.size, grams.size)
      // a layer may take seconds: progress and Ctrl-C come in between
      await new Promise((resolve) => setImmediate(resolve))
    }
    return { smooth, parts }
  })
}

/** The Gram matrix of the divided input. */
function divided(gram: Float64Array, width: number, scale?: readonly number[]): Float64Array {
  if (!scale) return gram
  return gram.map((sum, at) => sum / (scale[Math.floor(at / width)]! * scale[at % width]!))
}

/** Parts of a block's range that are tried. */
const SHRINKS = [0.95, 0.9, 0.85, 0.8, 0.75, 0.7, 0.65, 0.6, 0.55]

/** Codes to the nearest, each block's range shrunk where its own part of the outputs loses less by it. */
async function clippedBlocks(
  weight: Float32Array,
  shape: readonly [number, number],
  gram: Float64Array,
  how: BlockQuantization,
  measure: RowErrors,
): Promise<RoundedBlocks> {
  const [outSize, inSize] = shape
  const { block } = how
  const groups = Math.ceil(inSize / block)
  const corners = diagonalBlocks(gram, inSize, block)
  const [error, blocks] = [
    new Float32Array(weight.length),
    new Float32Array(groups * outSize * block),
  ]
  const errorOf = (shrink?: Float32Array) => roundingError(weight, shape, how, { shrink }, error)
  const byBlock = (shrink?: Float32Array) =>
    measure(inBlocks(errorOf(shrink), shape, block, blocks), corners, [groups, outSize, block])
  const least = (await byBlock()).slice()
  const shrink = new Float32Array(outSize * groups).fill(1)
  for (const factor of SHRINKS) {
    const uniform = new Float32Array(shrink.length).fill(factor)
    const errors = await byBlock(uniform)
    for (let g = 0; g < groups; g++) {
      for (let row = 0; row < outSize; row++) {
        const error = errors[g * outSize + row]!
        if (error >= least[g * outSize + row]!) continue
        least[g * outSize + row] = error
        shrink[row * groups + g] = factor
      }
    }
  }
  // blocks answer for themselves alone: a row is clipped where all of it gains
  const square = Float32Array.from(gram)
  const rows = (clip?: Float32Array) => measure(errorOf(clip), square, [1, outSize, inSize])
  const plain = (await rows()).slice()
  const clipped = await rows(shrink)
  for (let row = 0; row < outSize; row++) {
    if (clipped[row]! >= plain[row]!) shrink.fill(1, row * groups, (row + 1) * groups)
  }
  return roundBlocks(weight, shape, how, { shrink })
}

/** `[out, in]` as `[groups, out, block]`; `to` holds zeros where the last block ends early. */
function inBlocks(
  values: Float32Array,
  [outSize, inSize]: readonly [number, number],
  block: number,
  to: Float32Array,
): Float32Array {
  const groups = Math.ceil(inSize / block)
  for (let row = 0; row < outSize; row++) {
    for (let g = 0; g < groups; g++) {
      const start = row * inSize + g * block
      const end = Math.min(start + block, (row + 1) * inSize)
      to.set(values.subarray(start, end), (g * outSize + row) * block)
    }
  }
  return to
}

/** The squares `[groups, block, block]` on a matrix's diagonal. */
function diagonalBlocks(gram: Float64Array, size: number, block: number): Float32Array {
  const groups = Math.ceil(size / block)
  const to = new Float32Array(groups * block * block)
  for (let i = 0; i < size; i++) {
    const first = Math.floor(i / block) * block
    for (let j = first; j < Math.min(first + block, size); j++) {
      to[i * block + (j - first)] = gram[i * size + j]!
    }
  }
  return to
}
