/**
 * Half floats (float16, bfloat16) to float32: weights when they are written, activations because nothing casts them
 * down any more. Inputs and outputs of the graph keep their types, with a Cast at each, so that whoever runs the file
 * goes on as before.
 */
import { int } from '../graph/attributes.ts'
import { type DataType, hostArray } from '../graph/data-type.ts'
import {
  type Attribute,
  type Graph,
  mapUses,
  type Node,
  subgraphs,
  type Value,
} from '../graph/graph.ts'
import { newNode } from '../graph/new-node.ts'
import {
  casted,
  float32Tensor,
  floatScalar,
  inlineValues,
  type Tensor,
  tensorSize,
} from '../graph/tensor.ts'
import { materialize } from '../onnx/materialize.ts'
import type { Pass } from './pass.ts'

const FLOAT = 1
const codes: ReadonlyMap<number, DataType> = new Map([
  [10, 'float16'],
  [16, 'bfloat16'],
])
/** Attributes that name the element type of what a node gives. */
const typeNames = ['to', 'dtype', 'output_dtype', 'stash_type'] as const

/** Numbers in the formulas of activations: a half float rounded them, and rules know them by their value. */
const formulas = [Math.SQRT2, Math.SQRT1_2, Math.sqrt(2 / Math.PI), 0.044715, 1.702]

/** A tensor in float32; a number of a formula as it was before. */
function widened(tensor: Tensor): Tensor {
  const [bits] = (tensorSize(tensor) === 1 && inlineValues(tensor)) || []
  const exact = formulas.find((value) => {
    const half = casted(floatScalar(value), tensor.dtype)
    return bits !== undefined && (hostArray(half.dtype, materialize(half))[0] as number) === bits
  })
  return exact === undefined ? casted(tensor, 'float32') : float32Tensor([exact], [...tensor.shape])
}

const isHalf = (dtype: DataType | undefined): boolean => dtype === 'float16' || dtype === 'bfloat16'

/** Whether anything but the storage of weights is half floats. */
export function computesInHalf(graph: Graph): boolean {
  const halves = new Set<Value>()
  for (const [value, { tensor }] of graph.weights) if (isHalf(tensor.dtype)) halves.add(value)
  const isCast = ({ op, domain }: Node) => op === 'Cast' && domain === ''
  return (
    graph.nodes.some(
      (node) =>
        (!isCast(node) && node.inputs.some((value) => value && halves.has(value))) ||
        (isCast(node) &&
          node.attributes.to?.type === 'int' &&
          codes.has(Number(node.attributes.to.value))) ||
        subgraphs(node).some(computesInHalf),
    ) || graph.inputs.some(({ value }) => isHalf(value.type?.dtype))
  )
}

/** Widens every half float; the same graph where there is none. */
export const widenHalf: Pass = {
  name: 'widen-half',
  summary: 'Computes in float32 what the file computes in half floats.',
  apply: (graph) => (hasHalf(graph) ? new Widening().graph(graph) : graph),
}

const hasHalf = (graph: Graph): boolean =>
  computesInHalf(graph) || [...graph.weights.values()].some(({ tensor }) => isHalf(tensor.dtype))

class Widening {
  private readonly wide = new Map<Value, Value>()

  /** The whole graph: its inputs and outputs as they are. */
  graph(source: Graph): Graph {
    const inputs = new Set(source.inputs.map(({ value }) => value))
    const before: Node[] = []
    for (const value of inputs) {
      if (!isHalf(value.type?.dtype)) continue
      const cast = newNode('Cast', [value], 1, { to: int(FLOAT) }, { name: value.name })
      before.push(cast)
      this.wide.set(value, cast.outputs[0]!)
    }
    const body = this.body(source)
    const after: Node[] = []
    const outputs = source.outputs.map((port, i) => {
      const to = [...codes].find(([, dtype]) => dtype === port.value.type?.dtype)?.[0]
      const { value } = body.outputs[i]!
      if (to === undefined) return { ...port, value }
      const cast = newNode('Cast', [value], 1, { to: int(to) }, { name: port.name })
      after.push(cast)
      return { ...port, value: { ...cast.outputs[0]!, type: port.value.type } }
    })
    // the port's value is the very one that the node gives
    const typed = after.map((node) => ({
      ...node,
      outputs: [outputs.find(({ value }) => value.name === node.outputs[0]!.name)!.value],
    }))
    return { ...body, inputs: source.inputs, outputs, nodes: [...before, ...body.nodes, ...typed] }
  }

  private readonly value = (value: Value): Value => {
    const known = this.wide.get(value)
    if (known) return known
    if (!value.type || !isHalf(value.type.dtype)) return value
    const wide: Value = { ...value, type: { ...value.type, dtype: 'float32' } }
    this.wide.set(value, wide)
    return wide
  }

  /** A graph or a subgraph. */
  private body(graph: Graph): Graph {
    const port = <T extends { readonly value: Value }>(each: T): T => ({
      ...each,
      value: this.value(each.value),
    })
    return {
      ...graph,
      inputs: graph.inputs.map(port),
      nodes: graph.nodes.map((node) => this.node(node)),
      outputs: graph.outputs.map(port),
      weights: new Map(
        [...graph.weights].map(([value, weight]) => {
          const { tensor } = weight
          const wide = isHalf(tensor.dtype) ? widened(tensor) : tensor
          return [this.value(value), { ...weight, tensor: wide }]
        }),
      ),
      taps: new Map([...graph.taps].map(([name, value]) => [name, this.value(value)])),
      quantization: new Map(
        [...graph.quantization].map(([value, note]) => [this.value(value), note]),
      ),
    }
  }

  private node(node: Node): Node {
    const read = mapUses(node, this.value)
    const outputs = node.outputs.map((value) => value && this.value(value))
    const attributes = Object.entries(read.attributes).map(([name, attribute]) => [
      name,
      this.attribute(name, attribute),
    ])
    return { ...read, outputs, attributes: Object.fromEntries(attributes) }
  }

  private attribute(name: string, attribute: Attribute): Attribute {
    const { type, value } = attribute
    if (type === 'graph') return { type, value: this.body(value) }
    if (type === 'graphs') return { type, value: value.map((body) => this.body(body)) }
    if (type === 'tensor') {
      return isHalf(value.dtype) ? { type, value: casted(value, 'float32') } : attribute
    }
    const isType = (typeNames as readonly string[]).includes(name) && type === 'int'
    return isType && codes.has(Number(value)) ? int(FLOAT) : attribute
  }
}
