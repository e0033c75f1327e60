/**
 * How operators of the canonical opset are written in older ones: a row an operator, a step a change.
 *
 * `since` is the opset that brought the newer form; the step applies to every target below it. What has
 * no older form fails with a sentence that names the node, unless a pass has decomposed it before.
 * Source: https://github.com/onnx/onnx/blob/main/docs/Changelog.md.
 */
import { int, intOf, ints, string, stringOf } from '../graph/attributes.ts'
import type { Node } from '../graph/graph.ts'
import { int64Tensor } from '../graph/tensor.ts'
import {
  type Converter,
  cannotConvert,
  trimmed,
  type VersionTable,
  withAttributes,
  withoutAttributes,
} from './convert-opset.ts'
import {
  decomposeGelu,
  decomposeGroupNormalization,
  decomposeMish,
  decomposeRmsNormalization,
  decomposeSwish,
} from './decompose.ts'

/** Attributes that older forms lack; each must have the value that they imply. */
function dropDefaults(defaults: Readonly<Record<string, number | string>>): Converter {
  return (node) => {
    for (const [name, expected] of Object.entries(defaults)) {
      const attribute = node.attributes[name]
      if (!attribute || attribute.value === expected || Number(attribute.value) === expected)
        continue
      throw cannotConvert(
        node,
        `its ${name} must be ${expected} below this opset, got ${String(attribute.value)}`,
      )
    }
    return withoutAttributes(node, ...Object.keys(defaults))
  }
}

/** Axes as an input become an attribute (Reduce* below 18). */
const axesToAttribute: Converter = (node, context) => {
  const [data, axesInput] = node.inputs
  const axes = axesInput ? context.intsOf(axesInput) : []
  if (!axes) throw cannotConvert(node, 'its axes must be a constant below opset 18')
  const keep = withoutAttributes(node, 'noop_with_empty_axes')
  if (axes.length > 0) return { ...withAttributes(keep, { axes: ints(axes) }), inputs: [data] }
  if (intOf(node, 'noop_with_empty_axes', 0) === 0) return { ...keep, inputs: [data] }
  return { ...node, op: 'Identity', inputs: [data], attributes: {} }
}

/** Parts that are not equal need their sizes written out (Split below 18). */
const splitWithoutCount: Converter = (node, context) => {
  const count = intOf(node, 'num_outputs', undefined)
  const plain = withoutAttributes(node, 'num_outputs')
  if (count === undefined || node.inputs[1]) return plain
  const shape = context.typeOf(node.inputs[0])?.shape
  const axis = intOf(node, 'axis', 0)
  const size = shape?.at(axis)
  if (typeof size !== 'number' || size % count === 0) return plain
  const part = Math.ceil(size / count)
  const sizes = Array.from({ length: count }, (_, i) => Math.min(part, size - i * part))
  return { ...plain, inputs: [node.inputs[0], context.constant(int64Tensor(sizes), 'split')] }
}

/** Pads along some axes become pads along all (Pad below 18). */
const padAllAxes: Converter = (node, context) => {
  const [data, pads, value, axesInput] = node.inputs
  if (!axesInput) return { ...node, inputs: trimmed(node.inputs.slice(0, 3)) }
  const axes = context.intsOf(axesInput)
  const sizes = context.intsOf(pads)
  const rank = context.typeOf(data)?.shape?.length
  if (!axes || !sizes || rank === undefined) {
    throw cannotConvert(node, 'its pads, its axes and the rank of its input must be known below 18')
  }
  const all = new Array<number>(2 * rank).fill(0)
  axes.forEach((axis, i) => {
    const at = axis < 0 ? axis + rank : axis
    all[at] = sizes[i]!
    all[at + rank] = sizes[i + axes.length]!
  })
  const padsValue = context.constant(int64Tensor(all), 'pads')
  return { ...node, inputs: trimmed([data, padsValue, value]) }
}

const padModes: Converter = (node) =>
  stringOf(node, 'mode', 'constant') === 'wrap' ? refuse('mode wrap')(node) : node

const resizeModes: Converter = (node) =>
  stringOf(node, 'coordinate_transformation_mode', '') === 'half_pixel_symmetric'
    ? refuse('coordinate mode half_pixel_symmetric')(node)
    : node

const resizeAllAxes: Converter = (node, context) => {
  if (node.attributes.axes) throw cannotConvert(node, 'it has axes, which opsets below 18 lack')
  return dropDefaults({ antialias: 0, keep_aspect_ratio_policy: 'stretch' })(node, context)
}

const reductions: Converter = (node) => {
  const reduction = stringOf(node, 'reduction', 'none')
  return reduction === 'max' || reduction === 'min' ? refuse(`reduction ${reduction}`)(node) : node
}

