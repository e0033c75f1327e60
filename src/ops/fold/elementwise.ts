/**
 * Values of elementwise operators. Basic arithmetic and square roots are exact in single precision
 * (a double result rounded once more is the correctly rounded one, Figueroa 1995); transcendental
 * functions are within one unit in the last place of ONNX Runtime's.
 */
import { floatOf, intOf, stringOf } from '../../graph/attributes.ts'
import type { DataType, HostTensor } from '../../graph/data-type.ts'
import type { KnownOp } from '../known.ts'
import {
  type FoldContext,
  type FoldRow,
  host,
  isPlain,
  type NeverFolded,
  reshapedHost,
} from './fold-row.ts'
import { erf, gelu, larger, roundEven, smaller, tanhGelu } from './functions.ts'
import { broadcastWalk, take } from './strided.ts'

type Numeric = ArrayLike<number | bigint>
const isBig = (tensor: HostTensor): boolean =>
  tensor.data instanceof BigInt64Array || tensor.data instanceof BigUint64Array

/** Maps floats (and, with `big`, 64-bit integers). */
function unary(map: (x: number) => number, big?: (x: bigint) => bigint): FoldRow {
  return ({ inputs: [x], outputs: [out] }) => {
    if (!x || !out || !isPlain(x.dtype)) return undefined
    if (!isBig(x)) return [host(out.dtype, out.shape, Array.from(x.data as Float32Array, map))]
    return big && [host(out.dtype, out.shape, Array.from(x.data as BigInt64Array, big))]
  }
}

/** A function of floats alone, with the node's settings. */
const float =
  (make: (context: FoldContext) => (x: number) => number): FoldRow =>
  (context) =>
    unary(make(context))(context)

interface Combine {
  readonly number: (a: number, b: number, dtype: DataType) => number | undefined
  readonly big?: (a: bigint, b: bigint) => bigint | undefined
}

/** Operands broadcast together and combined from the left; undefined anywhere leaves the node. */
const broadcasting =
  (make: (context: FoldContext) => Combine): FoldRow =>
  (context) => {
    const { inputs, outputs } = context
    const [out] = outputs
    const operands = inputs.filter((input) => input !== undefined)
    if (!out || operands.some((operand) => !isPlain(operand.dtype))) return undefined
    const { number, big } = make(context)
    const spread = operands.map((operand) =>
      take(operand, broadcastWalk(operand.shape, out.shape), out.shape),
    )
    let values = Array.from(spread[0]!.data as Numeric)
    for (const { data } of spread.slice(1)) {
      const combined = values.map((a, i) => {
        const b = (data as Numeric)[i]!
        if (typeof a === 'bigint') return typeof b === 'bigint' ? big?.(a, b) : undefined
        const result = typeof b === 'number' ? number(a, b, operands[0]!.dtype) : undefined
        return result !== undefined && operands[0]!.dtype === 'float32'
          ? Math.fround(result)
          : result
      })
      if (combined.some((value) => value === undefined)) return undefined
      values = combined as (number | bigint)[]
    }
    return [host(out.dtype, out.shape, values)]
  }

const binary = (number: Combine['number'], big?: Combine['big']): FoldRow =>
  broadcasting(() => (big ? { number, big } : { number }))

const isFloat = (dtype: DataType): boolean => dtype === 'float32' || dtype === 'float64'
const test = (compare: (a: number | bigint, b: number | bigint) => boolean): FoldRow =>
  compared((a, b) => Number(compare(a, b)))

/** Comparisons of any type give booleans. */
function compared(compare: (a: number | bigint, b: number | bigint) => number): FoldRow {
  return ({ inputs: [a, b], outputs: [out] }) => {
    if (!a || !b || !out || !isPlain(a.dtype)) return undefined
    const [x, y] = [a, b].map(
      (side) => take(side, broadcastWalk(side.shape, out.shape), out.shape).data as Numeric,
    )
    return [
      host(
        'bool',
        out.shape,
        Array.from(x!, (value, i) => compare(value, y![i]!)),
      ),
    ]
  }
}

