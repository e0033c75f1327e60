/**
 * Quantization-aware training: layers that are marked for few bits compute with rounded weights and inputs,
 * and rounding passes gradients on as they are (Q8BERT, Zafrir et al. 2019; Jacob et al. 2018).
 *
 * The marks are those of the quantization passes, and scales are computed as those compute them, so that the
 * model that is deployed computes what was trained. Ranges of activations are moving averages, a state of the
 * step that the deployed model takes over; with ranges found at run time they are each batch's own.
 */
import { int } from '../graph/attributes.ts'
import type {
  BlockQuantizationNote,
  IntegerQuantization,
  StaticQuantizationNote,
  Value,
  ValueQuantization,
} from '../graph/graph.ts'
import type { NodeRule, RewriteContext } from '../graph/rewrite.ts'
import { floatScalar, int64Tensor } from '../graph/tensor.ts'
import { weightLevels } from '../onnx/quantize-weight.ts'
import type { LinearLayer } from '../passes/linear-layer.ts'
import type { LinearKernel, LinearKernels } from '../passes/lower-linear.ts'

/** Below this a scale has no digits left to divide by, and 1 stands in its place. */
const LEAST_SCALE = 2 ** -126

const [UINT8, INT8, UINT4] = [2, 3, 21]

/** Layers that share a range of activations, by the names of their weights, and where it begins. */
export interface AveragedRange {
  readonly layers: readonly string[]
  /** As the marks say; of no width where the first batch is to set it. */
  readonly start: ValueQuantization
}

/** A range that is averaged: whose, and its value after the step, `[1, 2]`. */
interface Averaged extends AveragedRange {
  readonly x: Value
  readonly layers: string[]
  readonly after: Value
}

/** What a batch adds to the averages; or the rows of averages that stay as they are, by their layers. */
export type RangeSource = { readonly share: Value } | { readonly rows: readonly AveragedRange[] }

/** Writes the kernels of one graph. */
export class FakeQuantizer {
  private readonly averaged: Averaged[] = []
  private readonly ranges: Value
  private readonly source: RangeSource

  /** `ranges` `[n, 2]` are the averages before the step. */
  constructor(ranges: Value, source: RangeSource) {
    this.ranges = ranges
    this.source = source
  }

  /** The ranges that are averaged; none where they stay. */
  get found(): readonly Pick<Averaged, 'layers' | 'start' | 'after'>[] {
    return this.averaged
  }

  get kernels(): LinearKernels {
    const of =
      (input: (context: RewriteContext, layer: LinearLayer, x: Value) => Value): LinearKernel =>
      (context, layer, x) => {
        const operands = [input(context, layer, x), roundedWeight(context, layer)]
        const inputs = layer.bias ? [...operands, layer.bias] : operands
        return context.op('Gemm', inputs, { transB: int(1) })
      }
    return {
      static: of((context, layer, x) => this.staticInput(context, layer, x)),
      dynamic: of((context, _, x) => affine(context, x, rangeOf(context, x))),
      'dynamic-token': of((context, _, x) => symmetricRows(context, x, 8)),
      blocks: of((_, __, x) => x),
    }
  }

  /** Rounded by the average of the ranges seen, this batch included. */
  private staticInput(context: RewriteContext, layer: LinearLayer, x: Value): Value {
    const name = layer.weight.parameter?.name ?? layer.weightValue.name
    if ('rows' in this.source) {
      const at = this.source.rows.findIndex(({ layers }) => layers.includes(name))
      return affine(context, x, this.before(context, at))
    }
    const known = this.averaged.find((one) => one.x === layer.x)
    if (known) known.layers.push(name)
    const averaged = known ?? this.average(context, layer, x, name, this.source.share)
    return affine(context, x, averaged.after)
  }

