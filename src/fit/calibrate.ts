/**
 * Ranges of linear layers' activations, for static quantization: the model runs over real batches in a process
 * of its own, each layer's values go through a calibrator, and nothing of a batch is kept.
 *
 * A weight that several layers share (ALBERT) gets one range for all of them.
 */
import { LimbeckError } from '../errors.ts'
import type { Graph, Value } from '../graph/graph.ts'
import { linearProducts } from '../passes/linear-layers.ts'
import type { LayerRanges } from '../passes/quantize-static.ts'
import {
  type CalibrationMethod,
  type Calibrator,
  type CalibratorOptions,
  newCalibrator,
} from '../stats/calibrators.ts'
import { type Feeds, type ObserveOptions, observeValues } from './observe.ts'

export interface CalibrateOptions extends ObserveOptions, CalibratorOptions {
  /** Default `percentile`. */
  readonly method?: CalibrationMethod | undefined
  /** Ranges of the products too, which QLinearMatMul needs. */
  readonly outputs?: boolean | undefined
}

/** The method where none is named. */
export const CALIBRATION_METHOD: CalibrationMethod = 'percentile'

interface Watched {
  readonly value: Value
  readonly calibrators: Calibrator[]
  readonly name: string
}

/**
 * Ranges by the name of a layer's weight. @param batches gone through once or twice.
 * @throws LimbeckError `input` naming the layer whose activations are not finite.
 */
export async function calibrateLayers(
  graph: Graph,
  batches: readonly Feeds[],
  options: CalibrateOptions = {},
): Promise<Record<string, LayerRanges>> {
  const { method = CALIBRATION_METHOD, outputs = false } = options
  if (batches.length === 0) {
    throw new LimbeckError('input', 'Calibration needs at least one text, found none.')
  }
  const watched = new Map<Value, Watched>()
  const byName = new Map<string, { input: Calibrator; output: Calibrator | undefined }>()
  const watch = (value: Value, calibrator: Calibrator, name: string): void => {
    const known = watched.get(value) ?? { value, calibrators: [], name }
    if (!known.calibrators.includes(calibrator)) known.calibrators.push(calibrator)
    watched.set(value, known)
  }
  const ofInput = new Map<Value, Calibrator>()
  for (const { name, x, matmul } of linearProducts(graph)) {
    const layer = byName.get(name) ?? {
      // layers of one input share what is seen of it
      input: ofInput.get(x) ?? newCalibrator(method, options),
      output: outputs ? newCalibrator(method, options) : undefined,
    }
    if (!byName.has(name)) ofInput.set(x, layer.input)
    byName.set(name, layer)
    watch(x, layer.input, `the input of ${name}`)
    if (layer.output) watch(matmul.outputs[0]!, layer.output, `the output of ${name}`)
  }
  const all = [...watched.values()]
  const calibrators = new Set(all.flatMap((each) => each.calibrators))
  await observeValues(
    graph,
    all.map(({ value }) => value),
    batches,
    (i, rows) => {
      checkFinite(rows, all[i]!.name)
      for (const calibrator of all[i]!.calibrators) calibrator.add(rows)
    },
    {
      ...options,
      rounds: [...calibrators][0]?.rounds ?? 1,
      onRound: () => {
        for (const calibrator of calibrators) calibrator.nextRound()
      },
    },
  )
  const found = [...byName].flatMap(([name, { input, output }]) => {
    const range = input.range()
    const ofOutput = output?.range()
    return range ? [[name, { input: range, ...(ofOutput && { output: ofOutput }) }] as const] : []
  })
  return Object.fromEntries(found)
}

/** A sum tells of any value that is not finite, at the price of one addition each. */
function checkFinite(rows: Float32Array, name: string): void {
  let sum = 0
  for (let i = 0; i < rows.length; i++) sum += rows[i]! * 0
  if (sum === 0) return
  const value = rows.find((each) => !Number.isFinite(each))
  throw new LimbeckError(
    'input',
    `Calibration found ${value} in ${name}, expected finite values.`,
    {
      hint: 'The model itself gives no numbers for some text: it cannot be quantized by it.',
    },
  )
}