/** Toward zero for integers, as C++ divides. */
const divide = (a: number, b: number, dtype: DataType): number | undefined =>
  isFloat(dtype) ? a / b : b === 0 ? undefined : Math.trunc(a / b)
const multiply = (a: number, b: number, dtype: DataType): number =>
  dtype === 'int32' ? Math.imul(a, b) : a * b

const modulo: FoldRow = broadcasting(({ node }) => {
  const truncated = intOf(node, 'fmod', 0) === 1
  return {
    number: (a, b, dtype) => {
      if (truncated || isFloat(dtype)) return a % b
      return b === 0 ? undefined : a - b * Math.floor(a / b)
    },
    big: (a, b) => {
      if (b === 0n) return undefined
      const rest = a % b
      return truncated || rest === 0n || rest < 0n === b < 0n ? rest : rest + b
    },
  }
})

const power: FoldRow = (context) => {
  const [x, y] = context.inputs
  if (!x || !y || !isFloat(x.dtype) || !isPlain(y.dtype)) return undefined
  const exponent = host('float64', y.shape, Array.from(y.data as Numeric, Number))
  return binary((a, b) => a ** b)({ ...context, inputs: [x, exponent] })
}

/** Bounds may be absent; each is a scalar of the operand's type. */
const clip: FoldRow = (context) => {
  const [x, low, high] = context.inputs
  if (!x || isBig(x) || !isPlain(x.dtype)) return undefined
  const from = low ? Number(low.data[0]) : Number.NEGATIVE_INFINITY
  const to = high ? Number(high.data[0]) : Number.POSITIVE_INFINITY
  return unary((value) => Math.min(Math.max(value, from), to))(context)
}

const integerRange: Partial<Record<DataType, readonly [number, number]>> = {
  int64: [-(2 ** 63), 2 ** 63 - 1024],
  int32: [-(2 ** 31), 2 ** 31 - 1],
  int16: [-32768, 32767],
  int8: [-128, 127],
  uint64: [0, 2 ** 64 - 2048],
  uint32: [0, 2 ** 32 - 1],
  uint16: [0, 65535],
  uint8: [0, 255],
}

/** Floats truncate toward zero; out of range is the kernel's own affair. */
const cast: FoldRow = ({ inputs: [x], outputs: [out] }) => {
  if (!x || !out || !isPlain(x.dtype) || !isPlain(out.dtype)) return undefined
  if (x.dtype === out.dtype) return [reshapedHost(x, out.shape)]
  if (out.dtype === 'bool') {
    return [
      host(
        'bool',
        out.shape,
        Array.from(x.data as Numeric, (value) => Number(Number(value) !== 0)),
      ),
    ]
  }
  const numbers = Array.from(x.data as Numeric, Number)
  if (isBig(x) && !numbers.every(Number.isSafeInteger)) return undefined
  const range = integerRange[out.dtype]
  if (!range) return [host(out.dtype, out.shape, numbers)]
  const whole = numbers.map((value) => Math.trunc(value) + 0)
  if (!whole.every((value) => value >= range[0] && value <= range[1])) return undefined
  const wide = out.dtype === 'int64' || out.dtype === 'uint64'
  return [host(out.dtype, out.shape, wide ? whole.map(BigInt) : whole)]
}

const where: FoldRow = ({ inputs: [condition, a, b], outputs: [out] }) => {
  if (!condition || !a || !b || !out) return undefined
  const [test, x, y] = [condition, a, b].map(
    (side) => take(side, broadcastWalk(side.shape, out.shape), out.shape).data as Numeric,
  )
  return [
    host(
      out.dtype,
      out.shape,
      Array.from(test!, (bit, i) => (bit ? x![i]! : y![i]!)),
    ),
  ]
}

const identity: FoldRow = ({ inputs: [x], outputs: [out] }) =>
  x && out && [reshapedHost(x, out.shape)]
const isNaNRow: FoldRow = ({ inputs: [x], outputs: [out] }) =>
  x && out && isFloat(x.dtype)
    ? [
        host(
          'bool',
          out.shape,
          Array.from(x.data as Float32Array, (v) => Number(Number.isNaN(v))),
        ),
      ]
    : undefined
