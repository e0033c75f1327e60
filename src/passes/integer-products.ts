/**
 * Products of 8-bit integers in a graph: which operators compute them, from which inputs, of which types. One row
 * an operator (ONNX; com.microsoft by ContribOperators.md of ONNX Runtime 1.30).
 */
import { intOf } from '../graph/attributes.ts'
import type { DataType } from '../graph/data-type.ts'
import type { Graph, Node, Value } from '../graph/graph.ts'
import { opKey } from '../graph/rewrite.ts'
import { type Tensor, transposed } from '../graph/tensor.ts'
import { inferTypes } from '../ops/infer-types.ts'

/** Places of a product's operands among its inputs. */
export interface ProductInputs {
  readonly left: number
  readonly leftScale?: number
  readonly leftZero?: number
  readonly right: number
  readonly rightScale?: number
  readonly rightZero?: number
  /** Added to the sum: of int32, or of float after scaling. */
  readonly bias?: number
  readonly outScale?: number
  readonly outZero?: number
}

const pairs = { left: 0, leftScale: 1, leftZero: 2, right: 3, rightScale: 4, rightZero: 5 } as const

const rows: Readonly<Record<string, ProductInputs>> = {
  MatMulInteger: { left: 0, right: 1, leftZero: 2, rightZero: 3 },
  ConvInteger: { left: 0, right: 1, leftZero: 2, rightZero: 3 },
  QLinearMatMul: { ...pairs, outScale: 6, outZero: 7 },
  QLinearConv: { ...pairs, outScale: 6, outZero: 7, bias: 8 },
  'com.microsoft::QLinearConv': { ...pairs, outScale: 6, outZero: 7, bias: 8 },
  'com.microsoft::QGemm': { ...pairs, bias: 6, outScale: 7, outZero: 8 },
  'com.microsoft::MatMulIntegerToFloat': {
    ...{ left: 0, right: 1, leftScale: 2, rightScale: 3 },
    ...{ leftZero: 4, rightZero: 5, bias: 6 },
  },
  'com.microsoft::DynamicQuantizeMatMul': {
    ...{ left: 0, right: 1, rightScale: 2, rightZero: 3, bias: 4 },
  },
  'com.microsoft::QAttention': {
    ...{ left: 0, right: 1, bias: 2, leftScale: 3, rightScale: 4, leftZero: 6, rightZero: 7 },
  },
}

/** One product. */
export interface IntegerProduct {
  readonly node: Node
  readonly inputs: ProductInputs
  /** Module path, or the name of its weight where the file tells none. */
  readonly at: string
  /** Of the codes of activations; undefined where nothing says it. */
  readonly leftType: DataType | undefined
  readonly rightType: DataType | undefined
  /** Codes of a constant matrix, `[in, out]`; undefined for convolutions and products of two activations. */
  readonly weight: Tensor | undefined
}

/** All of them, in order; those in subgraphs are not looked at. */
export function integerProducts(graph: Graph): IntegerProduct[] {
  const types = inferTypes(graph)
  const typeOf = (value: Value | undefined): DataType | undefined =>
    value && (graph.weights.get(value)?.tensor ?? types.get(value) ?? value.type)?.dtype
  return graph.nodes.flatMap((node) => {
    const inputs = rows[opKey(node)]
    const right = inputs && node.inputs[inputs.right]
    if (!inputs || !right) return []
    const at = (place: number | undefined) => (place === undefined ? undefined : node.inputs[place])
    const tensor = graph.weights.get(right)?.tensor
    const matrix = tensor?.shape.length === 2 ? tensor : undefined
    const turned = intOf(node, 'transB', 0) === 1
    return {
      node,
      inputs,
      at: node.origin || right.name,
      leftType:
        node.op === 'DynamicQuantizeMatMul'
          ? ('uint8' as const)
          : (typeOf(at(inputs.left)) ?? typeOf(at(inputs.leftZero))),
      rightType: typeOf(right) ?? typeOf(at(inputs.rightZero)),
      weight: matrix && (turned ? transposed(matrix, [1, 0]) : matrix),
    }
  })
}
