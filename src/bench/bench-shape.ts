/** Shapes to measure at, written `1x16,1x128,8x128`: texts in a batch x tokens of each. */
import { LimbeckError } from '../errors.ts'

/** A batch of texts of one length. */
export interface BenchShape {
  readonly batch: number
  /** Tokens of each text. */
  readonly sequence: number
}

/**
 * Reads `1x16,8x128`.
 * @throws LimbeckError `usage` for anything else.
 */
export function parseShapes(text: string): BenchShape[] {
  return text.split(',').map((part) => {
    const [, batch, sequence] = /^\s*([1-9]\d{0,6})[x×]([1-9]\d{0,6})\s*$/.exec(part) ?? []
    if (batch === undefined || sequence === undefined) {
      throw new LimbeckError(
        'usage',
        `Shapes: expected texts x tokens, such as 1x16,8x128, got '${part.trim()}'.`,
      )
    }
    return { batch: Number(batch), sequence: Number(sequence) }
  })
}

/** A shape as users write it. */
export const formatShape = ({ batch, sequence }: BenchShape): string => `${batch}x${sequence}`
