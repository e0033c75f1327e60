/** The squared error that INT8 makes in a layer's output, on some rows and some of its columns. */
import type { WeightBits } from '../graph/graph.ts'
import { weightLevels } from '../onnx/quantize-weight.ts'
import { activationScale } from '../passes/activation-scale.ts'

/** Rows of the input, rows of the stored weight `[out, in]`, and the reach of each channel over all texts. */
export interface SampledLayers {
  readonly rows: readonly Float32Array[]
  readonly columns: readonly Float32Array[]
  readonly min: Float64Array
  readonly max: Float64Array
}

/** Inputs divided and weights multiplied by `scale`, both rounded to 8 bits: u8 by one range, s8 by column. */
export function quantizedError(
  { rows, columns, min, max }: SampledLayers,
  scale: Float64Array,
  weightBits: WeightBits,
): number {
  const width = scale.length
  let [low, high] = [0, 0]
  for (let j = 0; j < width; j++) {
    low = Math.min(low, min[j]! / scale[j]!)
    high = Math.max(high, max[j]! / scale[j]!)
  }
  const range = activationScale({ min: low, max: high }, 'a layer')
  const rounded = rows.map((row) => {
    const to = new Float64Array(width)
    for (let j = 0; j < width; j++) {
      const code = Math.round(row[j]! / scale[j]! / range.scale) + range.zeroPoint
      to[j] = (Math.max(0, Math.min(255, code)) - range.zeroPoint) * range.scale
    }
    return to
  })
  const levels = weightLevels(weightBits)
  const weight = new Float64Array(width)
  let error = 0
  for (const column of columns) {
    let largest = 0
    for (let j = 0; j < width; j++) {
      largest = Math.max(largest, Math.abs(column[j]! * scale[j]!))
    }
    const step = largest / levels || 1
    for (let j = 0; j < width; j++) {
      weight[j] = Math.round((column[j]! * scale[j]!) / step) * step
    }
    for (const [i, row] of rows.entries()) {
      const near = rounded[i]!
      let difference = 0
      for (let j = 0; j < width; j++) difference += near[j]! * weight[j]! - row[j]! * column[j]!
      error += difference * difference
    }
  }
  return error
}
