/**
 * Products of codes: MatMulInteger and ConvInteger with the Cast and the Muls behind them that make floats of
 * their sums (`quantize_dynamic` of ONNX Runtime writes these, and this toolkit's portable files), and the kernels
 * that do it in one.
 *
 *     (qa − za)·sa × (qb − zb)·sb = ((qa − za) × (qb − zb)) · sa · sb
 *
 * A product owes the scales of its operands. Each Mul that brings one is taken off; constants that come with them are
 * the scales of the weight. When nothing is owed any more, the float product stands in the place of the last Mul.
 */
import { intOf } from '../../graph/attributes.ts'
import { elementCount } from '../../graph/data-type.ts'
import type { Node, Value } from '../../graph/graph.ts'
import type { Tensor } from '../../graph/tensor.ts'
import type { Convert, Dequantizer, Pending } from './dequantizer.ts'

type Product = (to: Dequantizer, a: Value, b: Value) => Value

/** Either a float, or codes whose scale is to come. */
type Side = { readonly float: Value; readonly scale: Value } | { readonly codes: Value }

function sideOf(to: Dequantizer, value: Value, zero: Value | undefined): Side | string {
  if (to.tensor(value)) return { codes: value }
  const shadow = to.shadows.get(value)
  if (!shadow) return `'${value.name}' was not quantized in the graph`
  if (!to.same(shadow.zero, zero)) return `'${value.name}' is read by another zero point`
  return { float: shadow.float, scale: shadow.scale }
}

/** Makes the sums of an integer product owe their scales. `axis` is that of a weight's scales in its codes. */
const integerProduct =
  (axis: (tensor: Tensor) => number, product: (node: Node) => Product): Convert =>
  (node, to) => {
    const [a, b, za, zb] = node.inputs
    if (!a || !b) return 'an operand is absent'
    const [left, right] = [sideOf(to, a, za), sideOf(to, b, zb)]
    if (typeof left === 'string') return left
    if (typeof right === 'string') return right
    if ('codes' in left && 'codes' in right) return 'both operands are constants'
    const floatOf = (side: Side, zero: Value | undefined, factor: Tensor, isRight: boolean) => {
      if ('float' in side) return side.float
      const codes = to.tensor(side.codes)!
      const scales = to.constant(factor)
      if (!isRight && elementCount(factor.shape) > 1) return 'scales of rows are not understood'
      return to.floatWeight([side.codes, scales, zero], codes, { axis: axis(codes) })
    }
    const owed = [left, right].flatMap((side) => ('float' in side ? [side.scale] : []))
    const ofCodes = owed.length < 2
    to.pending.set(node.outputs[0]!, {
      owed,
      constants: [],
      ofCodes,
      make(factor) {
        const x = floatOf(left, za, factor, false)
        const y = floatOf(right, zb, factor, true)
        if (typeof x === 'string') return x
        if (typeof y === 'string') return y
        const made = product(node)(to, x, y)
        return ofCodes || isOne(to, factor) ? made : to.op('Mul', [made, to.constant(factor)])
      },
    })
    return true
  }

const isOne = (to: Dequantizer, factor: Tensor): boolean =>
  Array.from(to.numbers(to.constant(factor))!).every((each) => Math.abs(each - 1) < 1e-6)

/** `Cast(sums)` owes what the sums owe. */
const cast: Convert = (node, to) => {
  const pending = node.inputs[0] && to.pending.get(node.inputs[0])
  if (!pending) return ''
  if (![1, 10, 16].includes(intOf(node, 'to', 0))) return 'its sums are no floats'
  to.pending.set(node.outputs[0]!, pending)
  return true
}

/** Factors of a value, as far as Muls and views of owed scales tell. */
function factorsOf(to: Dequantizer, value: Value, owed: readonly Value[]): Value[] {
  if (owed.includes(value) || to.tensor(value)) return [value]
  const node = to.producer(value)
  const [first, second] = node?.inputs ?? []
  if (node?.op === 'Mul' && first && second) {
    return [...factorsOf(to, first, owed), ...factorsOf(to, second, owed)]
  }
  const isView = node && ['Unsqueeze', 'Reshape', 'Squeeze'].includes(node.op)
  return isView && first && owed.includes(first) ? [first] : [value]
}

/** `pending · factor`. */
const multiply: Convert = (node, to) => {
  const [a, b] = node.inputs
  const side = [a, b].findIndex((value) => value && to.pending.has(value))
  const output = node.outputs[0]
  if (side < 0 || !a || !b || !output) return tableOf(node, to)
  const pending = to.pending.get(side === 0 ? a : b)!
  const factors = factorsOf(to, side === 0 ? b : a, pending.owed)
  const owed = [...pending.owed]
  const constants = [...pending.constants]
  for (const factor of factors) {
    const at = owed.indexOf(factor)
    if (at >= 0) owed.splice(at, 1)
    else if (to.tensor(factor)) constants.push(factor)
    else return `it is multiplied by '${factor.name}', which is no scale`
  }
  return settle(to, output, { ...pending, owed, constants })
}

