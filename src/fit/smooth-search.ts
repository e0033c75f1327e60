/**
 * The search of SmoothQuant's α, layer by layer: which share of the activations' outliers the weights take, by
 * the error of the layer's output on rows of real text, computed as INT8 would.
 *
 *     s_j = max|X_j|^α / max|W_j|^(1−α)
 *
 * Only outliers are divided: the quieter three quarters of the channels keep their shares. What is quiet in some texts
 * may be loud in others, and multiplied it would become an outlier of its own.
 *
 * A division that costs a Mul of its own has to lower the error by a fifth; one that folds away only has to lower it.
 */
import { hostArray } from '../graph/data-type.ts'
import type { Graph, WeightBits } from '../graph/graph.ts'
import type { ReadTensor } from '../graph/tensor.ts'
import type { LinearProduct } from '../passes/linear-layers.ts'
import { type Smoothing, smoothableLayers, smoothingPlace } from '../passes/smooth.ts'
import { type Feeds, type ObserveOptions, observeValues } from './observe.ts'
import { quantizedError, type SampledLayers } from './quantized-error.ts'

export interface SmoothSearchOptions extends ObserveOptions {
  readonly read: ReadTensor
  readonly weightBits?: WeightBits | undefined
  readonly onLayer?: ((done: number, of: number) => void) | undefined
}

const ALPHAS = [0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9]
/** What is left of the error where a Mul is worth its time. */
const WORTH_A_MUL = 0.8
/** Rows and columns that the error is computed on. */
const ROWS = 64
const COLUMNS = 32
const LEAST = 1e-5
/** Part of the channels that are no outliers. */
const QUIET = 0.75

/** A layer input, seen channel by channel. */
class Seen {
  readonly min: Float64Array
  readonly max: Float64Array
  readonly rows: Float32Array[] = []
  readonly width: number
  constructor(width: number) {
    this.width = width
    this.min = new Float64Array(width).fill(Number.POSITIVE_INFINITY)
    this.max = new Float64Array(width).fill(Number.NEGATIVE_INFINITY)
  }
  /** Keeps `most` rows of a batch, evenly taken. */
  add(values: Float32Array, most: number): void {
    const { width, min, max } = this
    for (let i = 0, j = 0; i < values.length; i++) {
      const value = values[i]!
      if (value < min[j]!) min[j] = value
      if (value > max[j]!) max[j] = value
      if (++j === width) j = 0
    }
    const count = values.length / width
    const step = Math.max(1, count / most)
    for (let row = 0; row < count && this.rows.length < ROWS; row += step) {
      const at = Math.floor(row) * width
      this.rows.push(values.slice(at, at + width))
    }
  }
}

/** Smoothings of the layers that gain from one. */
export async function searchSmoothing(
  graph: Graph,
  batches: readonly Feeds[],
  options: SmoothSearchOptions,
): Promise<Smoothing[]> {
  const { read, signal, onLayer } = options
  const groups = smoothableLayers(graph)
  const inputs = [...groups.keys()]
  const seen = inputs.map((x) => new Seen(groups.get(x)![0]!.weight.tensor.shape[1]!))
  const most = Math.ceil(ROWS / batches.length)
  await observeValues(graph, inputs, batches, (i, rows) => seen[i]!.add(rows, most), options)
  const found: Smoothing[] = []
  for (const [i, x] of inputs.entries()) {
    signal?.throwIfAborted()
    const products = groups.get(x)!
    const worth = smoothingPlace(graph, x, products) === 'mul' ? WORTH_A_MUL : 1
    const best = bestScale(seen[i]!, products, worth, options.weightBits ?? 8, read)
    if (best) found.push({ layers: products.map(({ name }) => name), ...best })
    onLayer?.(i + 1, inputs.length)
    // progress and Ctrl-C come in between
    await new Promise((resolve) => setImmediate(resolve))
  }
  return found
}

function bestScale(
  { min, max, rows, width }: Seen,
  products: readonly LinearProduct[],
  worth: number,
  weightBits: WeightBits,
  read: ReadTensor,
): Pick<Smoothing, 'alpha' | 'scale'> | undefined {
  if (rows.length === 0) return undefined
  const heaviest = new Float64Array(width)
  const columns: Float32Array[] = []
  for (const { weight } of products) {
    const values = hostArray('float32', read(weight.tensor)) as Float32Array
    for (let i = 0, j = 0; i < values.length; i++) {
      const size = Math.abs(values[i]!)
      if (size > heaviest[j]!) heaviest[j] = size
      if (++j === width) j = 0
    }
    const outputs = values.length / width
    const step = Math.max(1, outputs / COLUMNS)
    for (let o = 0; o < outputs; o += step) {
      const at = Math.floor(o) * width
      columns.push(values.slice(at, at + width))
    }
  }
  const layers: SampledLayers = { rows, columns, min, max }
  const ones = new Float64Array(width).fill(1)
  let least = quantizedError(layers, ones, weightBits) * worth
  let best: Pick<Smoothing, 'alpha' | 'scale'> | undefined
  for (const alpha of ALPHAS) {
    const formula = ones.map((_, j) => {
      const activation = Math.max(Math.abs(min[j]!), Math.abs(max[j]!))
      const weight = heaviest[j]!
      // a channel that is silent in the samples may speak later
      if (!(activation > 0) || weight === 0) return 1
      return Math.fround(Math.max(activation ** alpha / weight ** (1 - alpha), LEAST))
    })
    const floor = formula.toSorted()[Math.floor(QUIET * (width - 1))]!
    const scale = formula.map((s) => Math.max(s, floor))
    const error = quantizedError(layers, scale, weightBits)
    if (error < least) [least, best] = [error, { alpha, scale: [...scale] }]
  }
  return best
}
