/**
 * Inner values of two models over the same batches, tensor by tensor: how far the second is from the first, and how
 * far it would be if all that flowed in were the first's.
 *
 * One process runs one graph that holds both; it gives sums alone, so that memory does not grow with the texts.
 * What would be too large at once is compared in groups of tensors, each by runs of its own.
 */
import { elementCount, type HostTensor } from '../graph/data-type.ts'
import type { Graph } from '../graph/graph.ts'
import {
  columnsName,
  inputOf,
  type JoinedPair,
  joinForDifferences,
  joinForShapes,
  MARKS,
  outputOf,
  type PairLayout,
  SUMS,
  shapeName,
  sumNames,
  sumsOrder,
} from '../passes/join-graphs.ts'
import { nearestBefore } from '../passes/structure/nearest-before.ts'
import {
  addSums,
  type DifferenceSums,
  type TensorDifference,
  tensorDifference,
} from '../stats/tensor-difference.ts'
import { type ColumnSums, columnScales } from './column-scales.ts'
import { type Feeds, withGraph } from './observe.ts'

/** A value of each model. */
export interface ValuePair extends JoinedPair {
  /** Numbers of the last axis, where they are known. */
  readonly width: number | undefined
  /** It adds to the stream that layers share: its scale is everybody's. */
  readonly isSum?: boolean | undefined
}

/** The same texts for both. */
export interface CompareBatch {
  readonly a: Feeds
  readonly b: Feeds
  /** Marks of real tokens, `[batch, tokens]`. */
  readonly mask: HostTensor | undefined
  /** Rows and tokens of each, padding too; one token a row for what is no text. */
  readonly grid: readonly [batch: number, tokens: number]
}

export type Outputs = Readonly<Record<string, HostTensor>>

export interface CompareValuesOptions {
  readonly tolerance: number
  readonly threads?: number | undefined
  readonly signal?: AbortSignal | undefined
  /** Tokens of the longest text. */
  readonly longest: number
  /** Outputs of both that `onOutputs` is shown. */
  readonly outputs: readonly string[]
  onOutputs?(batch: CompareBatch, a: Outputs, b: Outputs): void
  onBatch?(done: number, group: number, groups: number): void
}

export interface PairDifference {
  readonly total: TensorDifference
  /** From exact inputs; absent where they could not be given. */
  readonly added: TensorDifference | undefined
  /** One of the two computes the first token alone. */
  readonly narrowed: boolean
  /** The second holds it in another scale for each column, and it was compared in that. */
  readonly rescaled: boolean
}

/** Values of each model in a batch (×4 bytes), and at most in a group of tensors for the longest text. */
const BATCH_VALUES = 8e6
const GROUP_VALUES = 32e6

/**
 * Compares; the result has one entry a pair, absent where the two have other sizes.
 * @param batches gives the batches of at most so many tokens, each time from the first.
 */
export async function compareValues(
  [a, b]: readonly [Graph, Graph],
  pairs: readonly ValuePair[],
  probe: CompareBatch,
  batches: (maxTokens: number) => AsyncIterable<CompareBatch>,
  options: CompareValuesOptions,
): Promise<(PairDifference | undefined)[]> {
  const shapes = await withGraph(joinForShapes(a, b, pairs), options, (run) => run(feedsOf(probe)))
  const layouts = pairs.map(({ width }, i) => {
    const [left, right] = (['a', 'b'] as const).map((side) =>
      Array.from(shapes[shapeName(side, i)]!.data as BigInt64Array, Number),
    )
    return layoutOf(left!, right!, width, probe)
  })
  const values = layouts.map((layout) => layout?.values ?? 0)
  const perToken = values.reduce((sum, each) => sum + each, 0)
  const maxTokens = Math.max(1, Math.floor(BATCH_VALUES / Math.max(perToken, 1)))
  const groups = groupsOf(layouts, options.longest)
  const readers = readersOf(b, pairs, layouts)
  const foldable = layouts.map((layout, i) =>
    layout && !layout.alone && !readers[i]!.some((reader) => pairs[reader]!.isSum)
      ? { ...layout, byColumn: true }
      : layout,
  )
  const run = { graphs: [a, b], pairs, groups, maxTokens, batches } as const
  const found = await compareOnce({ ...run, layouts: foldable }, options)
  const scales = columnScales(
    found.map(
      (one, i) =>
        one && { relative: one.total.relative, columns: one.columns, readers: readers[i]! },
    ),
    options.tolerance,
  )
  if (scales.size === 0) return found
  const scaled = layouts.map((layout, i) => layout && { ...layout, factors: scales.get(i) })
  // what they answer is known
  const { onOutputs: _, ...rest } = options
  return compareOnce({ ...run, layouts: scaled }, { ...rest, outputs: [] })
}

