/** What a teacher computes on some texts, as second moments: which directions, heads and neurons are worth keeping. */
import { hostArray } from '../graph/data-type.ts'
import type { Graph, Value } from '../graph/graph.ts'
import type { ReadTensor } from '../graph/tensor.ts'
import { layerOf } from '../models/keep-layers.ts'
import { parameterAxes } from '../models/parameter-axes.ts'
import { type LinearProduct, linearProducts } from '../passes/linear-layers.ts'
import { diagonal, type Matrix, matrix } from '../stats/matrix.ts'
import { type Feeds, type ObserveOptions, observeGrams } from './observe.ts'

export interface TeacherMoments {
  /** Mean of `xᵀx` over tokens and layers `[D, D]`. */
  readonly state: Matrix
  /** Of each layer: what attention gives `[D, D]`, and of each neuron the energy that it adds to the state. */
  readonly layers: ReadonlyMap<number, { readonly context: Matrix; readonly inner: Float64Array }>
  /** Energy that each place of the first token's layer adds to the classes; absent without a classifier. */
  readonly pooled: Float64Array | undefined
}

export interface MomentsOptions extends ObserveOptions {
  /** Layers that are looked at. */
  readonly layers: readonly number[]
  /** Real tokens of the batches. */
  readonly tokens: number
  readonly read: ReadTensor
}

/** Runs the teacher over the batches. */
export async function teacherMoments(
  graph: Graph,
  batches: Iterable<Feeds>,
  { layers, tokens, read, ...options }: MomentsOptions,
): Promise<TeacherMoments> {
  const states = new Set<Value>([graph.taps.get('hidden.0')!])
  const readers: { readonly axis: string; readonly product: LinearProduct }[] = []
  for (const layer of layers) states.add(graph.taps.get(`hidden.${layer + 1}`)!)
  const products = linearProducts(graph)
  // a classifier of tokens reads the state itself
  const isPooled = products.some(({ name }) => parameterAxes(name)?.[0] === 'pooled')
  for (const product of products) {
    const layer = layerOf(product.name)
    if (layer !== undefined && !layers.includes(layer)) continue
    const axis = parameterAxes(product.name)?.[1]
    if (axis === 'state' && layer !== undefined) states.add(product.x)
    if (axis === 'context' || axis === 'inner' || (axis === 'pooled' && isPooled)) {
      readers.push({ axis, product })
    }
  }
  const values = [...states, ...readers.map(({ product }) => product.x)]
  const sums = await observeGrams(graph, values, batches, options)
  const size = Math.sqrt(sums[0]!.length)
  const mean = new Float64Array(size * size)
  for (const sum of sums.slice(0, states.size)) {
    for (let i = 0; i < mean.length; i++) mean[i]! += sum[i]! / (states.size * tokens)
  }
  const square = (values: Float64Array) =>
    matrix(Math.sqrt(values.length), Math.sqrt(values.length), values)
  const gramOf = (at: number) => square(sums[states.size + at]!)
  const found = new Map<number, { context?: Matrix; inner?: Float64Array }>()
  let pooled: Float64Array | undefined
  readers.forEach(({ axis, product }, at) => {
    const layer = layerOf(product.name)
    if (axis === 'context') found.set(layer!, { ...found.get(layer!), context: gramOf(at) })
    else {
      const energy = energies(gramOf(at), product, read)
      if (axis === 'pooled') pooled = energy
      else found.set(layer!, { ...found.get(layer!), inner: energy })
    }
  })
  return { state: matrix(size, size, mean), layers: found as TeacherMoments['layers'], pooled }
}

/** E[x²] of each input times the squares of its weights. */
function energies(gram: Matrix, { weight }: LinearProduct, read: ReadTensor): Float64Array {
  const values = hostArray('float32', read(weight.tensor)) as Float32Array
  return diagonal(gram).map((square, i) => {
    let sum = 0
    for (let at = i; at < values.length; at += gram.rows) sum += values[at]! ** 2
    return square * sum
  })
}
