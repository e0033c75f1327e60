/**
 * SmoothQuant as a rewrite (Xiao et al. 2023): a layer's input is divided channel by channel and its weights are
 * multiplied, so that outliers of activations become part of the weights, which have a scale for each column.
 *
 *     x·Wᵀ = (x / s)·(W · s)ᵀ
 *
 * The division goes into what makes x where nobody else reads it: a LayerNormalization's scale and shift, or the
 * value projection before attention, whose channels attention only averages. Elsewhere it is a Mul of its own.
 */
import { LimbeckError } from '../errors.ts'
import { ints, intsOf } from '../graph/attributes.ts'
import { type Graph, type Node, usedValues, type Value } from '../graph/graph.ts'
import { pruneDead } from '../graph/liveness.ts'
import { newNode } from '../graph/new-node.ts'
import { float32Tensor, type Tensor } from '../graph/tensor.ts'
import { scaledColumns, scaledRows } from '../onnx/row-derivations.ts'
import { type LinearProduct, layersByInput, linearProducts } from './linear-layers.ts'
import type { Pass } from './pass.ts'

/** Layers of one input, and what its channels are divided by; plain JSON. */
export interface Smoothing {
  /** Names of the layers' weights. */
  readonly layers: readonly string[]
  readonly scale: readonly number[]
  /** The share of the activations' difficulty that went to the weights. */
  readonly alpha: number
}

/** Where a division can go. */
export type SmoothingPlace = 'norm' | 'values' | 'mul'

/** The parameters, by input of their node, that take the division; none for a Mul. */
interface Place {
  readonly kind: SmoothingPlace
  readonly node?: Node
  readonly product?: LinearProduct
  readonly bias?: Node
}

/** Divides inputs and multiplies weights, as found. @throws LimbeckError for layers that are not there. */
export const smoothLayers = (smoothings: readonly Smoothing[]): Pass => ({
  name: 'smooth-layers',
  summary: 'Moves outliers of activations into the weights that read them (SmoothQuant).',
  apply: (graph) => smoothings.reduce(smoothed, graph),
})

function smoothed(graph: Graph, { layers, scale }: Smoothing): Graph {
  const products = linearProducts(graph).filter(({ name }) => layers.includes(name))
  const [first] = products
  const fits = products.every(
    ({ x, weight }) => x === first?.x && weight.tensor.shape[1] === scale.length,
  )
  if (!first || products.length !== layers.length || !fits) {
    throw new LimbeckError(
      'input',
      `The smoothing of ${layers.join(', ')} is for other layers than the model has.`,
      { hint: 'Calibrate again with this model.' },
    )
  }
  const inverse = float32Tensor(scale.map((s) => 1 / s))
  const weights = new Map(graph.weights)
  const place = placeOf(graph, first.x, products)
  const added = new Map<Node, readonly Node[]>()
  const held = (tensor: Tensor, like: Value): Value => {
    const value = { name: like.name, type: { dtype: tensor.dtype, shape: tensor.shape } }
    const parameter = graph.weights.get(like)?.parameter
    weights.set(value, parameter ? { tensor, parameter } : { tensor })
    return value
  }
  const rescaled = (value: Value): Value =>
    held(scaledRows(graph.weights.get(value)!.tensor, inverse), value)
  const turned = ({ matmul, weight }: LinearProduct, tensor: Tensor, x: Value): Node[] => {
    const like = [...graph.weights].find(([, known]) => known === weight)![0]
    const { origin } = matmul
    const turn = newNode('Transpose', [held(tensor, like)], 1, { perm: ints([1, 0]) }, { origin })
    return [turn, { ...matmul, inputs: [x, turn.outputs[0]!] }]
  }
  let { x } = first
  if (place.kind === 'mul') {
    const { origin } = first.matmul
    const factor = { name: 'smoothing', type: { dtype: 'float32', shape: [scale.length] } } as const
    weights.set(factor, { tensor: inverse })
    const mul = newNode('Mul', [x, factor], 1, {}, { origin })
    x = mul.outputs[0]!
    added.set(first.matmul, [mul])
  } else if (place.kind === 'norm') {
    const [input, ...parameters] = place.node!.inputs
    const inputs = [input, ...parameters.map((each) => each && rescaled(each))]
    added.set(place.node!, [{ ...place.node!, inputs }])
  } else {
    const { product, bias } = place
    const tensor = scaledRows(product!.weight.tensor, inverse)
    added.set(product!.matmul, turned(product!, tensor, product!.x))
    if (bias) {
      const inputs = bias.inputs.map((each) =>
        each && graph.weights.has(each) ? rescaled(each) : each,
      )
      added.set(bias, [{ ...bias, inputs }])
    }
  }
  const columns = float32Tensor(scale)
  for (const product of products) {
    const before = added.get(product.matmul) ?? []
    const nodes = turned(product, scaledColumns(product.weight.tensor, columns), x)
    added.set(product.matmul, [...before, ...nodes])
  }
  const nodes = graph.nodes.flatMap((node) => added.get(node) ?? [node])
  return pruneDead({ ...graph, nodes, weights })
}

