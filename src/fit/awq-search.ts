/**
 * The search of AWQ's scales, input by input (Lin et al. 2023, https://arxiv.org/abs/2306.00978, section 3.2): the
 * weights of channels that speak loudly are multiplied before they are rounded, and what they read is divided.
 *
 *     s_j = m_j^α,   Q(W·s)·(x/s) ≈ W·x,   m_j = √(mean x_j²)
 *
 * α is the one of twenty whose layers' outputs have the least squared error over all tokens of the calibration.
 */
import { elementCount, hostArray } from '../graph/data-type.ts'
import type { Graph } from '../graph/graph.ts'
import type { ReadTensor } from '../graph/tensor.ts'
import type { BlockQuantization } from '../onnx/quantize-blocks.ts'
import type { LinearProduct } from '../passes/linear-layers.ts'
import { roundingError } from '../passes/round-blocks.ts'
import { type Smoothing, smoothableLayers, smoothingPlace } from '../passes/smooth.ts'
import type { RowErrors } from './row-errors.ts'

export interface AwqSearchOptions {
  readonly how: BlockQuantization
  readonly read: ReadTensor
  readonly signal?: AbortSignal | undefined
  readonly onInput?: ((done: number, of: number) => void) | undefined
}

const STEPS = 20
/** What is left of the error where a Mul is worth its time. */
const WORTH_A_MUL = 0.95
/** A channel that is all but silent is not multiplied without end. */
const LEAST = 1e-4

/** Scales of the inputs whose layers gain from them. */
export async function searchAwqScales(
  graph: Graph,
  grams: ReadonlyMap<string, Float64Array>,
  measure: RowErrors,
  options: AwqSearchOptions,
): Promise<Smoothing[]> {
  const { how, read, signal, onInput } = options
  const groups = [...smoothableLayers(graph)].filter(([, layers]) => grams.has(layers[0]!.name))
  const found: Smoothing[] = []
  for (const [i, [x, products]] of groups.entries()) {
    signal?.throwIfAborted()
    const gram = grams.get(products[0]!.name)!
    const width = Math.sqrt(gram.length)
    const square = Float32Array.from(gram)
    const layers = products.map(({ weight: { tensor } }) => ({
      shape: tensor.shape as [number, number],
      weight: hostArray('float32', read(tensor)) as Float32Array,
      error: new Float32Array(elementCount(tensor.shape)),
    }))
    const errorOf = async (scale?: Float32Array): Promise<number> => {
      let total = 0
      for (const { shape, weight, error } of layers) {
        roundingError(weight, shape, how, { scale }, error)
        const rows = await measure(error, square, [1, shape[0], width])
        total += rows.reduce((sum, row) => sum + row, 0)
      }
      return total
    }
    const worth = smoothingPlace(graph, x, products) === 'mul' ? WORTH_A_MUL : 1
    let least = (await errorOf()) * worth
    let best: Omit<Smoothing, 'layers'> | undefined
    for (let step = 1; step < STEPS; step++) {
      const alpha = step / STEPS
      const scale = scaleOf(gram, width, alpha)
      const error = await errorOf(scale)
      if (error < least) [least, best] = [error, { alpha, scale: [...scale] }]
    }
    if (best) found.push({ layers: names(products), ...best })
    onInput?.(i + 1, groups.length)
  }
  return found
}

const names = (products: readonly LinearProduct[]): string[] => products.map(({ name }) => name)

/** Scales about 1: their largest times their least is 1. */
function scaleOf(gram: Float64Array, width: number, alpha: number): Float32Array {
  const loudness = Float64Array.from({ length: width }, (_, j) =>
    Math.max(Math.sqrt(gram[j * (width + 1)]!) ** alpha, LEAST),
  )
  const middle = Math.sqrt(Math.max(...loudness) * Math.min(...loudness))
  return Float32Array.from(loudness, (each) => each / middle)
}
