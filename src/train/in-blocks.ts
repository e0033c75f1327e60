/**
 * Chains of elementwise operators, block by block instead of tensor by tensor.
 *
 * Backward and update are long chains over large tensors: each operator reads its operands from memory and
 * writes a result that the next one reads again. A Scan whose body is the chain runs it on one block at a
 * time, which stays in the cache. ONNX Runtime's Scan hands blocks over without copying them. Values are the
 * same to the bit.
 */
import { graphAttribute, int } from '../graph/attributes.ts'
import {
  emptyGraph,
  type Graph,
  type Node,
  usedValues,
  type Value,
  type Weight,
} from '../graph/graph.ts'
import { newNode } from '../graph/new-node.ts'
import { equalShapes, productDims, type Shape } from '../graph/shape.ts'
import { int64Tensor } from '../graph/tensor.ts'
import { inferTypes, type Types } from '../ops/infer-types.ts'
import { type KnownOp, knownOp } from '../ops/known.ts'

/**
 * Elements of a block. On one thread the cache of a core holds a whole chain's; several threads share each
 * operator, and fewer, larger ones cost them less than the cache saves.
 */
const blockSize = (threads = 2): number => (threads === 1 ? 2 ** 15 : 2 ** 18)
/** Of an activation only the width is known: blocks for some 2,048 tokens, the fewest and the most. */
const TOKENS = 2048
const FEWEST_BLOCKS = 4
const MOST_BLOCKS = 32
/** Shorter chains gain less than the Scan costs. */
const SHORTEST = 4

/** Operators that work element by element; operands are of the result's shape, or scalars. */
const elementwise: ReadonlySet<KnownOp> = new Set<KnownOp>([
  'Abs',
  'Add',
  'And',
  'Cast',
  'Clip',
  'Cos',
  'Div',
  'Equal',
  'Erf',
  'Exp',
  'Gelu',
  'Greater',
  'GreaterOrEqual',
  'Less',
  'LessOrEqual',
  'Log',
  'Max',
  'Min',
  'Mul',
  'Neg',
  'Not',
  'Or',
  'Pow',
  'Reciprocal',
  'Relu',
  'Round',
  'Sigmoid',
  'Sign',
  'Sin',
  'Softplus',
  'Sqrt',
  'Sub',
  'Tanh',
  'Where',
])

/** The shape `[blocks, elements]` of a tensor of this size; undefined where it is small or has no such divisor. */
export function blockShape(
  shape: readonly number[],
  threads?: number,
): [number, number] | undefined {
  const size = shape.reduce((product, dim) => product * dim, 1)
  const block = blockSize(threads)
  if (size <= block) return undefined
  const least = Math.ceil(size / block)
  for (let blocks = least; blocks <= 4 * least; blocks++) {
    if (size % blocks === 0) return [blocks, size / blocks]
  }
  return undefined
}

/** How a tensor of this shape is cut and put together: reshapes to give it, or none where it is in blocks. */
interface Cut {
  readonly to: readonly number[]
  readonly back: readonly number[] | undefined
}

function cutOf(shape: Shape, threads?: number): Cut | undefined {
  const size = productDims(shape)
  if (typeof size === 'number') {
    const blocks = blockShape(shape as number[], threads)
    if (!blocks) return undefined
    const whole = shape.length === 2 && shape[0] === blocks[0]
    return { to: blocks, back: whole ? undefined : (shape as number[]) }
  }
  const [width] = shape.slice(-1)
  if (shape.length !== 2 || typeof width !== 'number') return undefined
  const wanted = Math.min(MOST_BLOCKS, Math.floor((TOKENS * width) / blockSize(threads)))
  for (let blocks = wanted; blocks >= FEWEST_BLOCKS; blocks--) {
    if (width % blocks === 0) return { to: [blocks, -1], back: [-1, width] }
  }
  return undefined
}

