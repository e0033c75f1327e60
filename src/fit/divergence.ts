/**
 * Notices a loss that runs away before it is no number any more: its mean over the last steps is far above
 * that of the first ones.
 */
import { LimbeckError } from '../errors.ts'

/** Steps of a mean. */
const WINDOW = 20
/** What a mean may be of the first one. */
const FACTOR = 10
/** A loss below this is none that ran away. */
const LEAST = 10

/** A watch over losses, in order. @throws LimbeckError `runtime` naming the step when they run away. */
export function divergence(): (step: number, loss: number, rate: number) => void {
  const last: number[] = []
  let first: number | undefined
  return (step, loss, rate) => {
    last.push(loss)
    if (last.length > WINDOW) last.shift()
    if (last.length < WINDOW) return
    const mean = last.reduce((sum, one) => sum + one / WINDOW, 0)
    first ??= mean
    if (mean < Math.max(LEAST, FACTOR * first)) return
    throw new LimbeckError(
      'runtime',
      `step ${step}: the loss runs away: ${mean.toPrecision(3)} over ${WINDOW} steps, ${first.toPrecision(3)} at first, at learning rate ${Number(rate.toPrecision(3))}.`,
      {
        hint: 'Take a lower --learning-rate or a longer --warmup; --resume goes on from the last checkpoint.',
      },
    )
  }
}
