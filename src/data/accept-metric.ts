/**
 * The acceptance verdict on a metric: by per-example scores where the metric is their mean, else by
 * a paired bootstrap (see `stats/acceptance.ts`).
 */
import { LimbeckError } from '../errors.ts'
import { type Acceptance, type AllowedDrop, acceptDrop, acceptStatistic } from '../stats/index.ts'
import type { MetricResult } from './metrics.ts'

/**
 * Whether a metric dropped no more than is allowed from `before` to `after`, which are results of
 * one metric on the same examples in the same order.
 * @throws LimbeckError when they are of different metrics or numbers of examples.
 */
export function acceptMetric(
  before: MetricResult,
  after: MetricResult,
  allowed: AllowedDrop,
  options: { readonly seed?: number } = {},
): Acceptance {
  const { n, name, better } = before
  if (after.name !== name || after.n !== n) {
    throw new LimbeckError(
      'input',
      `acceptance: expected ${name} of ${n} examples twice, got ${after.name} of ${after.n}.`,
    )
  }
  return before.perExample && after.perExample
    ? acceptDrop({ before: before.perExample, after: after.perExample, allowed, better })
    : acceptStatistic({
        n,
        before: before.statistic,
        after: after.statistic,
        allowed,
        better,
        ...options,
      })
}
