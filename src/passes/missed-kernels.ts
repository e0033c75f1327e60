/**
 * Nodes of a quantized graph, as ONNX Runtime has optimized it, that did not become the kernel they were written for.
 *
 * Each rule looks at one node of the graph that really runs and says what was wanted, what runs, and why as far as it
 * is known (ONNX Runtime 1.30: `core/optimizer/qdq_transformer`, `matmul_integer_to_float.cc`, `mlas/lib/qnbitgemm.cpp`).
 */
import { intOf } from '../graph/attributes.ts'
import { type Graph, type Node, usedValues, type Value } from '../graph/graph.ts'
import { type IntegerProduct, integerProducts } from './integer-products.ts'

/** One node. */
export interface Miss {
  readonly node: Node
  readonly wanted: string
  readonly ran: string
  readonly reason: string
}

/** What rules see. */
interface View {
  readonly graph: Graph
  readonly arch: string
  producer(value: Value | undefined): Node | undefined
  users(node: Node): readonly Node[]
  isConstant(value: Value | undefined): boolean
  /** Computed in float32 though written for half floats. */
  readonly widened: ReadonlySet<Node>
  /** Of an integer product. */
  product(node: Node): IntegerProduct | undefined
}

type Found = Omit<Miss, 'node'>
type Rule = (node: Node, view: View) => Found | undefined

/** Every miss, in the order of the graph; a node has at most one. @param arch `process.arch` of the machine. */
export function missedKernels(graph: Graph, arch: string): Miss[] {
  const producers = new Map<Value, Node>()
  const readers = new Map<Value, Node[]>()
  for (const node of graph.nodes) {
    for (const output of node.outputs) if (output) producers.set(output, node)
    for (const value of usedValues(node)) readers.set(value, [...(readers.get(value) ?? []), node])
  }
  const products = new Map(integerProducts(graph).map((product) => [product.node, product]))
  const view: View = {
    graph,
    arch,
    producer: (value) => value && producers.get(value),
    users: ({ outputs }) => outputs.flatMap((value) => (value && readers.get(value)) ?? []),
    isConstant: (value) => value !== undefined && graph.weights.has(value),
    widened: widenedNodes(graph),
    product: (node) => products.get(node),
  }
  return graph.nodes.flatMap((node): Miss[] => {
    for (const rule of rules) {
      const found = rule(node, view)
      if (found) return [{ node, ...found }]
    }
    return []
  })
}

const floatProducts: Readonly<Record<string, string>> = {
  MatMul: 'QLinearMatMul or MatMulIntegerToFloat',
  FusedMatMul: 'QLinearMatMul or MatMulIntegerToFloat',
  Gemm: 'QGemm',
  FusedGemm: 'QGemm',
  Conv: 'QLinearConv',
  FusedConv: 'QLinearConv',
}

/** Operators of float that ONNX Runtime also has of 8 bits. */
const elementwise =
  /^(Add|Mul|Sigmoid|LeakyRelu|Softmax|Where|Concat|AveragePool|GlobalAveragePool)$/

/** They move codes as they move floats, or read no number. */
const moves =
  /^(Shape|Size|QuantizeLinear|Reshape|Transpose|Squeeze|Unsqueeze|Flatten|Slice|Split|Gather|Identity|Expand)$/

const dequantized = (node: Node, place: number, view: View): Node | undefined => {
  const from = view.producer(node.inputs[place])
  return from?.op === 'DequantizeLinear' ? from : undefined
}

