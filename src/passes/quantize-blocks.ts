/**
 * Weight-only quantization as an annotation: linear layers and embedding tables in blocks of 4 or 8 bits, each
 * with a scale of its own; activations stay float32 outside the kernel.
 *
 * Codes are rounded to the nearest unless better ones are given (GPTQ, AWQ). A layer whose width the blocks do
 * not divide gets its last block filled.
 */
import type { BlockQuantizationNote } from '../graph/graph.ts'
import { annotateWeights, type WeightSelection } from './annotate-weights.ts'
import type { Float16Options } from './convert-float16.ts'
import type { Pass } from './pass.ts'
import type { Smoothing } from './smooth.ts'

export interface BlockQuantizationOptions extends WeightSelection {
  readonly bits: 4 | 8
  /** Elements that share a scale: 16, 32, 64, 128 or 256. */
  readonly block: number
  readonly symmetric: boolean
  /** 4 computes with int8 activations, the fast way; 0 with float32, which 8-bit kernels do slowly. */
  readonly accuracyLevel: 0 | 4
  /** Codes found for a parameter, by its name. */
  readonly parts?: ReadonlyMap<string, NonNullable<BlockQuantizationNote['parts']>> | undefined
  /** How they were found, for the record. */
  readonly method?: string | undefined
  /** Divisions of inputs that go with them (AWQ). */
  readonly smooth?: readonly Smoothing[] | undefined
  /** Half floats throughout, the kernels' scales too; what `block` names computes in float32. */
  readonly half?: Float16Options | undefined
}

/** Annotates every linear layer and embedding table. */
export const quantizeBlocks = (options: BlockQuantizationOptions): Pass => {
  const { bits, block, symmetric, accuracyLevel, parts, half: _, ...selection } = options
  return annotateWeights({
    ...selection,
    name: `quantize-int${bits}-blocks`,
    summary: `Marks linear layers and embedding tables for ${bits}-bit weights in blocks of ${block}.`,
    note: (kind, weight) => {
      const width = weight.tensor.shape[1] ?? 0
      // the kernel of tables knows no block that is not full
      if (kind === 'table' && width % block !== 0) {
        return { scheme: 'weight-only', bits: 8, weightBits: 8, granularity: 'row' }
      }
      const found = parts?.get(weight.parameter?.name ?? '')
      const note = { scheme: 'blocks', weightBits: bits, block, symmetric, accuracyLevel } as const
      return found ? { ...note, parts: found } : note
    },
  })
}