  /** r ← r + share·(now − r) */
  private average(
    context: RewriteContext,
    layer: LinearLayer,
    x: Value,
    name: string,
    share: Value,
  ): Averaged {
    const before = this.before(context, this.averaged.length)
    const moved = context.op('Sub', [rangeOf(context, x), before])
    const after = context.op('Add', [before, context.op('Mul', [moved, share])])
    const { input: start } = layer.matmul.quantization as StaticQuantizationNote
    const averaged = { x: layer.x, layers: [name], start, after }
    this.averaged.push(averaged)
    return averaged
  }

  private before(context: RewriteContext, at: number): Value {
    const [from, to] = [at, at + 1].map((i) => integers(context, [i]))
    return context.op('Slice', [this.ranges, from, to, integers(context, [0])])
  }
}

const integers = (context: RewriteContext, values: readonly number[]): Value =>
  context.constant(int64Tensor(values), 'integers')
const number = (context: RewriteContext, value: number): Value =>
  context.constant(floatScalar(value), `${value}`)

/** The least and the largest element: `[1, 2]`. */
function rangeOf(context: RewriteContext, x: Value): Value {
  const ends = ['ReduceMin', 'ReduceMax'].map((op) =>
    context.op('Reshape', [context.op(op, [x], { keepdims: int(0) }), integers(context, [1, 1])]),
  )
  return context.op('Concat', ends, { axis: int(1) })
}

/** One where a scale is too small to divide by. */
function safeScale(context: RewriteContext, scale: Value): Value {
  const small = context.op('Less', [scale, number(context, LEAST_SCALE)])
  return context.op('Where', [small, number(context, 1), scale])
}

/** uint8 with 0 exactly on a code: scale = (max − min)/255, zero = round(−min/scale). */
function affine(context: RewriteContext, x: Value, range: Value): Value {
  const end = (at: number): Value => {
    const bounds = [integers(context, [at]), integers(context, [at + 1]), integers(context, [1])]
    return context.op('Reshape', [context.op('Slice', [range, ...bounds]), integers(context, [])])
  }
  const low = context.op('Min', [end(0), number(context, 0)])
  const high = context.op('Max', [end(1), number(context, 0)])
  const width = context.op('Sub', [high, low])
  const scale = safeScale(context, context.op('Div', [width, number(context, 255)]))
  const zero = context.op('Round', [context.op('Neg', [context.op('Div', [low, scale])])])
  return rounded(context, x, scale, context.op('Cast', [zero], { to: int(UINT8) }))
}

function rounded(
  context: RewriteContext,
  x: Value,
  scale: Value,
  zero: Value,
  axis?: number,
): Value {
  const attributes = axis === undefined ? {} : { axis: int(axis) }
  const codes = context.op('QuantizeLinear', [x, scale, zero], attributes)
  return context.op('DequantizeLinear', [codes, scale, zero], attributes)
}

/** int8 codes by one scale a row: max|x| over the largest code. */
function symmetricRows(context: RewriteContext, x: Value, bits: number): Value {
  const axis = integers(context, [1])
  const largest = context.op('ReduceMax', [context.op('Abs', [x]), axis], { keepdims: int(0) })
  const levels = number(context, weightLevels(bits))
  const scale = safeScale(context, context.op('Div', [largest, levels]))
  return rounded(context, x, scale, zerosLike(context, scale, INT8), 0)
}

/** Zero points of as many elements as `scale`, of the integer type with this code. */
function zerosLike(context: RewriteContext, scale: Value, code: number): Value {
  const none = context.op('Mul', [scale, number(context, 0)])
  return context.op('Cast', [none], { to: int(code) })
}

/** The weight `[out, in]` of a marked layer as its codes say it. */
function roundedWeight(context: RewriteContext, layer: LinearLayer): Value {
  const note = layer.matmul.quantization as
    | BlockQuantizationNote
    | IntegerQuantization
    | StaticQuantizationNote
  const w = layer.weightValue
  if (note.scheme === 'blocks') return inBlocks(context, w, layer.inSize, note)
  if (note.granularity !== 'tensor') return symmetricRows(context, w, note.weightBits)
  const row = context.op('Reshape', [w, integers(context, [1, -1])])
  const shape = integers(context, [layer.outSize, layer.inSize])
  return context.op('Reshape', [symmetricRows(context, row, note.weightBits), shape])
}

