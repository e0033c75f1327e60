/** Checks that every statistic here makes of its numbers first. */
import { LimbeckError } from '../errors.ts'

/** Throws unless there is at least one number and all are finite. */
export function requireNumbers(what: string, values: ArrayLike<number>): void {
  if (values.length === 0) throw new LimbeckError('input', `${what}: expected numbers, got none.`)
  for (let i = 0; i < values.length; i++) {
    if (!Number.isFinite(values[i])) {
      throw new LimbeckError(
        'input',
        `${what}: expected finite numbers, got ${values[i]} at position ${i}.`,
      )
    }
  }
}

/** Throws unless both have numbers, all finite, and equally many. */
export function requirePaired(what: string, a: ArrayLike<number>, b: ArrayLike<number>): void {
  requireNumbers(what, a)
  requireNumbers(what, b)
  if (a.length === b.length) return
  throw new LimbeckError(
    'input',
    `${what}: expected paired series of one length, got ${a.length} and ${b.length}.`,
  )
}