interface Comparing {
  readonly graphs: readonly [Graph, Graph]
  readonly pairs: readonly ValuePair[]
  readonly layouts: readonly (PairLayout | undefined)[]
  /** Pairs that are compared together. */
  readonly groups: readonly (readonly number[])[]
  readonly batches: (maxTokens: number) => AsyncIterable<CompareBatch>
  readonly maxTokens: number
}

interface OnePass extends PairDifference {
  readonly columns: ColumnSums | undefined
}

/** All groups, each over all batches. */
async function compareOnce(
  { graphs: [a, b], pairs, layouts, groups, batches, maxTokens }: Comparing,
  options: CompareValuesOptions,
): Promise<(OnePass | undefined)[]> {
  const results = new Array<OnePass | undefined>(pairs.length)
  for (const [g, shown] of groups.entries()) {
    const isLast = g === groups.length - 1
    const outputs = isLast ? options.outputs : []
    const settings = { shown, layouts, tolerance: options.tolerance, outputs }
    const order = sumsOrder(shown, layouts)
    /** Of each pair in order, as computed and as added. */
    const sums: DifferenceSums[] = []
    const columns = new Map<number, ColumnSums>()
    await withGraph(joinForDifferences(a, b, pairs, settings), options, async (run) => {
      let done = 0
      for await (const batch of batches(maxTokens)) {
        const found = await run(feedsOf(batch))
        sumsIn(found[SUMS]!).forEach((each, k) => {
          sums[k] = addSums(sums[k], each)
        })
        order.forEach((stack, s) => {
          const tensor = found[columnsName(s)]
          if (tensor) addColumns(columns, stack, tensor)
        })
        if (isLast) {
          const [ofA, ofB] = (['a', 'b'] as const).map((side) => ofSide(side, outputs, found))
          options.onOutputs?.(batch, ofA!, ofB!)
        }
        options.onBatch?.(++done, g, groups.length)
      }
    })
    order.flat().forEach((i, k) => {
      const { narrowed, factors } = layouts[i]!
      results[i] = {
        total: tensorDifference(sums[2 * k]),
        added: narrowed === 'a' ? undefined : tensorDifference(sums[2 * k + 1]),
        narrowed: narrowed !== undefined,
        rescaled: factors !== undefined,
        columns: columns.get(i),
      }
    })
  }
  return results
}

/** Of each pair the others that read it next in the second graph. */
function readersOf(
  b: Graph,
  pairs: readonly ValuePair[],
  layouts: readonly (PairLayout | undefined)[],
): number[][] {
  const numbers = new Map(pairs.flatMap((pair, i) => (layouts[i] ? [[pair.b, i] as const] : [])))
  const readers = pairs.map((): number[] => [])
  pairs.forEach((pair, i) => {
    if (!layouts[i]) return
    for (const before of nearestBefore(b, pair.b, numbers)) readers[before]!.push(i)
  })
  return readers
}

