/**
 * Rows of a table that are normalized and projected before they are looked up: done once, while the file is
 * written. DeBERTa projects the embeddings of distances in every layer of every run, a quarter of its time.
 *
 * What treats rows apart may follow the lookup's table: `f(T)[i]` is a lookup in a table of its own. Where
 * only the rows from the smallest index on were cut out (`f(T[m:])[i − m]`, m the minimum of the indices)
 * the cut is not needed any more. The file grows by the tables, so they must be small, and portable files,
 * which are downloaded, go without.
 */
import { floatOf, intOf, ints, intsOf } from '../graph/attributes.ts'
import type { Node, Value } from '../graph/graph.ts'
import { scalarOf } from '../graph/pattern.ts'
import type { NodeRule, RewriteContext } from '../graph/rewrite.ts'
import { inlineValues, reshaped, type Tensor, transposed } from '../graph/tensor.ts'
import { normalizedRows, projectedRows } from '../onnx/row-derivations.ts'
import { linearLayer } from './linear-layer.ts'

/** A table of words is not folded: half of a model would be in the file twice. */
const MOST_ROWS = 1024

/** A table as it is looked up, and the index from which on it was cut. */
interface Rows {
  readonly tensor: Tensor
  readonly from?: Value | undefined
  /** Something is computed; a bare table is left as it is. */
  readonly computed: boolean
}

type Compute = (node: Node, context: RewriteContext) => Rows | undefined

const constant = (value: Value | undefined, context: RewriteContext): Tensor | undefined => {
  const tensor = value && context.weight(value)?.tensor
  return tensor?.dtype === 'float32' ? tensor : undefined
}

/** What treats the rows of a table apart. */
const rowWise: Readonly<Record<string, Compute>> = {
  LayerNormalization(node, context) {
    const rows = rowsOf(node.inputs[0], context)
    const [scale, shift] = node.inputs.slice(1).map((row) => constant(row, context))
    const fits = [-1, 1].includes(intOf(node, 'axis', -1)) && scale?.shape.length === 1
    if (!rows || !scale || !fits || (node.inputs[2] && shift?.shape.length !== 1)) return undefined
    const epsilon = floatOf(node, 'epsilon', 1e-5)
    return { ...rows, tensor: normalizedRows(rows.tensor, scale, shift, epsilon), computed: true }
  },
  Add(node, context) {
    const layer = linearLayer(node, context)
    const rows = layer && rowsOf(layer.x, context)
    const bias = constant(layer?.bias, context)
    if (!layer || !rows || !bias) return undefined
    return {
      ...rows,
      tensor: projectedRows(rows.tensor, layer.weight.tensor, bias),
      computed: true,
    }
  },
  Mul(node, context) {
    const rows = rowsOf(node.inputs[0], context)
    const number = constant(node.inputs[1], context)
    const factor = scalarOf(number)
    const source = rows?.tensor.source
    if (!rows || factor === undefined || number!.shape.length > 2) return undefined
    if (source?.kind !== 'derived' || source.op !== 'projectRows') return undefined
    const [x, weight, bias] = source.inputs
    const before = source.settings.factor as number
    return { ...rows, tensor: projectedRows(x!, weight!, bias, before * factor) }
  },
  // the rows from the smallest index on
  Slice(node, context) {
    const [x, start, , axes, steps] = node.inputs
    const rows = rowsOf(x, context)
    const alongRows = axes && scalarOf(context.weight(axes)?.tensor) === 0
    return rows && !rows.from && start && alongRows && !steps ? { ...rows, from: start } : undefined
  },
}

function rowsOf(value: Value | undefined, context: RewriteContext): Rows | undefined {
  const weight = constant(value, context)
  if (weight) {
    const small = weight.shape.length === 2 && weight.shape[0]! <= MOST_ROWS
    return small ? { tensor: weight, computed: false } : undefined
  }
  const node = value && context.producer(value)
  return node?.domain === '' ? rowWise[node.op]?.(node, context) : undefined
}

