/**
 * What the noise of each layer does to the answers, to first order, for all layers at the price of one backward
 * run: how far the noise n of a layer's output y pulls a random projection of the answers, ∇ᵧs · n.
 *
 *     φ(answers) such that loss ≈ ½ ‖Δφ‖²,   s = Σ εᵢ φᵢ, ε random signs,   E[(∇ᵧs · n)²] = ‖∂φ/∂y · n‖²
 *
 * Classes: φ = 2√p, since KL(p ‖ q) ≈ 2 Σ (√p − √q)² (the Fisher metric); vectors: φ = x / ‖x‖, since
 * 1 − cos = ½ ‖Δφ‖²; a score: φ = √2 x. The noise itself is exact, not a model of it. After Hutchinson 1990.
 */
import { int } from '../graph/attributes.ts'
import type { GraphBuilder } from '../graph/builder.ts'
import type { Graph, Value } from '../graph/graph.ts'
import type { Dim } from '../graph/shape.ts'
import { floatScalar } from '../graph/tensor.ts'
import { inferTypes } from '../ops/infer-types.ts'
import type { RoundedNode } from '../passes/expose-noise.ts'
import { backward } from './backward.ts'
import { extendGraph } from './extend-graph.ts'

/** Name of the output of the `i`th annotated node: `[batch]`, or one number where texts cannot be told apart. */
export const pullName = (i: number): string => `pull.${i}`

/** Input that a run's signs come of, a float32 scalar: another number, other signs. */
export const PULL_SEED = 'pull.seed'

/** What the answers are compared by; as `lossOf` tells. */
export interface PulledAnswer {
  readonly value: Value
  readonly loss: 'kl' | 'cosine' | 'squared'
}

/** Adds the pulls to the outputs. @throws LimbeckError `graph` where an operator on the way has no gradient. */
export function exposePulls(
  graph: Graph,
  copies: readonly RoundedNode[],
  answers: readonly PulledAnswer[],
  mask: string,
): Graph {
  const types = inferTypes(graph)
  const marks = graph.inputs.find(({ name }) => name === mask)?.value
  const batch = graph.inputs[0]?.value.type?.shape?.[0]
  const { graph: projecting, result: sum } = extendGraph(graph, (b) => {
    const real = marks && b.op('Cast', [marks], { to: int(1) })
    const shape = marks?.type?.shape
    const seed = b.input(PULL_SEED, 'float32', [])
    const projections = answers.map(({ value, loss }, i) => {
      const phi = features(b, value, loss, types.get(value)?.shape, real, shape)
      const projected = b.op('Mul', [phi, signsLike(b, phi, seed, i)])
      return b.op('ReduceSum', [projected], { keepdims: int(0) })
    })
    return projections.reduce((a, c) => b.op('Add', [a, c]))
  })
  const { graph: walked, gradients } = backward(
    projecting,
    sum,
    copies.map(({ exact }) => exact),
  )
  return extendGraph(walked, (b) => {
    const axes = [1, 2].map((n) =>
      b.int64s(
        Array.from({ length: n }, (_, i) => i + 1),
        'axes',
      ),
    )
    copies.forEach(({ exact, rounded }, i) => {
      const gradient = gradients.get(exact)
      const shape = types.get(exact)?.shape
      const product = gradient
        ? b.op('Mul', [gradient, b.op('Sub', [rounded, exact])])
        : b.constant(floatScalar(0), 'none')
      const ofTexts = gradient && batch !== undefined && shape?.[0] === batch
      const each = ofTexts ? axes[shape!.length - 2] : undefined
      const inputs = each ? [product, each] : [product]
      b.output(pullName(i), b.op('ReduceSum', inputs, { keepdims: int(0) }))
    })
  }).graph
}

/**
 * Random signs in the shape of a value: the digits behind the point of sin(k·i)·43758.5453, which look like noise.
 * ONNX Runtime has no kernel for this opset's random operators.
 */
function signsLike(b: GraphBuilder, like: Value, seed: Value, salt: number): Value {
  const number = (x: number) => b.constant(floatScalar(x), 'number')
  const shape = b.op('Shape', [like])
  const count = b.op('Cast', [b.op('ReduceProd', [shape], { keepdims: int(0) })], { to: int(1) })
  const index = b.op('Range', [number(1), b.op('Add', [count, number(1)]), number(1)])
  const step = b.op('Add', [seed, number(12.9898 + salt)])
  const wave = b.op('Mul', [b.op('Sin', [b.op('Mul', [index, step])]), number(43758.5453)])
  const digits = b.op('Sub', [b.op('Sub', [wave, b.op('Floor', [wave])]), number(0.5)])
  return b.op('Reshape', [b.op('Sign', [digits]), shape])
}

/** φ: of real tokens alone, so that a text's tokens count as their mean. */
function features(
  b: GraphBuilder,
  value: Value,
  loss: PulledAnswer['loss'],
  shape: readonly (Dim | null)[] | undefined,
  real: Value | undefined,
  marks: readonly (Dim | null)[] | undefined,
): Value {
  const number = (x: number) => b.constant(floatScalar(x), 'number')
  const isOfTokens = (axis: number) => marks !== undefined && shape?.[axis] === marks[1]
  // scores of a span: tokens are the classes
  const spans = real && shape?.length === 2 && isOfTokens(1)
  const hidden = spans && b.op('Mul', [b.op('Sub', [real, number(1)]), number(1e9)])
  const x = hidden ? b.op('Add', [value, hidden]) : value
  const phi = metrics[loss](b, x, number)
  if (!real || shape?.length !== 3 || !isOfTokens(1)) return phi
  const count = b.op('ReduceSum', [real, b.int64s([1], 'axes')], { keepdims: int(1) })
  const share = b.op('Sqrt', [b.op('Div', [real, count])])
  return b.op('Mul', [phi, b.op('Unsqueeze', [share, b.int64s([2], 'axes')])])
}

const metrics: Readonly<
  Record<PulledAnswer['loss'], (b: GraphBuilder, x: Value, number: (x: number) => Value) => Value>
> = {
  // 2√p without the square root's slope at 0
  kl(b, x, number) {
    const half = b.op('Mul', [b.op('LogSoftmax', [x], { axis: int(-1) }), number(0.5)])
    return b.op('Mul', [b.op('Exp', [half]), number(2)])
  },
  cosine(b, x, number) {
    const squares = b.op('ReduceSum', [b.op('Mul', [x, x]), b.int64s([-1], 'axes')])
    return b.op('Div', [x, b.op('Sqrt', [b.op('Add', [squares, number(1e-12)])])])
  },
  squared: (b, x, number) => b.op('Mul', [x, number(Math.SQRT2)]),
}
