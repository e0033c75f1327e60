/**
 * Two graphs as one that compares them: both run on their own inputs, and the second once more, fed at each pair of
 * values with what the first has there. What that one's values differ by was added there, not inherited.
 *
 * The differences are summed up by the graph itself: nothing of an activation leaves the run.
 */
import { int } from '../graph/attributes.ts'
import { GraphBuilder } from '../graph/builder.ts'
import { dataTypes } from '../graph/data-type.ts'
import {
  type Graph,
  mapUses,
  type Node,
  type Port,
  usedValues,
  type Value,
} from '../graph/graph.ts'
import { pruneDead } from '../graph/liveness.ts'
import {
  floatScalar,
  inlineTensor,
  inlineValues,
  int64Tensor,
  type Tensor,
} from '../graph/tensor.ts'
import { inferTypes } from '../ops/infer-types.ts'
import { nearestBefore } from './structure/nearest-before.ts'

/** Values of the two graphs that mean the same. */
export interface JoinedPair {
  readonly a: Value
  readonly b: Value
}

/** How the two lie beside each other. */
export interface PairLayout {
  /** Numbers of each row. */
  readonly width: number
  /** The graph that computes the first token alone. */
  readonly narrowed: 'a' | 'b' | undefined
  /** Rows are no tokens: all count, and their number is this pair's own. */
  readonly alone: boolean
  /** Its columns may have factors of their own: their sums are shown. */
  readonly byColumn?: boolean | undefined
  /** What the first graph's columns are multiplied by before anything else. */
  readonly factors?: Float32Array | undefined
}

/** Names of what goes in: inputs of either graph, and the marks of real tokens `[batch, tokens]` (int64). */
export const inputOf = (side: 'a' | 'b', name: string): string => `${side}/${name}`
export const MARKS = 'marks'

/** Names of what comes out: of a pair its shapes, and of all pairs that were shown their sums. */
export const shapeName = (side: 'a' | 'b', i: number): string => `shape.${side}.${i}`
export const SUMS = 'sums'
/** Sums of the columns of a stack of pairs, `[pairs, 3, 2, width]`: Σa², Σab, Σb². */
export const columnsName = (stack: number): string => `columns.${stack}`
/** An output of either graph as it is. */
export const outputOf = inputOf

/**
 * The sums of a pair, in order; each as computed, then as added. A value that is not finite, or differs without
 * end, is counted alone.
 */
export const sumNames = [
  'count',
  'signal',
  'other',
  'noise',
  'largest',
  'outside',
  'nonFinite',
] as const

/** The joined graph that shows the shapes of the pairs. */
export function joinForShapes(a: Graph, b: Graph, pairs: readonly JoinedPair[]): Graph {
  const join = new Join(a, b)
  const outputs = pairs.flatMap((pair, i) =>
    (['a', 'b'] as const).map((side) => ({
      name: shapeName(side, i),
      value: join.op('Shape', [pair[side]]),
    })),
  )
  return join.graph(outputs)
}

export interface DifferenceOptions {
  /** Pairs that are shown. */
  readonly shown: readonly number[]
  /** Of each pair; those without one have other sizes. */
  readonly layouts: readonly (PairLayout | undefined)[]
  /** t of the values with |a−b| > t·(1 + |a|). */
  readonly tolerance: number
  /** Outputs of both graphs that are shown as they are. */
  readonly outputs: readonly string[]
}

/** The joined graph that shows the sums of the pairs. */
export function joinForDifferences(
  a: Graph,
  b: Graph,
  pairs: readonly JoinedPair[],
  { shown, layouts, tolerance, outputs }: DifferenceOptions,
): Graph {
  const join = new Join(a, b)
  /** What stands for the second graph's values where it is fed. */
  const instead = new Map<Value, Value>()
  for (const i of givenTo(b, pairs, shown, layouts)) {
    const { a: left, b: right } = pairs[i]!
    const from = join.first(left, layouts[i]!)
    instead.set(right, join.shaped(from, right))
  }
  const added = join.again(b, instead)
  const parts = shown.map((i): ComparedPart => {
    const { a: left, b: right } = pairs[i]!
    return { left, right, added: added.get(right) ?? right, layout: layouts[i]! }
  })
  const answers = (['a', 'b'] as const).flatMap((side) =>
    (side === 'a' ? a : b).outputs
      .filter(({ name }) => outputs.includes(name))
      .map(({ name, value }) => ({ name: outputOf(side, name), value })),
  )
  const stacks = stacked(parts).map((stack) => join.stackSums(stack, tolerance))
  const sums = join.op(
    'Concat',
    stacks.map((stack) => stack.sums),
    { axis: int(0) },
  )
  const columns = stacks.flatMap((stack, i) =>
    stack.columns ? [{ name: columnsName(i), value: stack.columns }] : [],
  )
  return join.graph([{ name: SUMS, value: sums }, ...columns, ...answers])
}

/** The order in which pairs' sums come out: stacks of pairs. */
export const sumsOrder = (
  shown: readonly number[],
  layouts: readonly (PairLayout | undefined)[],
): number[][] =>
  stacked(shown.map((i) => ({ i, layout: layouts[i]! }))).map((stack) => stack.map(({ i }) => i))

