/**
 * One small use of an operator, from which tests of every facet are made: inferred types against ONNX
 * Runtime's outputs, folded values against its values, gradients against finite differences.
 */
import {
  type Attribute,
  elementCount,
  float32Tensor,
  type Graph,
  GraphBuilder,
  type HostTensor,
  hostArray,
  inlineTensor,
  int64Tensor,
  type Node,
  type Tensor,
  type Value,
} from '../../graph/index.ts'
import { randomFrom } from '../../stats/random.ts'

export interface OpCase {
  /** What is special about it. */
  readonly about?: string
  /** Data inputs become graph inputs; `fixed` ones are constants of the graph. */
  readonly inputs: readonly (CaseInput | undefined)[]
  readonly attributes?: Readonly<Record<string, Attribute>>
  /** Outputs asked for (default 1); `undefined` names skip one. */
  readonly outputs?: number
  /** Outputs that carry a gradient, default the first. */
  readonly differentiable?: readonly number[]
  /** Inputs that have a gradient, default all floats that are no constants. */
  readonly wrt?: readonly number[]
  /** Which dimensions the gradient takes as symbols: all, or the batch alone (axis 0 of input 0). */
  readonly symbols?: 'all' | 'batch' | 'none'
}

export interface CaseInput {
  readonly tensor: Tensor
  readonly fixed: boolean
}

/** Cases whose gradient needs all sizes but the batch. */
export const batchOnly = (cases: readonly OpCase[]): OpCase[] =>
  cases.map((test) => ({ ...test, symbols: 'batch' }))

/** A graph input. */
export const data = (tensor: Tensor): CaseInput => ({ tensor, fixed: false })
/** A constant of the graph. */
export const fixed = (tensor: Tensor): CaseInput => ({ tensor, fixed: true })

let seed = 1
/** Seeded floats between `low` and `high`. */
export function floats(shape: readonly number[], low = -2, high = 2): CaseInput {
  const random = randomFrom(seed++)
  const values = Array.from(
    { length: elementCount(shape) },
    () => low + (high - low) * random.uniform(),
  )
  return data(float32Tensor(values, [...shape]))
}
/** Floats far from each other and from 0 (for kinks and maxima): a shuffle of ±0.3, ±0.55, … */
export function spread(shape: readonly number[]): CaseInput {
  const random = randomFrom(seed++)
  const count = elementCount(shape)
  const values = Array.from({ length: count }, (_, i) => (i % 2 ? -1 : 1) * (0.3 + 0.25 * (i >> 1)))
  for (let i = count - 1; i > 0; i--) {
    const j = random.below(i + 1)
    ;[values[i], values[j]] = [values[j]!, values[i]!]
  }
  return data(float32Tensor(values, [...shape]))
}
export const ints64 = (values: readonly number[], shape = [values.length]): CaseInput =>
  data(int64Tensor(values, shape))
export const list = (...values: number[]): CaseInput => fixed(int64Tensor(values))
export const bools = (values: readonly number[], shape = [values.length]): CaseInput =>
  data(inlineTensor('bool', shape, Uint8Array.from(values)))
export const scalar = (value: number): CaseInput => fixed(float32Tensor([value], []))
export const index = (value: number): CaseInput => fixed(int64Tensor([value], []))

/** The host tensor of an inline one. */
export function hostOf(tensor: Tensor): HostTensor {
  if (tensor.source.kind !== 'inline') throw new Error('test tensors are inline')
  return {
    dtype: tensor.dtype,
    shape: tensor.shape,
    data: hostArray(tensor.dtype, tensor.source.bytes),
  }
}

/** A case as a graph: one node between inputs `x0…` and outputs `y0…`. */
export interface CaseGraph {
  readonly graph: Graph
  readonly node: Node
  /** The node's inputs, in order. */
  readonly values: readonly (Value | undefined)[]
  readonly feeds: Record<string, HostTensor>
}

/** Builds the graph; `symbols` says which dimensions of inputs are declared as symbols of their own. */
export function caseGraph(
  key: string,
  test: OpCase,
  symbols: 'all' | 'batch' | 'none' = 'none',
): CaseGraph {
  const [domain, op] = key.includes('::') ? (key.split('::') as [string, string]) : ['', key]
  const b = new GraphBuilder(op)
  if (domain) b.opset(domain, 1)
  const feeds: Record<string, HostTensor> = {}
  const values = test.inputs.map((input, i) => {
    if (!input) return undefined
    if (input.fixed) return b.constant(input.tensor, `c${i}`)
    const shape = input.tensor.shape.map((size, axis) =>
      symbols === 'all' || (symbols === 'batch' && i === 0 && axis === 0) ? `x${i}_${axis}` : size,
    )
    feeds[`x${i}`] = hostOf(input.tensor)
    return b.input(`x${i}`, input.tensor.dtype, shape)
  })
  const outputs = b.ops(op, values, test.outputs ?? 1, test.attributes, { domain })
  outputs.forEach((value, i) => {
    b.output(`y${i}`, value)
  })
  const graph = b.build()
  return { graph, node: graph.nodes[0]!, values, feeds }
}