/** A scale for each block of a row, as `onnx/quantize-blocks.ts` finds them; half a block is filled with zeros. */
function inBlocks(
  context: RewriteContext,
  rows: Value,
  width: number,
  { block, weightBits: bits, symmetric }: BlockQuantizationNote,
): Value {
  const filled = Math.ceil(width / block) * block
  const fill = integers(context, [0, 0, 0, filled - width])
  const whole = filled === width ? rows : context.op('Pad', [rows, fill])
  const blocks = context.op('Reshape', [whole, integers(context, [-1, block])])
  const axis = integers(context, [1])
  const [low, high] = ['ReduceMin', 'ReduceMax'].map((op) =>
    context.op(op, [blocks, axis], { keepdims: int(0) }),
  ) as [Value, Value]
  const codes = symmetric
    ? symmetricCodes(context, low, high, bits)
    : affineCodes(context, low, high, bits)
  const zero = context.op('Cast', [codes.zero], { to: int(bits === 4 ? UINT4 : UINT8) })
  const back = rounded(context, blocks, codes.scale, zero, 0)
  const rounding = context.op('Reshape', [back, integers(context, [-1, filled])])
  if (filled === width) return rounding
  const bounds = [[0], [width], [1]].map((at) => integers(context, at))
  return context.op('Slice', [rounding, ...bounds])
}

interface Codes {
  readonly scale: Value
  readonly zero: Value
}

/** scale = w*∕−2^(bits−1) for the element w* of largest size, zero in the middle. */
function symmetricCodes(context: RewriteContext, low: Value, high: Value, bits: number): Codes {
  const positive = context.op('Greater', [high, context.op('Neg', [low])])
  const largest = context.op('Where', [positive, high, low])
  const scale = context.op('Div', [largest, number(context, -(2 ** (bits - 1)))])
  const none = context.op('Less', [context.op('Abs', [scale]), number(context, LEAST_SCALE)])
  const safe = context.op('Where', [none, number(context, 1), scale])
  const middle = number(context, 2 ** (bits - 1))
  const zero = context.op('Add', [context.op('Mul', [safe, number(context, 0)]), middle])
  return { scale: safe, zero }
}

/** scale = (max − min)/(2^bits − 1) over a range that holds 0, zero = round(−min/scale). */
function affineCodes(context: RewriteContext, low: Value, high: Value, bits: number): Codes {
  const [least, most] = [
    context.op('Min', [low, number(context, 0)]),
    context.op('Max', [high, number(context, 0)]),
  ]
  const width = context.op('Sub', [most, least])
  const scale = safeScale(context, context.op('Div', [width, number(context, 2 ** bits - 1)]))
  return {
    scale,
    zero: context.op('Round', [context.op('Neg', [context.op('Div', [least, scale])])]),
  }
}

/** Rows of a marked table, each rounded by its own scale. */
export const fakeTable: NodeRule = {
  name: 'fake-table',
  anchors: ['Gather'],
  apply(node, context) {
    const [table, ids] = node.inputs
    const note = node.quantization
    const width = table && context.weight(table)?.tensor.shape[1]
    if (!note || !table || !ids || width === undefined) return undefined
    if (note.scheme !== 'weight-only' && note.scheme !== 'blocks') return undefined
    const rows = context.op('Gather', [table, ids], node.attributes)
    const flat = context.op('Reshape', [rows, integers(context, [-1, width])])
    const shape = context.op('Shape', [rows])
    const back =
      note.scheme === 'blocks'
        ? inBlocks(context, flat, width, note)
        : symmetricRows(context, flat, note.weightBits)
    return [context.op('Reshape', [back, shape])]
  },
}