/** The graph with its elementwise chains in blocks; the same object where it has none. */
export function inBlocks(graph: Graph, threads?: number): Graph {
  const types = inferTypes(graph)
  const nodes: Node[] = []
  const weights = new Map<Value, Weight>()
  const users = new Map<Value, number>()
  for (const node of graph.nodes) for (const value of usedValues(node)) count(users, value)
  for (const { value } of graph.outputs) count(users, value)
  let chain: Node[] = []
  const close = (): void => {
    const cut = chain.length >= SHORTEST ? cutOf(shapeOf(chain[0]!, types)!, threads) : undefined
    nodes.push(...(cut ? scan(chain, cut, types, users, weights) : chain))
    chain = []
  }
  for (const node of graph.nodes) {
    if (chain.length > 0 && !continues(node, chain, types)) close()
    if (isElementwise(node, types)) chain.push(node)
    else {
      close()
      nodes.push(node)
    }
  }
  close()
  if (nodes.every((node, i) => node === graph.nodes[i])) return graph
  return { ...graph, nodes, weights: new Map([...graph.weights, ...weights]) }
}

const count = (users: Map<Value, number>, value: Value): void => {
  users.set(value, (users.get(value) ?? 0) + 1)
}

const shapeOf = (node: Node, types: Types): Shape | undefined => types.get(node.outputs[0]!)?.shape

/** True where every operand is a scalar or of the result's shape. */
function isElementwise(node: Node, types: Types): boolean {
  const op = knownOp(node)
  const shape = shapeOf(node, types)
  if (!op || !elementwise.has(op) || !shape || shape.length === 0) return false
  return node.inputs.every((input) => {
    const own = input && types.get(input)?.shape
    return input === undefined || own?.length === 0 || equalShapes(own, shape)
  })
}

const continues = (node: Node, chain: readonly Node[], types: Types): boolean =>
  equalShapes(shapeOf(node, types), shapeOf(chain[0]!, types))

/** The chain as one Scan over blocks: its operands cut, what is read elsewhere put together again. */
function scan(
  chain: readonly Node[],
  { to, back }: Cut,
  types: Types,
  users: ReadonlyMap<Value, number>,
  weights: Map<Value, Weight>,
): Node[] {
  const made = new Set(chain.flatMap(({ outputs }) => outputs as Value[]))
  const reads = new Map<Value, number>()
  for (const node of chain) for (const value of usedValues(node)) count(reads, value)
  const operands = [...reads.keys()].filter(
    (value) => !made.has(value) && types.get(value)!.shape!.length > 0,
  )
  const results = [...made].filter((value) => (users.get(value) ?? 0) > (reads.get(value) ?? 0))
  const { origin } = chain[0]!
  const shape = (dims: readonly number[], name: string): Value => {
    const value = { name, type: { dtype: 'int64' as const, shape: [dims.length] } }
    weights.set(value, { tensor: int64Tensor(dims) })
    return value
  }
  const before: Node[] = []
  const cut = operands.map((value) => {
    if (!back) return value
    const node = newNode('Reshape', [value, shape(to, 'blocks')], 1, {}, { origin })
    before.push(node)
    return node.outputs[0]!
  })
  // ONNX Runtime takes equal symbols for equal sizes, in other bodies too
  const size = to[1]! > 0 ? to[1]! : `block_${weights.size}`
  const body = bodyOf(chain, operands, results, types, size)
  const attributes = { body: graphAttribute(body), num_scan_inputs: int(operands.length) }
  const node = newNode('Scan', cut, results.length, attributes, { origin })
  if (!back) return [{ ...node, outputs: results }]
  const after = results.map((value, i) => ({
    ...newNode('Reshape', [node.outputs[i], shape(back, 'whole')], 1, {}, { origin }),
    outputs: [value],
  }))
  return [...before, node, ...after]
}

/** The chain on one block; scalars are those of the graph around it. */
function bodyOf(
  chain: readonly Node[],
  operands: readonly Value[],
  results: readonly Value[],
  types: Types,
  size: number | string,
): Graph {
  const inner = new Map<Value, Value>()
  const block = (value: Value): Value => {
    const known = inner.get(value)
    if (known) return known
    const { dtype } = types.get(value)!
    const own = { name: `${value.name}.block`, type: { dtype, shape: [size] } }
    inner.set(value, own)
    return own
  }
  const inputs = operands.map((value, i) => ({ name: `operand${i}`, value: block(value) }))
  const made = new Set(chain.flatMap(({ outputs }) => outputs as Value[]))
  const nodes = chain.map((node) => ({
    ...node,
    inputs: node.inputs.map((value) =>
      value && (made.has(value) || inner.has(value)) ? block(value) : value,
    ),
    outputs: node.outputs.map((value) => value && block(value)),
  }))
  const outputs = results.map((value, i) => ({ name: `result${i}`, value: block(value) }))
  return { ...emptyGraph('chain'), inputs, outputs, nodes }
}
