/**
 * The verifier: what holds of every graph, checked between passes and after reading.
 *
 * Every value is written once and before it is read, in subgraphs too; known operators have inputs and
 * outputs as their schema says; types do not contradict each other or what is declared. The first thing
 * that does not hold is an error that names the node.
 */
import { LimbeckError } from '../errors.ts'
import { type Graph, type Node, subgraphs, type Value } from '../graph/graph.ts'
import { shapeText } from '../graph/shape.ts'
import { inferTypes, type Types } from './infer-types.ts'
import { arityOf, knownOp, MANY } from './known.ts'

/** Throws `graph` when something does not hold; returns the graph. */
export function verifyGraph(graph: Graph): Graph {
  checkStructure(graph, new Set())
  const types = inferTypes(graph)
  const [problem] = types.problems
  if (problem) {
    throw broken(graph, `${nodeText(problem.node, types)}: ${problem.message}`)
  }
  return graph
}

/** A node in words: operator, its first output, where it comes from, and the types it reads. */
export function nodeText(node: Node, types?: Types): string {
  const name = node.outputs.find((output) => output)?.name ?? '?'
  const origin = node.origin && node.origin !== name ? ` of ${node.origin}` : ''
  if (!types) return `${node.op} '${name}'${origin}`
  const inputs = node.inputs.map((input) => {
    const type = input && types.get(input)
    return type ? `${type.dtype}${shapeText(type.shape)}` : input ? '?' : 'absent'
  })
  return `${node.op} '${name}'${origin} (${inputs.join(', ')})`
}

const broken = (graph: Graph, what: string): LimbeckError =>
  new LimbeckError('graph', `Graph '${graph.name}': ${what}.`)

/** Values known inside `graph`, those outside given; what is written in it is added. */
function checkStructure(graph: Graph, outside: ReadonlySet<Value>): void {
  const defined = new Set(outside)
  const define = (value: Value, what: string): void => {
    if (defined.has(value))
      throw broken(graph, `value '${value.name}' is written twice, the second time by ${what}`)
    defined.add(value)
  }
  for (const { name, value } of graph.inputs) define(value, `input '${name}'`)
  for (const value of graph.weights.keys()) {
    // an initializer may give a graph input its default
    if (!graph.inputs.some((port) => port.value === value)) define(value, 'a weight')
  }
  for (const node of graph.nodes) {
    for (const input of node.inputs) {
      if (input && !defined.has(input)) {
        throw broken(
          graph,
          `${nodeText(node)} reads '${input.name}', which nothing before it writes`,
        )
      }
    }
    for (const inner of subgraphs(node)) checkStructure(inner, defined)
    checkArity(graph, node)
    for (const output of node.outputs) if (output) define(output, nodeText(node))
  }
  for (const { name, value } of graph.outputs) {
    if (!defined.has(value))
      throw broken(graph, `output '${name}' is '${value.name}', which nothing writes`)
  }
  checkNames(graph)
}

function checkArity(graph: Graph, node: Node): void {
  const op = knownOp(node)
  if (!op) return
  const [minInputs, maxInputs, minOutputs, maxOutputs] = arityOf(op)
  const expected = (low: number, high: number) =>
    high === MANY ? `at least ${low}` : low === high ? `${low}` : `${low} to ${high}`
  const { inputs, outputs } = node
  if (inputs.length < minInputs || inputs.length > maxInputs) {
    throw broken(
      graph,
      `${nodeText(node)} has ${inputs.length} inputs, expected ${expected(minInputs, maxInputs)}`,
    )
  }
  if (outputs.length < minOutputs || outputs.length > maxOutputs) {
    throw broken(
      graph,
      `${nodeText(node)} has ${outputs.length} outputs, expected ${expected(minOutputs, maxOutputs)}`,
    )
  }
}

/** The names that the outside knows are distinct. */
function checkNames(graph: Graph): void {
  for (const [kind, ports] of [
    ['inputs', graph.inputs],
    ['outputs', graph.outputs],
  ] as const) {
    const seen = new Set<string>()
    for (const { name } of ports) {
      if (seen.has(name)) throw broken(graph, `two ${kind} are named '${name}'`)
      seen.add(name)
    }
  }
}
