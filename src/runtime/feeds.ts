/**
 * Checks feeds against what a model takes, before they reach ONNX Runtime: its own complaints name
 * neither the model nor all that is wrong, and raw bytes sent to a process carry no type at all.
 */
import { LimbeckError } from '../errors.ts'
import {
  byteLength,
  type DataType,
  elementCount,
  type HostTensor,
  hostArray,
} from '../graph/data-type.ts'
import type { Feeds, Port } from './engine.ts'

const describe = (dtype: DataType, shape: readonly (number | string)[]): string =>
  `${dtype}[${shape.join(', ')}]`

/** The class of typed array that holds `dtype`. */
const arrayClass = (dtype: DataType) =>
  hostArray(dtype, new Uint8Array(0)).constructor as new () => HostTensor['data']

/**
 * The feeds that the model named `model` takes, checked, in its order; others are left out.
 * @throws LimbeckError `input` for a missing input, a wrong type, shape or length.
 */
export function checkFeeds(model: string, inputs: readonly Port[], feeds: Feeds): Feeds {
  const missing = inputs.filter(({ name }) => !Object.hasOwn(feeds, name))
  if (missing.length > 0) {
    throw new LimbeckError(
      'input',
      `${model}: input ${list(missing.map(({ name }) => name))} is missing: the model takes ${list(
        inputs.map(({ name }) => name),
      )}, got ${list(Object.keys(feeds)) || 'none'}.`,
    )
  }
  return Object.fromEntries(inputs.map((port) => [port.name, checkFeed(model, port, feeds)]))
}

function checkFeed(model: string, port: Port, feeds: Feeds): HostTensor {
  const tensor = feeds[port.name]!
  const { dtype, shape, data } = tensor
  const fits =
    dtype === port.dtype &&
    shape.length === port.shape.length &&
    port.shape.every((dim, axis) => typeof dim === 'string' || dim === shape[axis])
  if (!fits) {
    throw new LimbeckError(
      'input',
      `${model}: input '${port.name}': expected ${describe(port.dtype, port.shape)}, got ${describe(dtype, shape)}.`,
    )
  }
  const bytes = byteLength(dtype, elementCount(shape))
  if (!(data instanceof arrayClass(dtype)) || data.byteLength !== bytes) {
    throw new LimbeckError(
      'input',
      `${model}: input '${port.name}': expected ${bytes} bytes in a ${arrayClass(dtype).name} for ${describe(
        dtype,
        shape,
      )}, got ${data.byteLength} bytes in a ${data.constructor.name}.`,
    )
  }
  return tensor
}

/** The outputs asked for (all when none are named). @throws LimbeckError `input` for an unknown one. */
export function checkOutputs(
  model: string,
  outputs: readonly Port[],
  wanted: readonly string[] | undefined,
): readonly string[] {
  const names = outputs.map(({ name }) => name)
  const unknown = wanted?.find((name) => !names.includes(name))
  if (unknown !== undefined) {
    throw new LimbeckError('input', `${model} has no output '${unknown}': it gives ${list(names)}.`)
  }
  return wanted ?? names
}

const list = (names: readonly string[]): string => names.map((name) => `'${name}'`).join(', ')
