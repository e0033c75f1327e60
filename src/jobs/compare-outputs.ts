/**
 * The verdict on a file's outputs beside its source's.
 *
 * Floats may differ by what reordered sums give. Quantized variants must point the same way, and still depend on
 * their inputs: where all answers share a large part, a file that gives that part alone would have a high cosine.
 */
import { fidelityMeter } from '../data/fidelity.ts'
import { floatsOf } from '../data/host-floats.ts'
import { realRows } from '../fit/observe.ts'
import { elementCount, type HostTensor } from '../graph/data-type.ts'
import type { KernelReport } from '../report/kernel-report.ts'
import type { Feeds } from '../runtime/index.ts'
import type { Simulated } from './simulate.ts'
import type { BuiltVariant } from './variants.ts'

/** Outputs of one variant beside its source's. */
export interface Verification {
  readonly name: string
  /** Over every value of every output. */
  readonly maxAbsError: number
  /** Mean cosine similarity of whole outputs. */
  readonly cosine: number
  readonly ok: boolean
  /** Largest difference allowed; absent for INT8, where the cosine decides. */
  readonly tolerance?: number | undefined
  /** Of a quantized variant: what ONNX Runtime made of it. */
  readonly kernels?: KernelReport | undefined
  /** The same of a quantized variant on another CPU. */
  readonly simulated?: Simulated<Verification> | undefined
  /** Why it is not. */
  readonly reason?: string | undefined
}

/** A file, and what its answers are held to. */
export type Compared = Pick<BuiltVariant, 'name' | 'file' | 'quantized' | 'half'>

/** fp32 rewriting may reorder sums: at most this much of the largest output (or of 1). */
const FP32_TOLERANCE = 1e-4
/** Half floats have 11 bits, and every layer rounds anew. */
const HALF_TOLERANCE = 2e-2
/** An 8-bit variant below this mean cosine has lost its source. */
export const INT8_LEAST_COSINE = 0.9
/** And one whose answers vary by less than this part of its source's answers nothing. */
const INT8_LEAST_SPREAD = 0.1

/**
 * The verdict on a variant's outputs beside the source's. Each output of a batch is one vector: the few
 * logits of a single text that lie near zero say little about a model.
 */
export function compareOutputs(
  variant: Omit<Compared, 'file'>,
  reference: readonly Record<string, HostTensor>[],
  outputs: readonly Record<string, HostTensor>[],
  feeds: readonly Feeds[] = [],
): Verification {
  const meter = fidelityMeter('values')
  let largest = 1
  let [usual, kept] = [0, 0]
  reference.forEach((batch, i) => {
    for (const [name, expected] of Object.entries(batch)) {
      const found = outputs[i]?.[name]
      const complete = found && found.data.length === expected.data.length
      const mask = variant.quantized ? feeds[i]?.attention_mask : undefined
      // rows are moved within their own memory, which is the output's
      const rowsOf = (tensor: HostTensor) =>
        realRows({ ...tensor, data: floatsOf(tensor).slice() }, mask)
      const values = rowsOf(expected)
      for (const value of values) largest = Math.max(largest, Math.abs(value))
      const answers = complete ? rowsOf(found) : values.map(() => Number.NaN)
      meter.add(values, answers)
      const width = elementCount(expected.shape.slice(expected.shape.length > 2 ? 2 : 1))
      usual += spread(values, width)
      kept += spread(answers, width)
    }
  })
  const { maxAbsError, cosine, nonFinite } = meter.result()
  const part = variant.half ? HALF_TOLERANCE : FP32_TOLERANCE
  const tolerance = variant.quantized ? undefined : part * largest
  const reason =
    nonFinite > 0
      ? `${nonFinite} of its outputs are not finite or missing`
      : tolerance === undefined
        ? cosine.mean < INT8_LEAST_COSINE
          ? `its outputs have collapsed (mean cosine to the source ${cosine.mean.toFixed(3)})`
          : kept < INT8_LEAST_SPREAD ** 2 * usual
            ? `its outputs have collapsed (they vary ${Math.sqrt(kept / usual).toFixed(3)} times as much as the source's)`
            : undefined
        : maxAbsError <= tolerance
          ? undefined
          : `its outputs differ from the source by ${maxAbsError.toExponential(2)}, allowed is ${tolerance.toExponential(2)}`
  return {
    name: variant.name,
    maxAbsError,
    cosine: cosine.mean,
    ok: reason === undefined,
    tolerance,
    reason,
  }
}

const ROUNDING = 1e-9

/** Sum of squares of rows about their mean: what answers depend on their inputs by. */
function spread(values: Float32Array, width: number): number {
  const rows = width > 0 ? values.length / width : 0
  const [sums, squares] = [new Float64Array(width), new Float64Array(width)]
  values.forEach((value, i) => {
    sums[i % width]! += value
    squares[i % width]! += value * value
  })
  return squares.reduce((total, square, i) => {
    const own = square - sums[i]! ** 2 / rows
    // less than float32 can tell from none is none
    return own > ROUNDING * square ? total + own : total
  }, 0)
}
