/** Types of elementwise operators; integer and boolean contents are computed along. */
import { intOf } from '../../graph/attributes.ts'
import { type DataType, dataTypeOfCode } from '../../graph/data-type.ts'
import {
  addDims,
  type Dim,
  divDims,
  equalDims,
  isNeverNegative,
  isPositive,
  maxDims,
  minDims,
  mulDims,
  subDims,
} from '../../graph/shape.ts'
import type { KnownOp } from '../known.ts'
import { broadcastKnown, broadcastShapes } from './broadcast.ts'
import { type InferContext, type InferRow, like, typed } from './infer-row.ts'

type Item = Exclude<Dim, null> | undefined

/** One operand in, the same element type out. */
export const same: InferRow = ({ inputs }) => [like(inputs[0])]

/** The same shape as booleans. */
const test: InferRow = ({ inputs }) => [typed('bool', inputs[0]?.shape)]

/** One operand whose contents map one by one. */
const mapped =
  (map: (item: Exclude<Dim, null>) => Dim): InferRow =>
  ({ inputs: [x] }) => [
    typed(
      x?.dtype,
      x?.shape,
      x?.known?.map((item) => (item === undefined ? undefined : (map(item) ?? undefined))),
    ),
  ]

const firstDtype = ({ inputs }: InferContext): DataType | undefined =>
  inputs.find((input) => input)?.dtype

/** Operands broadcast together; contents combine where all are known. */
function broadcasting(
  combine?: (a: Exclude<Dim, null>, b: Exclude<Dim, null>) => Dim | undefined,
  dtype: (context: InferContext) => DataType | undefined = firstDtype,
): InferRow {
  return (context) => {
    const { inputs } = context
    const shape = broadcastShapes(inputs.map((input) => input?.shape))
    const both = (...items: Item[]): Dim | undefined => {
      let result: Dim | undefined = items[0]
      for (const item of items.slice(1)) {
        if (result === undefined || result === null || item === undefined) return undefined
        result = combine?.(result, item)
      }
      return result
    }
    const known = combine && broadcastKnown(inputs, shape, both)
    return [typed(dtype(context), shape, known)]
  }
}

const boolean = (): DataType => 'bool'
const comparison = (
  compare: (a: Exclude<Dim, null>, b: Exclude<Dim, null>) => boolean | undefined,
) => broadcasting((a, b) => bit(compare(a, b)), boolean)
const bit = (value: boolean | undefined): number | undefined =>
  value === undefined ? undefined : Number(value)

/** a < b where it is known for all sizes of the symbols. */
function lessThan(a: Dim, b: Dim): boolean | undefined {
  if (isPositive(subDims(b, a))) return true
  return isNeverNegative(subDims(a, b)) ? false : undefined
}
const not = (value: boolean | undefined) => (value === undefined ? undefined : !value)

/** Integer division truncates; symbolic quotients need operands that are never negative. */
function quotient(a: Exclude<Dim, null>, b: Exclude<Dim, null>): Dim | undefined {
  if (b === 0) return undefined
  if (typeof a === 'number' && typeof b === 'number') return Math.trunc(a / b)
  return isNeverNegative(a) && isPositive(b) ? divDims(a, b) : undefined
}

const castTo = (dtype: DataType | undefined, { inputs: [x] }: InferContext) => {
  const known = dtype === 'bool' && x?.dtype !== 'bool' ? x?.known?.map(truth) : x?.known
  return [typed(dtype, x?.shape, known)]
}
const truth = (item: Item): Item => (item === undefined ? undefined : bit(not(equalDims(item, 0))))

const where: InferRow = ({ inputs }) => {
  const [, a, b] = inputs
  const shape = broadcastShapes(inputs.map((input) => input?.shape))
  const known = broadcastKnown(inputs, shape, (test, x, y) =>
    test === undefined ? (x === y ? x : undefined) : test === 0 ? y : x,
  )
  return [typed(a?.dtype ?? b?.dtype, shape, known)]
}

export const elementwise = {
  Abs: mapped((x) => (typeof x === 'number' ? Math.abs(x) : isNeverNegative(x) ? x : null)),
  Neg: mapped((x) => subDims(0, x)),
  Sign: mapped((x) => (typeof x === 'number' ? Math.sign(x) : isPositive(x) ? 1 : null)),
  Floor: same,
  Ceil: same,
  Round: same,
  Sqrt: same,
  Exp: same,
  Log: same,
  Reciprocal: same,
  Erf: same,
  Tanh: same,
  Sigmoid: same,
  Relu: same,
  LeakyRelu: same,
  Elu: same,
  Softplus: same,
  HardSigmoid: same,
  HardSwish: same,
  Swish: same,
  Gelu: same,
  Mish: same,
  Sin: same,
  Cos: same,
  Not: mapped((x) => (typeof x === 'number' ? 1 - x : null)),
  Identity: ({ inputs }) => [inputs[0]],
  IsNaN: test,
  IsInf: test,
  Clip: same,
  Cast: (context) => castTo(dataTypeOfCode(intOf(context.node, 'to', 0)), context),
  CastLike: (context) => castTo(context.inputs[1]?.dtype, context),
  Add: broadcasting(addDims),
  Sub: broadcasting(subDims),
  Mul: broadcasting(mulDims),
  Div: broadcasting(quotient),
  Pow: broadcasting(),
  Mod: broadcasting((a, b) =>
    typeof a === 'number' && typeof b === 'number' && a >= 0 && b > 0 ? a % b : undefined,
  ),
  Min: broadcasting(minDims),
  Max: broadcasting(maxDims),
  Sum: broadcasting(addDims),
  Equal: comparison(equalDims),
  Less: comparison(lessThan),
  Greater: comparison((a, b) => lessThan(b, a)),
  LessOrEqual: comparison((a, b) => not(lessThan(b, a))),
  GreaterOrEqual: comparison((a, b) => not(lessThan(a, b))),
  And: broadcasting((a, b) => (a === 0 || b === 0 ? 0 : 1), boolean),
  Or: broadcasting((a, b) => (a === 1 || b === 1 ? 1 : 0), boolean),
  Xor: broadcasting((a, b) => (a === b ? 0 : 1), boolean),
  Where: where,
  PRelu: broadcasting(),
} satisfies Partial<Record<KnownOp, InferRow>>
