/**
 * How operators of older opsets are written in the canonical one: a row an operator, a step a change.
 *
 * `since` is the opset that brought the newer form; the step applies to every source below it. Changes
 * that only add element types or attributes whose default is the old meaning need no row.
 * Source: https://github.com/onnx/onnx/blob/main/docs/Changelog.md.
 */
import { floatOf, int, intOf, intsOf, string, stringOf } from '../graph/attributes.ts'
import type { Value } from '../graph/graph.ts'
import { float32Tensor, int64Tensor, tensorSize } from '../graph/tensor.ts'
import {
  type Converter,
  cannotConvert,
  Replacement,
  trimmed,
  type VersionTable,
  withAttributes,
  withoutAttributes,
} from './convert-opset.ts'
import { scalarsLike } from './scalar-like.ts'

/** Integer attributes that became inputs; `at` is the place of each. */
const intsToInputs =
  (places: Readonly<Record<string, number>>): Converter =>
  (node, context) => {
    const inputs = [...node.inputs]
    for (const [name, at] of Object.entries(places)) {
      const values =
        intsOf(node, name) ?? [intOf(node, name, undefined)].filter((x) => x !== undefined)
      while (inputs.length <= at) inputs.push(undefined)
      if (name in node.attributes) inputs[at] = context.constant(int64Tensor(values), name)
    }
    return { ...withoutAttributes(node, ...Object.keys(places)), inputs: trimmed(inputs) }
  }

const axesToInput = intsToInputs({ axes: 1 })

const clipBounds: Converter = (node, context) => {
  const out = new Replacement(node)
  const x = node.inputs[0]!
  const scalar = scalarsLike(x, out, context)
  const bound = (name: string): Value | undefined => {
    const value = floatOf(node, name, undefined)
    return value === undefined ? undefined : scalar(value)
  }
  return out.last('Clip', trimmed([x, bound('min'), bound('max')]))
}

const padInputs: Converter = (node, context) => {
  const out = new Replacement(node)
  const x = node.inputs[0]!
  const pads = context.constant(int64Tensor(intsOf(node, 'pads') ?? []), 'pads')
  const value = floatOf(node, 'value', 0)
  const fill = value === 0 ? undefined : scalarsLike(x, out, context)(value)
  const { attributes } = withoutAttributes(node, 'pads', 'value')
  return out.last('Pad', trimmed([x, pads, fill]), attributes)
}

/** Equal parts must be counted from 18 on. */
const countParts: Converter = (node) =>
  node.inputs[1] || 'num_outputs' in node.attributes
    ? node
    : withAttributes(node, { num_outputs: int(node.outputs.length) })

/** Below 12 (and at inference) nothing is dropped, whatever the ratio. */
const dropoutRatio: Converter = (node) => withoutAttributes(node, 'ratio')

const batchNormSpatial: Converter = (node) => {
  if (intOf(node, 'spatial', 1) !== 1) throw cannotConvert(node, 'spatial = 0 has no newer form')
  return withoutAttributes(node, 'spatial')
}

/** Extra outputs meant training below 14. */
const batchNormOutputs: Converter = (node) => {
  const extra = node.outputs.slice(1).filter((output) => output)
  if (extra.length === 0) return { ...node, outputs: node.outputs.slice(0, 1) }
  if (node.outputs[3] || node.outputs[4]) {
    throw cannotConvert(node, 'its saved mean and variance have no newer form')
  }
  return {
    ...withAttributes(node, { training_mode: int(1) }),
    outputs: node.outputs.slice(0, 3),
  }
}

const upsampleScales: Converter = (node, context) => {
  const scales = node.attributes.scales
  const values = scales?.type === 'floats' ? scales.value : []
  const inputs = [node.inputs[0], context.constant(float32Tensor(values), 'scales')]
  return { ...withoutAttributes(node, 'scales'), inputs }
}

/** Resize 10 (and Upsample before it) takes pixel i from i / scale, rounded down. */
const resizeAsymmetric: Converter = (node) => ({
  ...withAttributes(node, {
    coordinate_transformation_mode: string('asymmetric'),
    nearest_mode: string('floor'),
  }),
  op: 'Resize',
  inputs: [node.inputs[0], undefined, node.inputs[1]],
})

/** Empty scales beside sizes are absent from 13 on. */
const resizeEmptyScales: Converter = (node, context) => {
  const scales = context.tensorOf(node.inputs[2])
  if (!node.inputs[3] || !scales || tensorSize(scales) > 0) return node
  return { ...node, inputs: [node.inputs[0], node.inputs[1], undefined, node.inputs[3]] }
}