/** Pairs that are computed on together: fewer nodes, of which a session makes much. */
const STACK = 8

/** Pairs of one layout together; what is laid out in no known way stays alone. */
function stacked<T extends { readonly layout: PairLayout }>(parts: readonly T[]): T[][] {
  const stacks: T[][] = []
  const open = new Map<string, T[]>()
  for (const part of parts) {
    const { width, narrowed, alone, byColumn } = part.layout
    const key = alone ? undefined : `${narrowed ?? ''} ${width} ${byColumn ?? ''}`
    const known = key === undefined ? undefined : open.get(key)
    if (known && known.length < STACK) {
      known.push(part)
      continue
    }
    const stack = [part]
    stacks.push(stack)
    if (key !== undefined) open.set(key, stack)
  }
  return stacks
}

/** Pairs that can be fed: the first graph has all that the second needs. */
const canFeed = (layout: PairLayout | undefined): boolean =>
  layout !== undefined && layout.narrowed !== 'a'

/** The pairs that are fed for these to be exact: they themselves, and the nearest before them. */
function givenTo(
  b: Graph,
  pairs: readonly JoinedPair[],
  shown: readonly number[],
  layouts: readonly (PairLayout | undefined)[],
): number[] {
  const all = new Map(
    pairs.flatMap((pair, i) => (canFeed(layouts[i]) ? [[pair.b, i] as const] : [])),
  )
  const before = shown.flatMap((i) => nearestBefore(b, pairs[i]!.b, all))
  return [...new Set([...shown.filter((i) => canFeed(layouts[i])), ...before])]
}

const FLOAT = 1

/** What is compared in one place. */
interface ComparedPart {
  readonly left: Value
  readonly right: Value
  readonly added: Value
  readonly layout: PairLayout
}

interface StackSums {
  readonly sums: Value
  readonly columns: Value | undefined
}

/** The nodes of both graphs, and those that compare. */
class Join {
  private readonly a: Graph
  private readonly b: Graph
  private readonly nodes: Node[]
  private readonly weights: Map<Value, { readonly tensor: Tensor }>
  private realRows: Value | undefined
  private readonly constants = new Map<string, Value>()
  private readonly marks: Value = {
    name: MARKS,
    type: { dtype: 'int64', shape: ['rows', 'tokens'] },
  }

  constructor(a: Graph, b: Graph) {
    this.a = a
    this.b = b
    this.nodes = [...a.nodes, ...b.nodes]
    this.weights = new Map([...a.weights, ...b.weights])
  }

  op(op: string, inputs: readonly Value[], attributes = {}): Value {
    const builder = new GraphBuilder('')
    const output = builder.op(op, inputs, attributes)
    this.nodes.push(...builder.build().nodes)
    return output
  }

  /** A small constant, one value for all that are equal. */
  private constant(tensor: Tensor): Value {
    const key = `${tensor.dtype} ${tensor.shape} ${inlineValues(tensor)}`
    const known = this.constants.get(key)
    if (known) return known
    const value: Value = { name: 'constant', type: { dtype: tensor.dtype, shape: tensor.shape } }
    this.weights.set(value, { tensor })
    this.constants.set(key, value)
    return value
  }

  private dtype(value: Value) {
    return (inferTypes(this.a).get(value) ?? inferTypes(this.b).get(value))?.dtype
  }

  /** A value as float32; `like` is the one whose type is known. */
  float(value: Value, like = value): Value {
    return this.dtype(like) === 'float32' ? value : this.op('Cast', [value], { to: int(FLOAT) })
  }

  /** Float32 numbers in the type and shape of a value. */
  shaped(from: Value, like: Value): Value {
    const dtype = this.dtype(like)
    const whole = this.op('Reshape', [from, this.op('Shape', [like])])
    if (dtype === 'float32') return whole
    return dtype === undefined
      ? this.op('CastLike', [whole, like])
      : this.op('Cast', [whole], { to: int(dataTypes[dtype].code) })
  }

  /** The first graph's values as they are compared and fed: of one token where the other has no more, scaled. */
  first(value: Value, { narrowed, factors, width }: PairLayout): Value {
    const float = this.float(value)
    const kept = narrowed === 'b' ? this.firstOf(float) : float
    if (!factors) return kept
    const rows = this.op('Reshape', [kept, this.constant(int64Tensor([-1, width]))])
    return this.op('Mul', [rows, this.constant(inlineTensor('float32', [width], factors))])
  }

  /** The first token of each row, of a value of tokens. */
  private firstOf(value: Value): Value {
    const rest = this.constant(int64Tensor([-1]))
    const shape = this.op('Concat', [this.op('Shape', [this.marks]), rest], { axis: int(0) })
    const tokens = this.op('Reshape', [value, shape])
    return this.op('Gather', [tokens, this.constant(int64Tensor([0], []))], { axis: int(1) })
  }

