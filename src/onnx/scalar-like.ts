/** Scalars of the element type of a value, for converters that write arithmetic. */
import type { Value } from '../graph/graph.ts'
import { floatScalar, type Tensor } from '../graph/tensor.ts'
import { castElements } from './cast-elements.ts'
import type { ConversionContext, Replacement } from './convert-opset.ts'

/** Makes scalars of the element type of `x`: constants where it is known, else a CastLike at run time. */
export function scalarsLike(
  x: Value,
  out: Replacement,
  context: ConversionContext,
): (value: number) => Value {
  const dtype = context.typeOf(x)?.dtype
  return (value) => {
    const scalar = floatScalar(value)
    if (!dtype) return out.op('CastLike', [context.constant(scalar), x])
    return context.constant(castScalar(scalar, dtype))
  }
}

function castScalar(scalar: Tensor, dtype: Tensor['dtype']): Tensor {
  if (scalar.source.kind !== 'inline') return scalar
  const bytes = castElements(scalar.source.bytes, 1, 'float32', dtype)
  return { dtype, shape: [], source: { kind: 'inline', bytes } }
}