/** Scale and bias were one a group below 21, and are one a channel since. */
const groupNormPerChannel: Converter = (node, context) => {
  const out = new Replacement(node)
  const [x, scale, bias] = node.inputs as [Value, Value, Value]
  const groups = intOf(node, 'num_groups', 1)
  const constant = (values: readonly number[]) => context.constant(int64Tensor(values))
  const channels = out.op('Shape', [x], { start: int(1), end: int(2) })
  const each = out.op('Div', [channels, constant([groups])])
  const shape = out.op('Concat', [constant([groups]), each], { axis: int(0) })
  const spread = (value: Value): Value => {
    const column = out.op('Unsqueeze', [value, constant([1])])
    return out.op('Reshape', [out.op('Expand', [column, shape]), constant([-1])])
  }
  return out.last('GroupNormalization', [x, spread(scale), spread(bias)], node.attributes)
}

const gridModes: Readonly<Record<string, string>> = { bilinear: 'linear', bicubic: 'cubic' }
const gridSampleModes: Converter = (node) => {
  const mode = stringOf(node, 'mode', 'bilinear')
  return withAttributes(node, { mode: string(gridModes[mode] ?? mode) })
}

const roiAlignMode: Converter = (node) =>
  'coordinate_transformation_mode' in node.attributes
    ? node
    : withAttributes(node, { coordinate_transformation_mode: string('output_half_pixel') })

const dftAxis: Converter = (node, context) => {
  const axis = context.constant(int64Tensor([intOf(node, 'axis', 1)], []), 'axis')
  return { ...withoutAttributes(node, 'axis'), inputs: [node.inputs[0], node.inputs[1], axis] }
}

const renamed =
  (op: string): Converter =>
  (node) => ({ ...node, op })

const noNewerForm: Converter = (node) => {
  throw cannotConvert(node, 'its form in this opset has no newer one', 'Export a newer opset.')
}

const step = (since: number, convert: Converter) => ({ since, convert })
const reduce = [step(18, axesToInput)]

export const liftTable: VersionTable = {
  BatchNormalization: [step(9, batchNormSpatial), step(14, batchNormOutputs)],
  Clip: [step(11, clipBounds)],
  DFT: [step(20, dftAxis)],
  Dropout: [step(12, dropoutRatio)],
  GridSample: [step(20, gridSampleModes)],
  GroupNormalization: [step(21, groupNormPerChannel)],
  Pad: [step(11, padInputs)],
  ReduceL1: reduce,
  ReduceL2: reduce,
  ReduceLogSum: reduce,
  ReduceLogSumExp: reduce,
  ReduceMax: reduce,
  ReduceMean: reduce,
  ReduceMin: reduce,
  ReduceProd: reduce,
  ReduceSum: [step(13, axesToInput)],
  ReduceSumSquare: reduce,
  Resize: [step(11, resizeAsymmetric), step(13, resizeEmptyScales)],
  RoiAlign: [step(16, roiAlignMode)],
  Scan: [step(9, noNewerForm)],
  Scatter: [step(11, renamed('ScatterElements'))],
  Slice: [step(10, intsToInputs({ starts: 1, ends: 2, axes: 3 }))],
  Split: [step(13, intsToInputs({ split: 1 })), step(18, countParts)],
  Squeeze: [step(13, axesToInput)],
  TopK: [step(10, intsToInputs({ k: 1 }))],
  Unsqueeze: [step(13, axesToInput)],
  Upsample: [step(9, upsampleScales), step(11, resizeAsymmetric)],
}

/**
 * Softmax, LogSoftmax and Hardmax below 13 work on the tensor flattened to two dimensions at `axis` (1 by
 * default). On the last axis that is what the newer form does; elsewhere the flattening is written out.
 */
export const flattenedSoftmax =
  (rankOf: (value: Value) => number | undefined): Converter =>
  (node) => {
    const x = node.inputs[0]!
    const axis = intOf(node, 'axis', 1)
    if (axis === -1 || axis + 1 === rankOf(x)) return withAttributes(node, { axis: int(-1) })
    const out = new Replacement(node)
    const flat = out.op('Flatten', [x], { axis: int(axis) })
    const result = out.op(node.op, [flat], { axis: int(-1) })
    return out.last('Reshape', [result, out.op('Shape', [x])])
  }

/** The operators of `flattenedSoftmax`, and the opset that changed them. */
export const flattening = { ops: new Set(['Softmax', 'LogSoftmax', 'Hardmax']), since: 13 } as const