  /** A graph's nodes once more where they follow from what stands instead; gives the new values by the old. */
  again(graph: Graph, instead: ReadonlyMap<Value, Value>): ReadonlyMap<Value, Value> {
    const now = new Map(instead)
    const made = new Map<Value, Value>()
    for (const node of graph.nodes) {
      if (!usedValues(node).some((value) => now.has(value))) continue
      const copies = node.outputs.map((output) => output && { ...output })
      this.nodes.push({ ...mapUses(node, (value) => now.get(value) ?? value), outputs: copies })
      node.outputs.forEach((output, i) => {
        if (!output) return
        made.set(output, copies[i]!)
        if (!now.has(output)) now.set(output, copies[i]!)
      })
    }
    return made
  }

  /** `[pairs, sums, 2]` of a stack: its values are `[pairs, 2, rows, width]`, those of the first graph once. */
  stackSums(stack: readonly ComparedPart[], tolerance: number): StackSums {
    const { width, narrowed, alone, byColumn } = stack[0]!.layout
    const rows = this.constant(int64Tensor([1, 1, -1, width]))
    const rowsOf = (value: Value): Value => this.op('Reshape', [value, rows])
    const joined = (values: readonly Value[], axis: number): Value =>
      values.length === 1 ? values[0]! : this.op('Concat', values, { axis: int(axis) })
    const x = joined(
      stack.map(({ left, layout }) => rowsOf(this.first(left, layout))),
      0,
    )
    const y = joined(
      stack.map(({ right, added }) =>
        joined(
          [right, added].map((value) => {
            const float = this.float(value, right)
            return rowsOf(narrowed === 'a' ? this.firstOf(float) : float)
          }),
          1,
        ),
      ),
      0,
    )
    const zero = this.constant(floatScalar(0))
    const distance = this.op('Abs', [this.op('Sub', [x, y])])
    const finite = this.op('Less', [distance, this.constant(floatScalar(Number.POSITIVE_INFINITY))])
    const endless = this.op('Not', [finite])
    // padding is in no sum; the first tokens are never padding
    const real = alone || narrowed ? undefined : this.real()
    const counted = real ? this.op('And', [finite, real]) : finite
    const wrong = real ? this.op('And', [endless, real]) : endless
    const [a, b, error] = [x, y, distance].map((value) => this.op('Where', [counted, value, zero]))
    const t = this.constant(floatScalar(tolerance))
    const allowed = this.op('Add', [this.op('Mul', [this.op('Abs', [a!]), t]), t])
    const axes = this.constant(int64Tensor([2, 3]))
    const flat = this.constant(int64Tensor([stack.length, 1, 2]))
    const reduced = (op: string, value: Value): Value =>
      this.op('Reshape', [this.op(op, [value, axes], { keepdims: int(0) }), flat])
    const count = (bits: Value): Value =>
      reduced('ReduceSum', this.op('Cast', [bits], { to: int(FLOAT) }))
    const sums: Readonly<Record<(typeof sumNames)[number], Value>> = {
      count: count(counted),
      signal: reduced('ReduceSumSquare', a!),
      other: reduced('ReduceSumSquare', b!),
      noise: reduced('ReduceSumSquare', error!),
      largest: reduced('ReduceMax', error!),
      outside: count(this.op('Greater', [error!, allowed])),
      nonFinite: count(wrong),
    }
    return {
      sums: this.op(
        'Concat',
        sumNames.map((name) => sums[name]),
        { axis: int(1) },
      ),
      columns: byColumn ? this.columnSums(a!, b!) : undefined,
    }
  }

  private columnSums(a: Value, b: Value): Value {
    const axis = this.constant(int64Tensor([2]))
    const one = this.constant(int64Tensor([1]))
    const parts = [
      this.op('ReduceSumSquare', [a, axis], { keepdims: int(0) }),
      this.op('ReduceSum', [this.op('Mul', [a, b]), axis], { keepdims: int(0) }),
      this.op('ReduceSumSquare', [b, axis], { keepdims: int(0) }),
    ]
    return this.op(
      'Concat',
      parts.map((part) => this.op('Unsqueeze', [part, one])),
      { axis: int(1) },
    )
  }

  /** Which rows are real tokens, `[rows, 1]`. */
  private real(): Value {
    this.realRows ??= this.op(
      'Cast',
      [this.op('Reshape', [this.marks, this.constant(int64Tensor([-1, 1]))])],
      { to: int(BOOL) },
    )
    return this.realRows
  }

  graph(outputs: readonly Port[]): Graph {
    const { a, b } = this
    const inputs = (side: 'a' | 'b', of: Graph): Port[] =>
      of.inputs.map(({ name, value }) => ({
        name: inputOf(side, name),
        value,
      }))
    const functions = [...(a.functions ?? []), ...(b.functions ?? [])]
    return pruneDead({
      ...a,
      inputs: [...inputs('a', a), ...inputs('b', b), { name: MARKS, value: this.marks }],
      outputs,
      nodes: this.nodes,
      weights: this.weights,
      opsets: new Map([...b.opsets, ...a.opsets]),
      metadata: new Map(),
      taps: new Map(),
      quantization: new Map(),
      ...(functions.length > 0 && { functions }),
    })
  }
}

const BOOL = 9
