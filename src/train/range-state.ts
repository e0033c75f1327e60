/**
 * Ranges of activations as a state of the training step: where they begin, how they move, and what they are
 * when a run has ended.
 */
import { LimbeckError } from '../errors.ts'
import type { ValueQuantization } from '../graph/graph.ts'
import { float32Tensor } from '../graph/tensor.ts'
import type { AveragedRange } from './fake-quantize.ts'
import { rangePorts } from './for-kernels.ts'
import type { StepScalars, StepState } from './step-state.ts'
import type { StepSettings } from './write-update.ts'

/**
 * Declares the ranges. They begin as calibration found them, or as the first batch has them.
 * @throws LimbeckError `graph` where a layer's weight is applied more than once: a file holds one range for it.
 */
export function averageRanges(
  ranges: readonly AveragedRange[],
  state: StepState,
  scalars: StepScalars<StepSettings>,
): void {
  if (ranges.length === 0) return
  const names = ranges.flatMap(({ layers }) => layers)
  const twice = names.find((name, i) => names.indexOf(name) !== i)
  if (twice !== undefined) {
    throw new LimbeckError(
      'graph',
      `${twice} is applied to more than one input, and static INT8 holds one range for it.`,
      { hint: 'Train it for dynamic-int8, int8-weights or int4.' },
    )
  }
  const starts = ranges.flatMap(({ start }) => [start.min, start.max])
  state.addOwn('range', 'activations', float32Tensor(starts, [ranges.length, 2]))
  const known = starts.some((end) => end !== 0)
  scalars.rule(rangePorts.share, ({ step, micro = 0, rangeDecay = 0.99 }) =>
    step === 1 && micro === 0 && !known ? 1 : 1 - rangeDecay,
  )
}

/** What static quantization wants to know of each layer, by its weight: from values `[n, 2]` of the state. */
export const layerRanges = (
  ranges: readonly AveragedRange[],
  values: ArrayLike<number>,
): Record<string, { readonly input: ValueQuantization }> =>
  Object.fromEntries(
    ranges.flatMap(({ layers }, row) => {
      const input = { min: values[2 * row]!, max: values[2 * row + 1]! }
      return layers.map((name) => [name, { input }])
    }),
  )
