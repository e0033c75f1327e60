/**
 * Newer operators written in the arithmetic of opset 17: what a file for an older runtime gets where no
 * pass has chosen something better.
 */
import { float, floatOf, int, intOf, stringOf } from '../graph/attributes.ts'
import { dataTypeOfCode } from '../graph/data-type.ts'
import type { Value } from '../graph/graph.ts'
import { float32Tensor, int64Tensor } from '../graph/tensor.ts'
import { type Converter, cannotConvert, Replacement } from './convert-opset.ts'
import { scalarsLike } from './scalar-like.ts'

/** x·Φ(x) by Erf, or its tanh approximation (Hendrycks and Gimpel 2016, arXiv:1606.08415). */
export const decomposeGelu: Converter = (node, context) => {
  const out = new Replacement(node)
  const x = node.inputs[0]!
  const scalar = scalarsLike(x, out, context)
  const inner = () => {
    if (stringOf(node, 'approximate', 'none') !== 'tanh') {
      // Φ(x) = (1 + erf(x / √2)) / 2
      return out.op('Erf', [out.op('Div', [x, scalar(Math.SQRT2)])])
    }
    // tanh(√(2/π) · (x + 0.044715 x³))
    const cube = out.op('Mul', [out.op('Mul', [x, x]), x])
    const sum = out.op('Add', [x, out.op('Mul', [cube, scalar(0.044715)])])
    return out.op('Tanh', [out.op('Mul', [sum, scalar(Math.sqrt(2 / Math.PI))])])
  }
  const sum = out.op('Add', [inner(), scalar(1)])
  return out.last('Mul', [out.op('Mul', [x, sum]), scalar(0.5)])
}

/** x · tanh(softplus(x)) (Misra 2019, arXiv:1908.08681). */
export const decomposeMish: Converter = (node) => {
  const out = new Replacement(node)
  const x = node.inputs[0]!
  return out.last('Mul', [x, out.op('Tanh', [out.op('Softplus', [x])])])
}

/** x · sigmoid(αx) (Ramachandran et al. 2017, arXiv:1710.05941). */
export const decomposeSwish: Converter = (node, context) => {
  const out = new Replacement(node)
  const x = node.inputs[0]!
  const alpha = floatOf(node, 'alpha', 1)
  const scaled = alpha === 1 ? x : out.op('Mul', [x, scalarsLike(x, out, context)(alpha)])
  return out.last('Mul', [x, out.op('Sigmoid', [scaled])])
}

/** x / √(mean(x²) + ε) · scale over the axes from `axis` on (Zhang and Sennrich 2019, arXiv:1910.07467). */
export const decomposeRmsNormalization: Converter = (node, context) => {
  const out = new Replacement(node)
  const [x, scale] = node.inputs as [Value, Value]
  const axis = intOf(node, 'axis', -1)
  const type = context.typeOf(x)
  const rank = type?.shape?.length
  if (axis !== -1 && rank === undefined) {
    throw cannotConvert(node, 'the rank of its input must be known below opset 23')
  }
  const first = axis < 0 ? axis : axis - rank!
  const axes = Array.from({ length: -first }, (_, i) => first + i)
  // statistics in stash_type (float32 unless said otherwise), the product in the type of the input
  const stash = intOf(node, 'stash_type', 1)
  const stashed =
    dataTypeOfCode(stash) === type?.dtype ? x : out.op('Cast', [x], { to: int(stash) })
  const epsilon = scalarsLike(stashed, out, context)(floatOf(node, 'epsilon', 1e-5))
  const squares = out.op('Mul', [stashed, stashed])
  const mean = out.op('ReduceMean', [squares, context.constant(int64Tensor(axes))])
  const root = out.op('Sqrt', [out.op('Add', [mean, epsilon])])
  const normal = out.op('Div', [stashed, root])
  const back = stashed === x ? normal : out.op('CastLike', [normal, x])
  return out.last('Mul', [back, scale])
}

/** Instance normalization over [batch, groups, rest], then scale and bias per channel (arXiv:1803.08494). */
export const decomposeGroupNormalization: Converter = (node, context) => {
  const out = new Replacement(node)
  const [x, scale, bias] = node.inputs as [Value, Value, Value]
  const groups = intOf(node, 'num_groups', undefined)
  const type = context.typeOf(x)
  const rank = type?.shape?.length
  if (groups === undefined || rank === undefined) {
    throw cannotConvert(
      node,
      'its num_groups and the rank of its input must be known below opset 21',
    )
  }
  if (type?.dtype !== 'float32') {
    throw cannotConvert(node, `expected a float32 input below opset 21, got ${type?.dtype}`)
  }
  const constant = (values: readonly number[]) => context.constant(int64Tensor(values))
  const grouped = out.op('Reshape', [x, constant([0, groups, -1])])
  const ones = context.constant(float32Tensor(new Array<number>(groups).fill(1)))
  const zeros = context.constant(float32Tensor(new Array<number>(groups).fill(0)))
  const normal = out.op('InstanceNormalization', [grouped, ones, zeros], {
    epsilon: float(floatOf(node, 'epsilon', 1e-5)),
  })
  const back = out.op('Reshape', [normal, out.op('Shape', [x])])
  const perChannel = (value: Value) =>
    out.op('Reshape', [value, constant([-1, ...new Array<number>(rank - 2).fill(1)])])
  return out.last('Add', [out.op('Mul', [back, perChannel(scale)]), perChannel(bias)])
}
