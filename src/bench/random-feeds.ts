/**
 * Feeds for a model of any inputs: random values of their types at given sizes, by what names say of them.
 * Text inputs get what `tokenFeeds` gives: ids that every vocabulary has, masks that hide nothing.
 */
import { LimbeckError } from '../errors.ts'
import {
  byteLength,
  bytesOf,
  elementCount,
  type HostTensor,
  hostArray,
} from '../graph/data-type.ts'
import { castElements } from '../onnx/cast-elements.ts'
import { randomFrom } from '../stats/index.ts'

/** An input with all its sizes. */
export interface SizedInput {
  readonly name: string
  readonly dtype: HostTensor['dtype']
  readonly shape: readonly number[]
  /** Whole numbers stay below; default 100, which every vocabulary has. */
  readonly below?: number | undefined
}

/** Whole numbers by name, the first that fits; positions count along the last axis. */
const wholes: readonly (readonly [RegExp, (index: number, last: number) => number | undefined])[] =
  [
    [/mask/, () => 1],
    [/position/, (index, last) => index % last],
    [/(token_)?type|segment|past|cache|offset/, () => 0],
  ]

/**
 * Random feeds of these sizes.
 * @throws LimbeckError `input` for an input that is not of numbers.
 */
export function randomFeeds(inputs: readonly SizedInput[], seed = 1): Record<string, HostTensor> {
  const random = randomFrom(seed)
  return Object.fromEntries(
    inputs.map(({ name, dtype, shape, below = 100 }) => {
      if (dtype === 'string') {
        throw new LimbeckError('input', `input '${name}' is of strings, which cannot be made up.`)
      }
      const [, whole] = wholes.find(([pattern]) => pattern.test(name)) ?? []
      const last = shape.at(-1) ?? 1
      const one = (index: number): number => {
        if (dtype === 'bool') return 1
        if (dtype.includes('float')) return random.uniform() - 0.5
        return whole?.(index, last) ?? random.below(below)
      }
      const count = elementCount(shape)
      if (dtype === 'float16' || dtype === 'bfloat16') {
        // bit patterns on the host
        const values = bytesOf(Float32Array.from({ length: count }, (_, i) => one(i)))
        const data = hostArray(dtype, castElements(values, count, 'float32', dtype))
        return [name, { dtype, shape, data }]
      }
      const data = hostArray(dtype, new Uint8Array(byteLength(dtype, count)))
      const big = data instanceof BigInt64Array || data instanceof BigUint64Array
      if (big) for (let i = 0; i < data.length; i++) data[i] = BigInt(one(i))
      else for (let i = 0; i < data.length; i++) data[i] = one(i)
      return [name, { dtype, shape, data }]
    }),
  )
}