/** Adds the sums of a stack's columns, `[pairs, 3, 2, width]`, those of what is computed. */
function addColumns(
  columns: Map<number, ColumnSums>,
  stack: readonly number[],
  { data, shape }: HostTensor,
): void {
  const width = shape[3]!
  stack.forEach((i, k) => {
    const known = columns.get(i) ?? {
      aa: new Float64Array(width),
      ab: new Float64Array(width),
      bb: new Float64Array(width),
    }
    columns.set(i, known)
    ;[known.aa, known.ab, known.bb].forEach((sum, part) => {
      const start = (k * 3 + part) * 2 * width
      for (let j = 0; j < width; j++) sum[j]! += Number(data[start + j])
    })
  })
}

function feedsOf({ a, b, mask, grid }: CompareBatch): Feeds {
  const named = (side: 'a' | 'b', feeds: Feeds) =>
    Object.entries(feeds).map(([name, tensor]) => [inputOf(side, name), tensor] as const)
  const size = elementCount(grid)
  const marks = mask
    ? BigInt64Array.from(mask.data as ArrayLike<number>, (mark) => (Number(mark) === 0 ? 0n : 1n))
    : new BigInt64Array(size).fill(1n)
  return Object.fromEntries([
    ...named('a', a),
    ...named('b', b),
    [MARKS, { dtype: 'int64', shape: [...grid], data: marks }],
  ])
}

const ofSide = (side: 'a' | 'b', names: readonly string[], found: Outputs): Outputs =>
  Object.fromEntries(names.map((name) => [name, found[outputOf(side, name)]!]))

/** `[pairs, sums, 2]` as the two of each pair. */
function sumsIn({ data, shape: [pairs = 0] }: HostTensor): DifferenceSums[] {
  const width = sumNames.length * 2
  return Array.from({ length: pairs * 2 }, (_, k) => {
    const start = (k >> 1) * width + (k & 1)
    const sums = sumNames.map((name, i) => [name, Number(data[start + 2 * i])])
    return Object.fromEntries(sums) as unknown as DifferenceSums
  })
}

/** A layout, and the values of each token. */
interface Layout extends PairLayout {
  readonly values: number
}

/** How two tensors lie side by side; undefined where they cannot. */
function layoutOf(
  a: readonly number[],
  b: readonly number[],
  width: number | undefined,
  { mask, grid: [batch, tokens] }: CompareBatch,
): Layout | undefined {
  const [sizeA, sizeB] = [elementCount(a), elementCount(b)]
  const values = Math.max(sizeA, sizeB) / (batch * tokens)
  if (sizeA === sizeB) {
    const rows = mask && [a, b].some((shape) => isOfTokens(shape, batch, tokens, width))
    return { width: rows ? values : 1, narrowed: undefined, alone: !rows, values }
  }
  const narrowed = sizeA === sizeB * tokens ? 'b' : sizeB === sizeA * tokens ? 'a' : undefined
  return narrowed && { width: values, narrowed, alone: false, values }
}

/** `[batch, tokens, …]`, `[rows, width]`, or a number for each token (the scores of spans). */
const isOfTokens = (
  shape: readonly number[],
  batch: number,
  tokens: number,
  width: number | undefined,
): boolean =>
  (shape.length === 3 && shape[0] === batch && shape[1] === tokens) ||
  (shape.length === 2 && shape[0] === batch * tokens && tokens > 1) ||
  (shape.length === 2 && shape[0] === batch && shape[1] === tokens && width === undefined)

/** Pairs in order, as many together as may be held of the longest text. */
function groupsOf(layouts: readonly (Layout | undefined)[], longest: number): number[][] {
  const groups: number[][] = []
  let held = Number.POSITIVE_INFINITY
  layouts.forEach((layout, i) => {
    if (!layout) return
    const values = layout.values * longest
    if (held + values > GROUP_VALUES) {
      groups.push([])
      held = 0
    }
    held += values
    groups.at(-1)!.push(i)
  })
  return groups
}