/** Layers by their input; those whose weight is read more than once are left alone. */
export function smoothableLayers(graph: Graph): Map<Value, LinearProduct[]> {
  const groups = layersByInput(graph)
  const times = new Map<string, number>()
  for (const { name } of linearProducts(graph)) times.set(name, (times.get(name) ?? 0) + 1)
  for (const [x, layers] of groups) {
    const alone = layers.every(({ name, weight }) => {
      return times.get(name) === 1 && weight.tensor.dtype === 'float32'
    })
    if (!alone) groups.delete(x)
  }
  return groups
}

/** Where the division of `x`, which these layers read, can go. */
export const smoothingPlace = (
  graph: Graph,
  x: Value,
  products: readonly LinearProduct[],
): SmoothingPlace => placeOf(graph, x, products).kind

function placeOf(graph: Graph, x: Value, products: readonly LinearProduct[]): Place {
  const readers = new Map<Value, number>()
  const count = (value: Value): void => void readers.set(value, (readers.get(value) ?? 0) + 1)
  for (const node of graph.nodes) for (const value of usedValues(node)) count(value)
  for (const { value } of graph.outputs) count(value)
  const mul: Place = { kind: 'mul' }
  if (readers.get(x) !== products.length) return mul
  const producers = new Map<Value, Node>()
  for (const node of graph.nodes) for (const out of node.outputs) if (out) producers.set(out, node)
  const node = producers.get(x)
  if (node?.op === 'LayerNormalization' && node.domain === '') {
    const known = node.inputs.slice(1).every((each) => !each || graph.weights.has(each))
    const others = node.outputs.slice(1).some((each) => each && readers.has(each))
    return known && !others ? { kind: 'norm', node } : mul
  }
  /** What makes the value, where it is this operator and nobody else reads it. */
  const only = (value: Value | undefined, op: string): Node | undefined => {
    const made = value && readers.get(value) === 1 ? producers.get(value) : undefined
    return made?.op === op && made.domain === '' ? made : undefined
  }
  const exchanges = (turn: Node | undefined): boolean =>
    turn !== undefined && intsOf(turn, 'perm')?.join() === '0,2,1,3'
  // heads side by side again: [batch, heads, tokens, d] → [batch, tokens, heads · d]
  const merged = products.length === 1 ? producers.get(x) : undefined
  const back = merged?.op === 'Reshape' ? only(merged.inputs[0], 'Transpose') : undefined
  const averaged = exchanges(back) ? only(back!.inputs[0], 'MatMul') : undefined
  const there = only(averaged?.inputs[1], 'Transpose')
  const split = exchanges(there) ? only(there!.inputs[0], 'Reshape') : undefined
  const bias = only(split?.inputs[0], 'Add')
  const matmul = bias
    ? (only(bias.inputs[0], 'MatMul') ?? only(bias.inputs[1], 'MatMul'))
    : only(split?.inputs[0], 'MatMul')
  const product = linearProducts(graph).find((each) => each.matmul === matmul)
  const width = products[0]!.weight.tensor.shape[1]
  if (!product || product.weight.tensor.shape[0] !== width) return mul
  const shift = bias?.inputs.find((each) => each !== matmul!.outputs[0])
  const isRow = !bias || (shift && graph.weights.get(shift)?.tensor.shape.join() === `${width}`)
  return isRow ? { kind: 'values', product, ...(bias && { bias }) } : mul
}
