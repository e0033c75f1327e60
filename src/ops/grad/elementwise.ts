/** Gradients of elementwise operators; y is the output, dY its gradient. */
import { floatOf, intOf, stringOf } from '../../graph/attributes.ts'
import type { Value } from '../../graph/graph.ts'
import type { KnownOp } from '../known.ts'
import type { GradBuilder } from './grad-builder.ts'
import { type GradContext, type GradEntry, type GradRow, stops } from './grad-row.ts'

interface Unary {
  readonly g: GradBuilder
  readonly x: Value
  readonly y: Value
  readonly dy: Value
  readonly context: GradContext
}

const unary =
  (gradient: (unary: Unary) => Value): GradRow =>
  (context) => {
    const { g, inputs, outputs, dy } = context
    return [gradient({ g, x: inputs[0]!, y: outputs[0]!, dy, context })]
  }

const steps = stops('piecewise constant')
const boolean = stops('gives booleans')

/** dY·(½(1+erf(x/√2)) + x·e^(−x²/2)/√(2π)) */
function erfGelu(g: GradBuilder, x: Value, dy: Value): Value {
  const cdf = g.mul(g.add(g.op('Erf', [g.mul(x, Math.SQRT1_2)]), 1), 0.5)
  const density = g.mul(g.exp(g.mul(g.square(x), -0.5)), 1 / Math.sqrt(2 * Math.PI))
  return g.mul(dy, g.add(cdf, g.mul(x, density)))
}

/** t = tanh(√(2/π)(x + 0.044715x³)); dY·½(1 + t + x(1−t²)√(2/π)(1 + 3·0.044715x²)) */
function tanhGelu(g: GradBuilder, x: Value, dy: Value): Value {
  const root = Math.sqrt(2 / Math.PI)
  const square = g.square(x)
  const t = g.op('Tanh', [g.mul(g.mul(x, g.add(g.mul(square, 0.044715), 1)), root)])
  const slope = g.mul(g.add(g.mul(square, 3 * 0.044715), 1), root)
  const rest = g.mul(g.mul(x, g.sub(1, g.square(t))), slope)
  return g.mul(dy, g.mul(g.add(g.add(t, 1), rest), 0.5))
}

/** s = σ(αx); dY·s(1 + αx(1−s)) */
function swish(g: GradBuilder, x: Value, dy: Value, alpha: number): Value {
  const scaled = alpha === 1 ? x : g.mul(x, alpha)
  const s = g.sigmoid(scaled)
  return g.mul(dy, g.mul(s, g.add(g.mul(scaled, g.sub(1, s)), 1)))
}

/** dY·c·x^(c−1); by the exponent dY·y·ln x */
const power: GradRow = ({ g, inputs, outputs, dy, wants }) => {
  const [x, c] = inputs as [Value, Value]
  const exponent = g.numberOf(c)
  const ofBase = (): Value => {
    if (exponent === 2) return g.mul(dy, g.mul(x, 2))
    if (exponent === 3) return g.mul(dy, g.mul(g.square(x), 3))
    const typed = exponent === undefined ? g.castLike(c, x) : g.number(exponent, x)
    return g.mul(dy, g.mul(typed, g.op('Pow', [x, g.sub(typed, 1)])))
  }
  return [
    wants(0) ? ofBase() : undefined,
    wants(1) ? g.mul(dy, g.mul(outputs[0]!, g.op('Log', [x]))) : undefined,
  ]
}

/** dY where the operand is the extreme, shared among ties as ONNX Runtime does */
const extreme: GradRow = ({ g, inputs, outputs, dy }) => {
  const masks = inputs.map((input) => g.castLike(g.equal(input!, outputs[0]!), dy))
  const share = g.div(
    dy,
    masks.reduce((a, b) => g.add(a, b)),
  )
  return masks.map((mask) => g.mul(share, mask))
}

/** dY where low ≤ x ≤ high; each bound gets dY where it holds x back */
const clip: GradRow = ({ g, inputs, dy, wants }) => {
  const [x, low, high] = inputs as [Value, Value | undefined, Value | undefined]
  const below = low && g.op('Less', [x, low])
  const above = high && g.op('Greater', [x, high])
  const inside = [below, above].reduce(
    (rest: Value, out) => (out ? g.where(out, 0, rest) : rest),
    dy,
  )
  return [
    inside,
    below && wants(1) ? g.where(below, dy, 0) : undefined,
    above && wants(2) ? g.where(above, dy, 0) : undefined,
  ]
}

