/**
 * Tensors that two models hold in other scales, column by column: SmoothQuant and AWQ move outliers into the layer
 * behind, which undoes them. Such a tensor is no error, and what reads it wants it scaled.
 *
 * Taken for one is what a factor for each column explains (least squares over all rows), where all that reads it is
 * nearer to the first model than it is itself.
 */

/** Of each column, over the batches: Σa², Σab, Σb². */
export interface ColumnSums {
  readonly aa: Float64Array
  readonly ab: Float64Array
  readonly bb: Float64Array
}

export interface ScaleCandidate {
  /** Relative error as the tensors are. */
  readonly relative: number
  /** Absent where no factors can be: then it is only what others are judged by. */
  readonly columns: ColumnSums | undefined
  /** Numbers of the tensors that read it. */
  readonly readers: readonly number[]
}

/** The error has to fall below this part, behind the factors and in every reader. */
const EXPLAINED = 0.7

/** Factors b ≈ a·c of the tensors that are held in another scale, by their number. */
export function columnScales(
  candidates: readonly (ScaleCandidate | undefined)[],
  tolerance: number,
): Map<number, Float32Array> {
  const scales = new Map<number, Float32Array>()
  candidates.forEach((candidate, i) => {
    if (!candidate?.columns || candidate.relative <= tolerance) return
    const { factors, relative } = fitted(candidate.columns)
    if (relative < EXPLAINED * candidate.relative) scales.set(i, factors)
  })
  // what reads it undoes the factors, or passes them on to what does
  for (let changed = true; changed; ) {
    changed = false
    for (const i of scales.keys()) {
      const { relative, readers } = candidates[i]!
      const undone = (reader: number): boolean =>
        scales.has(reader) || candidates[reader]!.relative < EXPLAINED * relative
      if (readers.length > 0 && readers.every(undone)) continue
      scales.delete(i)
      changed = true
    }
  }
  return scales
}

/** Factors by least squares, and the relative error that they leave. */
function fitted({ aa, ab, bb }: ColumnSums): { factors: Float32Array; relative: number } {
  let [left, signal] = [0, 0]
  const factors = Float32Array.from(aa, (square, j) => {
    const factor = square > 0 ? ab[j]! / square : 1
    left += Math.max(0, bb[j]! - factor * ab[j]!)
    signal += factor * factor * square
    return factor
  })
  return { factors, relative: signal > 0 ? Math.sqrt(left / signal) : Number.POSITIVE_INFINITY }
}
