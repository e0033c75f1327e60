/**
 * Passes inside the bodies of If, Loop and Scan.
 *
 * A body is closed for the pass: what it captures becomes an input of the type that is known outside, and
 * weights of the outside are its weights. Afterwards it captures them again. Weights that the pass makes stand
 * outside, small constants aside, so that two branches which share a matrix go on sharing it.
 */
import {
  type Attribute,
  capturedValues,
  type Graph,
  mapUses,
  type Node,
  type Port,
  type Value,
  type Weight,
} from '../graph/graph.ts'
import { pruneDead } from '../graph/liveness.ts'
import { addTrace, newTrace, type RewriteTrace } from '../graph/rewrite-trace.ts'
import type { Tensor } from '../graph/tensor.ts'
import { inferTypes } from '../ops/infer-types.ts'
import type { Pass } from './pass.ts'

/** The pass, in a graph and in all bodies that its nodes hold. */
export const withinSubgraphs = (pass: Pass): Pass => ({
  ...pass,
  apply: (graph, trace) => bodiesOf(pass.apply(graph, trace), pass, trace),
})

/** Applies the pass to every body in a graph; the same graph when nothing changed. */
function bodiesOf(graph: Graph, pass: Pass, trace: RewriteTrace | undefined): Graph {
  if (!graph.nodes.some(hasBodies)) return graph
  const outside = new Outside(graph.weights)
  const types = inferTypes(graph)
  const typed = (value: Value): Value => ({ ...value, type: types.get(value) ?? value.type })
  const visit = (body: Graph): Graph => {
    const { closed, open } = close(body, graph.weights, typed)
    const own = trace && newTrace()
    const passed = bodiesOf(pass.apply(closed, own), pass, own)
    if (trace && own) addTrace(trace, own)
    return passed === closed ? body : open(passed, outside)
  }
  const nodes = graph.nodes.map((node) => withBodies(node, visit))
  if (nodes.every((node, i) => node === graph.nodes[i])) return graph
  return pruneDead({ ...graph, nodes, weights: outside.weights })
}

/** Operators that run their bodies as they are; what others do with theirs nobody knows. */
const control: ReadonlySet<string> = new Set(['If', 'Loop', 'Scan'])
const hasBodies = ({ op, domain }: Node): boolean => domain === '' && control.has(op)

function withBodies(node: Node, visit: (body: Graph) => Graph): Node {
  if (!hasBodies(node)) return node
  let changed = false
  const through = (body: Graph): Graph => {
    const visited = visit(body)
    changed ||= visited !== body
    return visited
  }
  const entries = Object.entries(node.attributes).map(([name, attribute]): [string, Attribute] => {
    if (attribute.type === 'graph') return [name, { ...attribute, value: through(attribute.value) }]
    if (attribute.type !== 'graphs') return [name, attribute]
    return [name, { ...attribute, value: attribute.value.map(through) }]
  })
  return changed ? { ...node, attributes: Object.fromEntries(entries) } : node
}

interface Closed {
  readonly closed: Graph
  /** The body again, of what became of the closed graph; its new weights are put outside. */
  open(passed: Graph, outside: Outside): Graph
}

/** The weights around bodies, those that passes make inside included: equal ones once. */
class Outside {
  readonly weights: Map<Value, Weight>
  private readonly made = new Map<string, Value>()
  private readonly ids = new Map<Tensor, number>()

  constructor(weights: ReadonlyMap<Value, Weight>) {
    this.weights = new Map(weights)
  }

  /** The value by which a new weight is known. */
  add(value: Value, weight: Weight): Value {
    const key = `${weight.parameter?.name ?? ''}|${this.key(weight.tensor)}`
    const known = this.made.get(key) ?? value
    this.made.set(key, known)
    this.weights.set(known, weight)
    return known
  }

  private key(tensor: Tensor): string {
    const { source, dtype, shape } = tensor
    if (source.kind === 'derived') {
      const inputs = source.inputs.map((input) => this.key(input))
      return `${source.op}(${inputs})${JSON.stringify(source.settings)}${dtype}[${shape}]`
    }
    const id = this.ids.get(tensor) ?? this.ids.size
    this.ids.set(tensor, id)
    return `#${id}`
  }
}

function close(
  body: Graph,
  outside: ReadonlyMap<Value, Weight>,
  typed: (value: Value) => Value,
): Closed {
  const inner = new Map<Value, Value>()
  const outer = new Map<Value, Value>()
  const enter = (value: Value): Value => {
    const known = inner.get(value) ?? typed(value)
    inner.set(value, known)
    outer.set(known, value)
    return known
  }
  const inputs = body.inputs.map((port) => ({ ...port, value: enter(port.value) }))
  const captured = [...new Set(capturedValues(body))]
  const seen = captured.filter((value) => outside.has(value))
  const ports = captured
    .filter((value) => !outside.has(value))
    .map((value): Port => ({ name: value.name, value: enter(value) }))
  const held = seen.map((value): [Value, Weight] => [value, outside.get(value)!])
  const closed = {
    ...mapped(body, (value) => inner.get(value) ?? value),
    inputs: [...inputs, ...ports],
    weights: new Map([...held, ...body.weights]),
  }
  const open = (passed: Graph, around: Outside): Graph => {
    const kept = new Map<Value, Weight>()
    for (const [value, weight] of passed.weights) {
      const isSmall = weight.tensor.source.kind === 'inline' && !weight.parameter
      if (body.weights.has(value) || (isSmall && !outside.has(value))) kept.set(value, weight)
      else if (!outside.has(value)) outer.set(value, around.add(value, weight))
    }
    const opened = mapped(passed, (value) => outer.get(value) ?? value)
    return { ...opened, inputs: body.inputs, weights: kept }
  }
  return { closed, open }
}

function mapped(graph: Graph, map: (value: Value) => Value): Graph {
  return {
    ...graph,
    nodes: graph.nodes.map((node) => mapUses(node, map)),
    outputs: graph.outputs.map((port) => ({ ...port, value: map(port.value) })),
    taps: new Map([...graph.taps].map(([name, value]) => [name, map(value)])),
  }
}