const isInf: FoldRow = ({ node, inputs: [x], outputs: [out] }) => {
  if (!x || !out || !isFloat(x.dtype)) return undefined
  const [up, down] = [intOf(node, 'detect_positive', 1), intOf(node, 'detect_negative', 1)]
  const found = (value: number) =>
    Number(
      (value === Number.POSITIVE_INFINITY && up === 1) ||
        (value === Number.NEGATIVE_INFINITY && down === 1),
    )
  return [host('bool', out.shape, Array.from(x.data as Float32Array, found))]
}

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x))
const softplus = (x: number): number => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)))

export const elementwise = {
  Abs: unary(Math.abs, (x) => (x < 0n ? -x : x)),
  Neg: unary(
    (x) => -x,
    (x) => -x,
  ),
  Sign: unary(Math.sign, (x) => (x > 0n ? 1n : x < 0n ? -1n : 0n)),
  Floor: unary(Math.floor),
  Ceil: unary(Math.ceil),
  Round: unary(roundEven),
  Sqrt: unary(Math.sqrt),
  Exp: unary(Math.exp),
  Log: unary(Math.log),
  Reciprocal: unary((x) => 1 / x),
  Erf: unary(erf),
  Tanh: unary(Math.tanh),
  Sigmoid: unary(sigmoid),
  Relu: unary(
    (x) => Math.max(x, 0),
    (x) => larger(x, 0n),
  ),
  LeakyRelu: float(
    ({ node }) =>
      (x) =>
        x < 0 ? x * Math.fround(floatOf(node, 'alpha', 0.01)) : x,
  ),
  Elu: float(
    ({ node }) =>
      (x) =>
        x < 0 ? Math.fround(floatOf(node, 'alpha', 1)) * Math.expm1(x) : x,
  ),
  Softplus: unary(softplus),
  HardSigmoid: float(({ node }) => {
    const [alpha, beta] = [floatOf(node, 'alpha', 0.2), floatOf(node, 'beta', 0.5)].map(Math.fround)
    return (x) => Math.max(0, Math.min(1, alpha! * x + beta!))
  }),
  HardSwish: unary((x) => x * Math.max(0, Math.min(1, x / 6 + 0.5))),
  Swish: float(
    ({ node }) =>
      (x) =>
        x * sigmoid(Math.fround(floatOf(node, 'alpha', 1)) * x),
  ),
  Gelu: float(({ node }) => (stringOf(node, 'approximate', 'none') === 'tanh' ? tanhGelu : gelu)),
  Mish: unary((x) => x * Math.tanh(softplus(x))),
  Sin: unary(Math.sin),
  Cos: unary(Math.cos),
  Not: unary((x) => 1 - x),
  Identity: identity,
  IsNaN: isNaNRow,
  IsInf: isInf,
  Clip: clip,
  Cast: cast,
  CastLike: cast,
  Add: binary(
    (a, b) => a + b,
    (a, b) => a + b,
  ),
  Sub: binary(
    (a, b) => a - b,
    (a, b) => a - b,
  ),
  Mul: binary(multiply, (a, b) => a * b),
  Div: binary(divide, (a, b) => (b === 0n ? undefined : a / b)),
  Pow: power,
  Mod: modulo,
  Min: binary((a, b) => Math.min(a, b), smaller),
  Max: binary((a, b) => Math.max(a, b), larger),
  Sum: binary((a, b) => a + b),
  Equal: test((a, b) => a === b),
  Less: test((a, b) => a < b),
  Greater: test((a, b) => a > b),
  LessOrEqual: test((a, b) => a <= b),
  GreaterOrEqual: test((a, b) => a >= b),
  And: test((a, b) => Boolean(a) && Boolean(b)),
  Or: test((a, b) => Boolean(a) || Boolean(b)),
  Xor: test((a, b) => Boolean(a) !== Boolean(b)),
  Where: where,
  PRelu: binary((x, slope) => (x < 0 ? x * slope : x)),
} satisfies Partial<Record<KnownOp, FoldRow | NeverFolded>>