/** `f(T[m:])[i − m]` → `f(T)[i]` */
const foldTable: NodeRule = {
  name: 'fold-table',
  anchors: ['Gather'],
  apply(node, context) {
    const [table, index] = node.inputs
    const rows = intOf(node, 'axis', 0) === 0 ? rowsOf(table, context) : undefined
    if (!rows?.computed || !index) return undefined
    const whole = rows.from ? indexInWhole(index, rows.from, context) : index
    if (!whole) {
      context.miss('fold-table', 1, 'the rows that were cut out are not known to hold every index')
      return undefined
    }
    return [context.op('Gather', [context.constant(rows.tensor, table!.name), whole])]
  },
}

/**
 * x of the index `x − m` into rows from m on: m must be the smallest of x's numbers, and no number below
 * zero, which would count from the end.
 */
function indexInWhole(index: Value, from: Value, context: RewriteContext): Value | undefined {
  const sub = context.producer(index)
  const min = context.producer(from)
  const [x, subtracted] = sub?.op === 'Sub' ? sub.inputs : []
  const all = min?.op === 'ReduceMin' && !min.inputs[1] ? min.inputs[0] : undefined
  const reduces = min && intOf(min, 'noop_with_empty_axes', 0) === 0
  if (!x || subtracted !== from || !all || !reduces || !isFromBucket(all, context)) return undefined
  if (tensorRank(x, context) !== tensorRank(index, context)) return undefined
  const picked = context.producer(x)
  const rearranged = picked?.op === 'Slice' && picked.inputs[0] === all
  return x === all || rearranged ? x : undefined
}

/** Looked up in a constant that holds no negative number. */
function isFromBucket(value: Value, context: RewriteContext): boolean {
  const lookup = context.producer(value)
  const table = lookup?.op === 'Gather' ? lookup.inputs[0] : undefined
  const tensor = table && context.weight(table)?.tensor
  const numbers = tensor && inlineValues(tensor)
  return numbers?.every((number: number | bigint) => number >= 0) ?? false
}

/**
 * A constant table's rows as heads, `[R, H·d] → [n, H·d] → [n, H, d] → [H, d, n]`: split and turned before
 * the lookup, but for the last turn, which a product takes in its stride.
 */
const splitTable: NodeRule = {
  name: 'split-table',
  anchors: ['Transpose'],
  apply(node, context) {
    const reshape = node.inputs[0] && context.producer(node.inputs[0])
    const gather = reshape?.inputs[0] && context.producer(reshape.inputs[0])
    if (intsOf(node, 'perm')?.join() !== '1,2,0') return undefined
    if (reshape?.op !== 'Reshape' || gather?.op !== 'Gather') return undefined
    const [table, index] = gather.inputs
    const weight = table && context.weight(table)
    const target = reshape.inputs[1] && context.weight(reshape.inputs[1])?.tensor
    const [keep, heads, size] = Array.from((target && inlineValues(target)) ?? [], Number)
    const width = weight?.tensor.shape[1]
    const plain =
      weight && !weight.parameter && weight.tensor.shape.length === 2 && tensorRank(index, context)
    if (plain !== 1 || intOf(gather, 'axis', 0) !== 0 || keep !== 0 || heads! * size! !== width) {
      return undefined
    }
    const { tensor } = weight!
    const split = transposed(reshaped(tensor, [tensor.shape[0]!, heads!, size!]), [1, 0, 2])
    const inputs = [context.constant(split, table!.name), index]
    const rows = context.op('Gather', inputs, { axis: { type: 'int', value: 1 } })
    return [context.op('Transpose', [rows], { perm: ints([0, 2, 1]) })]
  },
}

const tensorRank = (value: Value | undefined, context: RewriteContext): number | undefined =>
  value && context.typeOf(value)?.shape?.length

export const foldTableRules: readonly NodeRule[] = [foldTable, splitTable]
