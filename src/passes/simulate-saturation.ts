/**
 * A graph that computes what the u8×s8 kernels of AVX2, and of AVX-512 without VNNI, would: on any CPU, bit for bit.
 *
 * The exact product (u8×u8, which no kernel saturates) is corrected by what saturating sums lose (`saturation.ts`,
 * `lost-sums.ts`). Each product that can saturate gets an output of two numbers: the sums that did, and those that it
 * has in all. Meant for graphs as ONNX Runtime has optimized them, where every fused kernel is a node.
 */
import { int, intOf } from '../graph/attributes.ts'
import { GraphBuilder } from '../graph/builder.ts'
import { type Graph, mapUses, type Node, type Value, type Weight } from '../graph/graph.ts'
import { inlineTensor, int64Tensor, type ReadTensor, type Tensor } from '../graph/tensor.ts'
import type { IntegerProduct } from './integer-products.ts'
import { lostSums, type RiskyMatrix } from './lost-sums.ts'
import { productParts } from './product-parts.ts'
import { codesOf, mixedProducts, riskySums } from './saturation.ts'

/** A product that can saturate. */
export interface SimulatedProduct {
  /** Module path, or the weight's name. */
  readonly at: string
  /** Graph output `[saturated sums, all sums]`, int64. */
  readonly output: string
}

export interface Simulation {
  readonly graph: Graph
  /** u8×s8 products of the graph. */
  readonly products: number
  readonly simulated: readonly SimulatedProduct[]
  /** Products that could saturate, for all that is known, and stay as they are. */
  readonly skipped: readonly string[]
}

/** Replaces every product that can saturate. */
export function simulateSaturation(graph: Graph, read: ReadTensor): Simulation {
  const products = mixedProducts(graph)
  const byNode = new Map(products.map((product) => [product.node, product]))
  const weights = new Map(graph.weights)
  const outputs = [...graph.outputs]
  const simulated: SimulatedProduct[] = []
  const skipped: string[] = []
  const nodes = graph.nodes.flatMap((node): readonly Node[] => {
    const product = byNode.get(node)
    if (!product) return [node]
    const matrix = matrixOf(product, graph, read)
    if (!matrix) {
      skipped.push(product.at)
      return [node]
    }
    if (matrix.sums.pair.length === 0) return [node]
    const made = simulatedNodes(node, matrix)
    for (const [value, weight] of made.weights) weights.set(value, weight)
    const output = `saturated.${simulated.length}`
    outputs.push({ name: output, value: made.counts })
    simulated.push({ at: product.at, output })
    return made.nodes
  })
  const simulation = { ...graph, nodes, weights, outputs }
  return { graph: simulation, products: products.length, simulated, skipped }
}

interface Matrix extends RiskyMatrix {
  /** Zero points of the codes. */
  readonly zeros: Tensor
}

/** Codes and zero points of a product; undefined where they are not constants, or it is no plain product. */
function matrixOf(
  { node, weight, inputs: { rightZero } }: IntegerProduct,
  graph: Graph,
  read: ReadTensor,
): Matrix | undefined {
  const value = rightZero === undefined ? undefined : node.inputs[rightZero]
  const given = value && graph.weights.get(value)?.tensor
  if (!weight || (value && !given) || !productParts[node.op]) return undefined
  if (intOf(node, 'transA', 0) === 1) return undefined
  const [rows, columns] = weight.shape as [number, number]
  const codes = codesOf(read(weight))
  const zeros = unsigned(given?.shape ?? [], given ? codesOf(read(given)) : new Int8Array(1))
  return { codes, rows, columns, zeros, sums: riskySums(codes, rows, columns) }
}

/** Signed codes as unsigned ones, 128 higher. */
const unsigned = (shape: readonly number[], codes: Int8Array): Tensor =>
  inlineTensor(
    'uint8',
    shape,
    Uint8Array.from(codes, (code) => code + 128),
  )

function simulatedNodes(
  node: Node,
  matrix: Matrix,
): { nodes: Node[]; weights: ReadonlyMap<Value, Weight>; counts: Value } {
  const { rows, columns, codes } = matrix
  const b = new GraphBuilder('')
  let counts: Value | undefined
  const result = productParts[node.op]!(b, node, (left, leftZero) => {
    const right = b.constant(unsigned([rows, columns], codes), 'codes')
    // where activations have no zero point, 0 is one
    const none = inlineTensor('uint8', [], Uint8Array.of(0))
    const zero = leftZero ?? b.constant(none, 'zero')
    const exact = b.op('MatMulInteger', [left, right, zero, b.constant(matrix.zeros, 'zeros')])
    const { lost, count } = lostSums(b, left, matrix)
    const sums = b.constant(int64Tensor([Math.ceil(rows / 2)]), 'sums')
    const all = b.op('Mul', [b.op('Size', [exact]), sums])
    const one = b.op('Reshape', [b.op('Cast', [count], { to: int(7) }), b.int64s([1])])
    counts = b.op('Concat', [one, all], { axis: int(0) })
    return b.op('Add', [exact, b.op('Reshape', [lost, b.op('Shape', [exact])])])
  })
  // the last value takes the place of the kernel's
  const rename = (value: Value): Value => (value === result ? node.outputs[0]! : value)
  const { nodes, weights } = b.build()
  return {
    nodes: nodes.map((one) => ({
      ...mapUses(one, rename),
      outputs: one.outputs.map((value) => value && rename(value)),
      origin: node.origin,
    })),
    weights,
    counts: counts!,
  }
}