/** The output's type follows from the zero point again (QuantizeLinear below 21). */
const quantizeWithoutType: Converter = (node, context) => {
  const plain = dropDefaults({ block_size: 0 })(
    withoutAttributes(node, 'output_dtype'),
    context,
  ) as Node
  const code = intOf(node, 'output_dtype', 0)
  if (node.inputs[2] || code === 0 || code === 2) return plain
  throw cannotConvert(node, 'its output type must come from its zero point below opset 21')
}

const gridModes: Readonly<Record<string, string>> = { linear: 'bilinear', cubic: 'bicubic' }
const gridSampleModes: Converter = (node) => {
  const mode = stringOf(node, 'mode', 'linear')
  return withAttributes(node, { mode: string(gridModes[mode] ?? mode) })
}

const dftAxis: Converter = (node, context) => {
  const axis = node.inputs[2] ? context.intsOf(node.inputs[2]) : [-2]
  if (axis?.length !== 1) throw cannotConvert(node, 'its axis must be a constant below opset 20')
  const inputs = trimmed(node.inputs.slice(0, 2))
  return { ...withAttributes(node, { axis: int(axis[0]!) }), inputs }
}

const withoutLengths: Converter = (node) => {
  if (node.inputs[6]) throw cannotConvert(node, 'nonpad_kv_seqlen exists from opset 24')
  return { ...node, inputs: trimmed(node.inputs.slice(0, 6)) }
}

/** An operator, or a form of it, with no older spelling. */
const refuse =
  (what: string) =>
  (node: Node): never => {
    throw cannotConvert(
      node,
      `${what} has no form in the target opset`,
      'Write a newer opset, or run the pass that decomposes it first.',
    )
  }

const only = (since: number, convert: Converter) => [{ since, convert }]
const absentBelow = (since: number) => only(since, refuse('the operator'))
const reduce = only(18, axesToAttribute)

export const lowerTable: VersionTable = {
  AffineGrid: absentBelow(20),
  Attention: [
    { since: 23, convert: refuse('the operator') },
    { since: 24, convert: withoutLengths },
  ],
  AveragePool: only(19, (node, context) =>
    node.attributes.dilations?.type === 'ints' &&
    node.attributes.dilations.value.every((dilation) => Number(dilation) === 1)
      ? withoutAttributes(node, 'dilations')
      : dropDefaults({ dilations: 1 })(node, context),
  ),
  BitwiseAnd: absentBelow(18),
  BitwiseNot: absentBelow(18),
  BitwiseOr: absentBelow(18),
  BitwiseXor: absentBelow(18),
  Cast: [
    { since: 19, convert: dropDefaults({ saturate: 1 }) },
    { since: 24, convert: dropDefaults({ round_mode: 'up' }) },
  ],
  CastLike: [
    { since: 19, convert: dropDefaults({ saturate: 1 }) },
    { since: 24, convert: dropDefaults({ round_mode: 'up' }) },
  ],
  CenterCropPad: absentBelow(18),
  Col2Im: absentBelow(18),
  DFT: only(20, dftAxis),
  DeformConv: absentBelow(19),
  DequantizeLinear: [
    { since: 21, convert: dropDefaults({ block_size: 0 }) },
    { since: 23, convert: dropDefaults({ output_dtype: 0 }) },
  ],
  Gelu: only(20, decomposeGelu),
  GridSample: only(20, gridSampleModes),
  GroupNormalization: only(21, decomposeGroupNormalization),
  ImageDecoder: absentBelow(20),
  LpPool: only(18, dropDefaults({ ceil_mode: 0 })),
  Mish: only(18, decomposeMish),
  Pad: [
    { since: 18, convert: padAllAxes },
    { since: 19, convert: padModes },
  ],
  QuantizeLinear: [
    { since: 19, convert: dropDefaults({ saturate: 1 }) },
    { since: 21, convert: quantizeWithoutType },
    { since: 23, convert: dropDefaults({ precision: 0 }) },
  ],
  RMSNormalization: only(23, decomposeRmsNormalization),
  ReduceL1: reduce,
  ReduceL2: reduce,
  ReduceLogSum: reduce,
  ReduceLogSumExp: reduce,
  ReduceMax: reduce,
  ReduceMean: reduce,
  ReduceMin: reduce,
  ReduceProd: reduce,
  ReduceSumSquare: reduce,
  RegexFullMatch: absentBelow(20),
  Resize: [
    { since: 18, convert: resizeAllAxes },
    { since: 19, convert: resizeModes },
  ],
  RotaryEmbedding: absentBelow(23),
  ScatterElements: only(18, reductions),
  ScatterND: only(18, reductions),
  Split: only(18, splitWithoutCount),
  StringConcat: absentBelow(20),
  StringSplit: absentBelow(20),
  Swish: only(24, decomposeSwish),
  TensorScatter: absentBelow(24),
}
