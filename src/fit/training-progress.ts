/**
 * How far a run is: what a checkpoint keeps beside weights and moments, and what the report draws. All that
 * a run decides by (the best evaluation so far, how many were no better) is here.
 */
import type { MetricName } from '../data/metrics.ts'
import type { Better } from '../stats/acceptance.ts'

/** The loss over some steps. */
export interface LossPoint {
  /** Steps done when it was taken. */
  readonly step: number
  /** Mean over the steps since the point before. */
  readonly loss: number
  readonly learningRate: number
  /** Largest norm of all gradients together, before clipping. */
  readonly gradientNorm: number
}

/** What dev data said. */
export interface Evaluation {
  /** Steps done. */
  readonly step: number
  /** The headline first; the loss alone where nothing else judges. */
  readonly metrics: readonly { readonly name: MetricName | 'loss'; readonly value: number }[]
  readonly better: Better
}

export interface TrainingProgress {
  /** Updates of the weights so far. */
  readonly step: number
  readonly losses: readonly LossPoint[]
  /** Sum of losses since the last point, and the largest norm. */
  readonly since: { readonly loss: number; readonly norm: number; readonly steps: number }
  readonly evaluations: readonly Evaluation[]
  /** The best evaluation: its weights are kept. */
  readonly best: Evaluation | undefined
  /** Real tokens, padding left out. */
  readonly tokens: number
  /** Seconds of steps, evaluations left out. */
  readonly seconds: number
  /** Why it ended before its last step. */
  readonly ended?: 'patience' | 'time' | undefined
}

/** Before the first step. */
export const noProgress: TrainingProgress = {
  step: 0,
  losses: [],
  since: { loss: 0, norm: 0, steps: 0 },
  evaluations: [],
  best: undefined,
  tokens: 0,
  seconds: 0,
}

/** Points that a whole run's curve has. */
const POINTS = 200

/** Progress after one more step. @param total steps of the run. */
export function afterStep(
  before: TrainingProgress,
  done: { loss: number; norm: number; learningRate: number; tokens: number; seconds: number },
  total: number,
): TrainingProgress {
  const step = before.step + 1
  const since = {
    loss: before.since.loss + done.loss,
    norm: Math.max(before.since.norm, done.norm),
    steps: before.since.steps + 1,
  }
  const counted = {
    ...before,
    step,
    since,
    tokens: before.tokens + done.tokens,
    seconds: before.seconds + done.seconds,
  }
  if (step < total && step % Math.max(1, Math.floor(total / POINTS)) > 0) return counted
  const { learningRate } = done
  const point = { step, loss: since.loss / since.steps, learningRate, gradientNorm: since.norm }
  return { ...counted, losses: [...before.losses, point], since: noProgress.since }
}

/** Whether one evaluation is better than another; one that is no number is better than none. */
export function isBetter(one: Evaluation, than: Evaluation | undefined): boolean {
  const [value, other] = [one.metrics[0]!.value, than?.metrics[0]?.value]
  if (Number.isNaN(value)) return false
  if (other === undefined || Number.isNaN(other)) return true
  return one.better === 'lower' ? value < other : value > other
}

/** Progress after an evaluation. */
export const afterEvaluation = (
  before: TrainingProgress,
  evaluation: Evaluation,
): TrainingProgress => ({
  ...before,
  evaluations: [...before.evaluations, evaluation],
  best: isBetter(evaluation, before.best) ? evaluation : before.best,
})

/** Evaluations since the best one. */
export const withoutGain = ({ evaluations, best }: TrainingProgress): number =>
  evaluations.filter(({ step }) => step > (best?.step ?? 0)).length