const rules: readonly Rule[] = [
  // pairs around a product of floats
  (node, view) => {
    const wanted = floatProducts[node.op]
    const [left, right] = [0, 1].map((place) => dequantized(node, place, view))
    if (!wanted || !left) return undefined
    const rounded = view.producer(left.inputs[0])?.op === 'QuantizeLinear'
    // a layer that was left in floats reads what an integer kernel wrote
    if (!right && !rounded) return undefined
    const bias = view.producer(node.inputs[2])
    const floatBias = node.op.includes('Gemm') && node.inputs[2] && bias?.op !== 'DequantizeLinear'
    const reason = !right
      ? 'its weight is not quantized: activations are rounded for nothing'
      : floatBias
        ? 'pairs around a Gemm are fused only where its bias is int32'
        : 'no rule of ONNX Runtime matches its pairs'
    return { wanted, ran: `${node.op} in float32`, reason }
  },

  // weights that are turned into floats in every run
  (node, view) => {
    if (node.op !== 'DequantizeLinear' || !view.isConstant(node.inputs[0])) return undefined
    const user = view.users(node).find(({ op }) => !moves.test(op)) ?? view.users(node)[0]
    const ran = 'DequantizeLinear in every run'
    if (view.users(node).some(({ op }) => op === 'Gather')) {
      const reason = 'the whole table is turned into floats for the few rows that are read'
      return { wanted: 'GatherBlockQuantized', ran, reason }
    }
    if (!user || !floatProducts[user.op] || dequantized(user, 0, view)) return undefined
    const turned = user.op.includes('Gemm') && intOf(user, 'transB', 0) === 1
    const reason = turned
      ? 'a Gemm with transB and a scale a row is not fused'
      : 'no rule of ONNX Runtime matches it'
    return { wanted: 'MatMulNBits', ran, reason }
  },

  // pairs around anything else
  (node, view) => {
    if (floatProducts[node.op] || moves.test(node.op)) return undefined
    const rounded = node.inputs.some((_, place) => {
      const from = dequantized(node, place, view)
      return from && view.producer(from.inputs[0])?.op === 'QuantizeLinear'
    })
    if (!rounded) return undefined
    const known = elementwise.test(node.op)
    return {
      wanted: known ? `QLinear${node.op}` : `${node.op} of 8 bits`,
      ran: `${node.op} in float32`,
      reason: known
        ? 'its other inputs or its output are not quantized'
        : 'ONNX Runtime has no such kernel: activations are rounded for nothing',
    }
  },

  // an integer product whose scales are steps of their own; constant scales alone are meant so (per token)
  (node, view) => {
    if (node.op !== 'MatMulInteger') return undefined
    const cast = view.users(node).find(({ op }) => op === 'Cast')
    const scale = cast && view.users(cast).find(({ op }) => op === 'Mul')
    const other = scale?.inputs.find((value) => view.producer(value) !== cast)
    if (!other || view.isConstant(other)) return undefined
    return {
      wanted: 'MatMulIntegerToFloat',
      ran: 'MatMulInteger, Cast and Mul',
      reason: 'its scales are not a number times a constant',
    }
  },

  (node) => {
    if (node.op !== 'MatMulNBits') return undefined
    const bits = intOf(node, 'bits', 4)
    const level = intOf(node, 'accuracy_level', 0)
    if (node.inputs[4]) {
      return {
        wanted: 'MatMulNBits, packed',
        ran: 'MatMulNBits, float32',
        reason: 'g_idx forbids that weights are packed',
      }
    }
    if (bits === 4 || level === 4) return undefined
    return {
      wanted: 'MatMulNBits of int8 activations',
      ran: 'MatMulNBits, float32',
      reason: `${bits}-bit weights have a kernel for accuracy_level 4 alone: here they are turned into floats in every run`,
    }
  },

  // half floats that the CPU has no kernel for
  (node, view) =>
    view.widened.has(node)
      ? {
          wanted: 'kernels of half floats',
          ran: 'float32 between casts',
          reason: 'this CPU has none: such a file is smaller, not faster',
        }
      : undefined,

  // integer kernels of the wrong signs, which x86 computes slowly
  (node, view) => {
    const product = view.product(node)
    if (view.arch !== 'x64' || !product?.weight) return undefined
    const [left, right] = [product.leftType, product.rightType]
    const ran = `${node.op} of ${left} × ${right}`
    const wanted = `${node.op} of uint8 × int8`
    if (left === 'int8') {
      return { wanted, ran, reason: 'signed activations get no vector kernel on x86' }
    }
    if (left === 'uint8' && right === 'uint8') {
      return { wanted, ran, reason: 'unsigned weights get half the rate of signed ones on x86' }
    }
    return undefined
  },
]

/** How ONNX Runtime names what its casts give. */
const INSERTED = /^Inserted(PrecisionFree)?Cast_/

/** Nodes that read a float32 which ONNX Runtime made of a half float, at once or by each other. */
function widenedNodes(graph: Graph): ReadonlySet<Node> {
  const wide = new Set<Value>()
  const nodes = new Set<Node>()
  for (const node of graph.nodes) {
    if (node.op === 'Cast') {
      const [output] = node.outputs
      if (output && INSERTED.test(output.name) && intOf(node, 'to', 0) === 1) wide.add(output)
      continue
    }
    if (moves.test(node.op) || !node.inputs.some((value) => value && wide.has(value))) continue
    nodes.add(node)
    for (const output of node.outputs) if (output) wide.add(output)
  }
  return nodes
}
