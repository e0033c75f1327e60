/**
 * Statistics: intervals, paired tests and acceptance, timing summaries; pure functions of numbers.
 */
export {
  type Acceptance,
  type AllowedDrop,
  acceptDrop,
  acceptStatistic,
  allowedDrop,
  type Better,
  type DropQuestion,
  parseMaxDrop,
  type StatisticQuestion,
  type Verdict,
} from './acceptance.ts'
export {
  type BootstrapOptions,
  bootstrapInterval,
  bootstrapKindsInterval,
  bootstrapReplicates,
  everyExampleOnce,
  type Statistic,
} from './bootstrap.ts'
export {
  pearson,
  pearsonInterval,
  pearsonStatistic,
  ranks,
  spearman,
  spearmanInterval,
  spearmanStatistic,
} from './correlation.ts'
export { type Interval, mean, meanInterval, standardDeviation, wilsonInterval } from './interval.ts'
export { kendallTau } from './kendall.ts'
export { type PairedDifference, pairedDifference, tangoInterval } from './paired-difference.ts'
export { median, quantile, quantileInterval } from './quantile.ts'
export { normalFrom, type Random, randomFrom, seedOf } from './random.ts'
export {
  medianStatistic,
  speedup,
  summarizeTimings,
  type TimingRatio,
  type TimingSummary,
} from './timing.ts'