/** Writes the float once only constants are owed. */
function settle(to: Dequantizer, output: Value, pending: Pending): true | string {
  const { owed, constants, ofCodes } = pending
  to.pending.set(output, pending)
  if (owed.some((scale) => !to.tensor(scale))) return true
  const next = to.readers.get(output) ?? []
  const scaleToCome =
    next.length === 1 && next[0]!.op === 'Mul' && next[0]!.inputs.some((value) => to.tensor(value))
  if (ofCodes && constants.length === 0 && scaleToCome) return true
  const factor = quotient(to, constants, owed)
  if (typeof factor === 'string') return factor
  const float = pending.make(factor)
  if (typeof float === 'string') return float
  to.replace(output, float)
  return true
}

/** `Πconstants / Πowed`, a number or one for each column. */
function quotient(
  to: Dequantizer,
  constants: readonly Value[],
  owed: readonly Value[],
): Tensor | string {
  const lists = [...constants, ...owed].map((value) => to.numbers(value)!)
  const length = Math.max(1, ...lists.map((list) => list.length))
  if (lists.some((list) => list.length !== 1 && list.length !== length)) {
    return 'its scales are of different sizes'
  }
  const values = Array.from({ length }, (_, i) =>
    lists.reduce((result, list, at) => {
      const value = list[list.length === 1 ? 0 : i]!
      return at < constants.length ? result * value : result / value
    }, 1),
  )
  return to.floats32(values, length === 1 ? [] : [length])
}

/** `Cast(Gather(codes, ids)) · Gather(scales, ids)`: rows of a table with a scale each. */
const tableOf: Convert = (node, to) => {
  const gathers = node.inputs.map((value) => {
    const made = value && to.producer(value)
    return made?.op === 'Cast' && made.inputs[0] ? to.producer(made.inputs[0]) : made
  })
  if (gathers.some((made) => made?.op !== 'Gather' || intOf(made, 'axis', 0) !== 0)) return ''
  const [first, second] = gathers as [Node, Node]
  if (first.inputs[1] !== second.inputs[1]) return ''
  const isCodes = ({ inputs: [table] }: Node) => /^u?int8$/.test(to.tensor(table)?.dtype ?? '')
  const [codes, scales] = isCodes(first) ? [first, second] : [second, first]
  const table = to.tensor(codes.inputs[0])
  const rows = to.tensor(scales.inputs[0])
  if (!isCodes(codes) || !table || !rows?.dtype.startsWith('float')) return ''
  if (elementCount(rows.shape) !== table.shape[0] || rows.shape.length !== table.shape.length)
    return ''
  const float = to.floatWeight([codes.inputs[0], scales.inputs[0], undefined], table, { axis: 0 })
  if (typeof float === 'string') return float
  to.replace(node.outputs[0], to.op('Gather', [float, codes.inputs[1]], codes.attributes))
  return true
}

const plus = (to: Dequantizer, value: Value, bias: Value | undefined): Value =>
  bias ? to.op('Add', [value, bias]) : value

const matMulIntegerToFloat: Convert = (node, to) => {
  const [a, b, as, bs, az, bz, bias] = node.inputs
  const [output] = node.outputs
  if (!a || !b || !as || !output) return 'an operand is absent'
  const weight = to.floatOf([b, bs, bz], { axis: -1 })
  if (typeof weight === 'string') return weight
  const left = sideOf(to, a, az)
  if (typeof left === 'string') return left
  if ('codes' in left || to.same(left.scale, as)) {
    const x = to.floatOf([a, as, az], { axis: -2 })
    if (typeof x === 'string') return x
    to.replace(output, plus(to, to.op('MatMul', [x, weight]), bias))
    return true
  }
  // a scale a token comes behind it
  if (bias) return `'${a.name}' is read by another scale than it is written by`
  return settle(to, output, {
    owed: [left.scale],
    constants: [as],
    ofCodes: false,
    make(factor) {
      const made = to.op('MatMul', [left.float, weight])
      return isOne(to, factor) ? made : to.op('Mul', [made, to.constant(factor)])
    },
  })
}

const dynamicQuantizeMatMul: Convert = (node, to) => {
  const [a, b, bs, bz, bias] = node.inputs
  if (!a) return 'an operand is absent'
  const weight = to.floatOf([b, bs, bz], { axis: -1 })
  if (typeof weight === 'string') return weight
  to.replace(node.outputs[0], plus(to, to.op('MatMul', [a, weight]), bias))
  return true
}

export const integerProducts: Readonly<Record<string, Convert>> = {
  MatMulInteger: integerProduct(
    ({ shape }) => shape.length - 1,
    () => (to, a, b) => to.op('MatMul', [a, b]),
  ),
  ConvInteger: integerProduct(
    () => 0,
    ({ attributes }) =>
      (to, a, b) =>
        to.op('Conv', [a, b], attributes),
  ),
  Cast: cast,
  Mul: multiply,
  MatMulIntegerToFloat: matMulIntegerToFloat,
  DynamicQuantizeMatMul: dynamicQuantizeMatMul,
}