export const elementwise = {
  // dY·sign(x)
  Abs: unary(({ g, x, dy }) => g.mul(dy, g.op('Sign', [x]))),
  Neg: unary(({ g, dy }) => g.neg(dy)),
  Sign: steps,
  Floor: steps,
  Ceil: steps,
  Round: steps,
  // dY·½/y
  Sqrt: unary(({ g, y, dy }) => g.div(g.mul(dy, 0.5), y)),
  Exp: unary(({ g, y, dy }) => g.mul(dy, y)),
  Log: unary(({ g, x, dy }) => g.div(dy, x)),
  // −dY·y²
  Reciprocal: unary(({ g, y, dy }) => g.neg(g.mul(dy, g.square(y)))),
  // dY·2/√π·e^(−x²)
  Erf: unary(({ g, x, dy }) => g.mul(dy, g.mul(g.exp(g.neg(g.square(x))), 2 / Math.sqrt(Math.PI)))),
  // dY·(1−y²)
  Tanh: unary(({ g, y, dy }) => g.mul(dy, g.sub(1, g.square(y)))),
  // dY·y·(1−y)
  Sigmoid: unary(({ g, y, dy }) => g.mul(dy, g.mul(y, g.sub(1, y)))),
  // dY·sign(y)
  Relu: unary(({ g, y, dy }) => g.mul(dy, g.op('Sign', [y]))),
  // dY, α·dY where x < 0
  LeakyRelu: unary(({ g, x, dy, context }) =>
    g.where(g.less(x, 0), g.mul(dy, floatOf(context.node, 'alpha', 0.01)), dy),
  ),
  // dY, dY·(y+α) where x < 0
  Elu: unary(({ g, x, y, dy, context }) =>
    g.where(g.less(x, 0), g.mul(dy, g.add(y, floatOf(context.node, 'alpha', 1))), dy),
  ),
  // dY·σ(x)
  Softplus: unary(({ g, x, dy }) => g.mul(dy, g.sigmoid(x))),
  // α·dY where 0 < y < 1
  HardSigmoid: unary(({ g, y, dy, context }) => {
    const slope = g.mul(dy, floatOf(context.node, 'alpha', 0.2))
    const inner = g.op('And', [g.less(0, y), g.less(y, 1)])
    return g.where(inner, slope, 0)
  }),
  // 0 below −3, dY above 3, dY·(2x+3)/6 between
  HardSwish: unary(({ g, x, dy }) => {
    const middle = g.mul(dy, g.div(g.add(g.mul(x, 2), 3), 6))
    return g.where(g.less(x, -3), 0, g.where(g.less(3, x), dy, middle))
  }),
  Swish: unary(({ g, x, dy, context }) => swish(g, x, dy, floatOf(context.node, 'alpha', 1))),
  Gelu: unary(({ g, x, dy, context }) =>
    stringOf(context.node, 'approximate', 'none') === 'tanh'
      ? tanhGelu(g, x, dy)
      : erfGelu(g, x, dy),
  ),
  // t = tanh(softplus x); dY·(t + x(1−t²)σ(x))
  Mish: unary(({ g, x, dy }) => {
    const t = g.op('Tanh', [g.op('Softplus', [x])])
    return g.mul(dy, g.add(t, g.mul(g.mul(x, g.sub(1, g.square(t))), g.sigmoid(x))))
  }),
  Sin: unary(({ g, x, dy }) => g.mul(dy, g.op('Cos', [x]))),
  Cos: unary(({ g, x, dy }) => g.neg(g.mul(dy, g.op('Sin', [x])))),
  Not: boolean,
  Identity: unary(({ dy }) => dy),
  IsNaN: boolean,
  IsInf: boolean,
  Clip: clip,
  // cast back
  Cast: unary(({ g, x, dy }) => g.castLike(dy, x)),
  CastLike: unary(({ g, x, dy }) => g.castLike(dy, x)),
  Add: ({ dy }) => [dy, dy],
  Sub: ({ g, dy, wants }) => [dy, wants(1) ? g.neg(dy) : undefined],
  Mul: ({ g, inputs: [a, b], dy, wants }) => [
    wants(0) ? g.mul(dy, b!) : undefined,
    wants(1) ? g.mul(dy, a!) : undefined,
  ],
  // dA = dY/b; dB = −dY·y/b
  Div: ({ g, inputs: [, b], outputs: [y], dy, wants }) => {
    const scaled = g.div(dy, b!)
    return [scaled, wants(1) ? g.neg(g.mul(scaled, y!)) : undefined]
  },
  Pow: power,
  // y = a − b·n, n constant: dA = dY; dB = −dY·(a−y)/b
  Mod: ({ g, node, inputs: [a, b], outputs: [y], dy, wants }) => [
    dy,
    wants(1) && intOf(node, 'fmod', 0) === 1
      ? g.neg(g.mul(dy, g.div(g.sub(a!, y!), b!)))
      : undefined,
  ],
  Min: extreme,
  Max: extreme,
  Sum: ({ inputs, dy }) => inputs.map(() => dy),
  Equal: boolean,
  Less: boolean,
  Greater: boolean,
  LessOrEqual: boolean,
  GreaterOrEqual: boolean,
  And: boolean,
  Or: boolean,
  Xor: boolean,
  // dA = dY where the condition holds, dB elsewhere
  Where: ({ g, inputs: [condition], dy, wants }) => [
    undefined,
    wants(1) ? g.where(condition!, dy, 0) : undefined,
    wants(2) ? g.where(condition!, 0, dy) : undefined,
  ],
  // where x < 0: dX = dY·slope, dSlope = dY·x; else dX = dY
  PRelu: ({ g, inputs: [x, slope], dy, wants }) => {
    const below = g.less(x!, 0)
    return [
      g.where(below, g.mul(dy, slope!), dy),
      wants(1) ? g.where(below, g.mul(dy, x!), 0) : undefined,
    ]
  },
  'com.microsoft::Gelu': unary(({ g, x, dy }) => erfGelu(g, x, dy)),
  // both operands get the gradient of their sum
  'com.microsoft::BiasGelu': ({ g, inputs: [x, bias], dy }) => {
    const gradient = erfGelu(g, g.add(x!, bias!), dy)
    return [gradient, gradient]
  },
  'com.microsoft::FastGelu': ({ g, inputs: [x, bias], dy }) => {
    const gradient = tanhGelu(g, bias ? g.add(x!, bias) : x!, dy)
    return [gradient, bias && gradient]
  },
  // x·σ(1.702x)
  'com.microsoft::QuickGelu': unary(({ g, x, dy, context }) =>
    swish(g, x, dy, floatOf(context.node, 'alpha', 1.702)),
  ),
} satisfies Partial<Record<KnownOp, GradEntry>>
