/**
 * The loop of a run: steps, evaluations, checkpoints. It decides by the number of the step and by what a
 * checkpoint keeps, never by the clock, so that a run that was killed and taken up again ends with the same
 * bytes; only when it is saved, and where `maxMinutes` ends it, depends on time.
 */
import { LimbeckError } from '../errors.ts'
import type { Feeds } from '../runtime/engine.ts'
import type { StoredGraph } from '../runtime/open-store.ts'
import type { TrainingStep } from '../train/training-step.ts'
import { stepOutputs } from '../train/write-update.ts'
import { divergence } from './divergence.ts'
import { learningRate, type Schedule } from './schedule.ts'
import type { TrainingPlan } from './training-plan.ts'
import {
  afterEvaluation,
  afterStep,
  type Evaluation,
  type TrainingProgress,
  withoutGain,
} from './training-progress.ts'

/** A batch ready to run. */
export interface ReadyBatch {
  readonly feeds: Feeds
  readonly rows: number
  /** Real tokens. */
  readonly tokens: number
}

/** The loaded graphs of a step, and what belongs to them. */
export interface StepGraphs {
  readonly step: StoredGraph
  readonly accumulate: StoredGraph | undefined
  /** Sets sums of gradients to zero. */
  clear(): Promise<void>
}

export interface TrainLoop {
  readonly plan: TrainingPlan
  readonly schedule: Schedule
  readonly training: TrainingStep
  readonly graphs: StepGraphs
  readonly emaDecay?: number | undefined
  /** The batch of these examples, in step `step` (from 0), the `micro`th of it. */
  batch(places: readonly number[], step: number, micro: number): ReadyBatch
  /** Judges the weights on dev data; absent without. */
  readonly evaluate?: ((step: number) => Promise<Evaluation>) | undefined
  /** Whether it does after this many steps; it always does after the last. */
  evaluateAt(steps: number): boolean
  /** Evaluations without gain that end the run. */
  readonly patience?: number | undefined
  /** Keeps the weights as the best so far. */
  saveBest(step: number): Promise<void>
  save(progress: TrainingProgress): Promise<void>
  /** Milliseconds between checkpoints; evaluations write one too. */
  readonly saveEveryMs: number
  /** Milliseconds after which the run ends, from now. */
  readonly maxMs?: number | undefined
  readonly signal?: AbortSignal | undefined
  /** Told after each step. */
  readonly onStep?: ((progress: TrainingProgress, loss: number) => void) | undefined
}

/**
 * Runs from where `progress` is to the end.
 * @throws LimbeckError `cancelled` after a checkpoint was written; `runtime` when numbers are none.
 */
export async function trainLoop(
  loop: TrainLoop,
  from: TrainingProgress,
): Promise<TrainingProgress> {
  const { plan, evaluate, patience, signal } = loop
  const watch = divergence()
  const begin = performance.now()
  let saved = begin
  let progress = from
  let ready = prepared(loop, progress.step)
  while (progress.step < plan.steps && progress.ended === undefined) {
    const running = ready
    const done = runStep(loop, progress.step, running)
    // while the process computes, the next batch is made
    if (progress.step + 1 < plan.steps) ready = prepared(loop, progress.step + 1)
    const { loss, norm, seconds, rate } = await done
    const tokens = running.reduce((sum, batch) => sum + batch.tokens, 0)
    watch(progress.step + 1, loss, rate)
    progress = afterStep(progress, { loss, norm, learningRate: rate, tokens, seconds }, plan.steps)
    loop.onStep?.(progress, loss)
    const now = performance.now()
    const outOfTime = loop.maxMs !== undefined && now - begin > loop.maxMs
    if (outOfTime) progress = { ...progress, ended: 'time' }
    if (evaluate && (outOfTime || progress.step === plan.steps || loop.evaluateAt(progress.step))) {
      progress = afterEvaluation(progress, await evaluate(progress.step))
      if (progress.best?.step === progress.step) await loop.saveBest(progress.step)
      if (patience !== undefined && withoutGain(progress) >= patience) {
        progress = { ...progress, ended: 'patience' }
      }
      saved = Number.NEGATIVE_INFINITY
    }
    const isLast = progress.step === plan.steps || progress.ended !== undefined
    if (isLast || signal?.aborted || performance.now() - saved > loop.saveEveryMs) {
      await loop.save(progress)
      saved = performance.now()
    }
    if (signal?.aborted) {
      throw new LimbeckError('cancelled', `Cancelled after step ${progress.step}, which is kept.`, {
        hint: 'Go on with --resume.',
      })
    }
  }
  return progress
}

const prepared = ({ plan, batch }: TrainLoop, step: number): readonly ReadyBatch[] =>
  step < plan.steps ? plan.at(step).batches.map((places, micro) => batch(places, step, micro)) : []

/** One update of the weights; they stay as they were where a number is none. */
async function runStep(loop: TrainLoop, step: number, batches: readonly ReadyBatch[]) {
  const { training, graphs, schedule, emaDecay } = loop
  const rate = learningRate(schedule, step)
  const settings = { step: step + 1, learningRate: rate, ...(emaDecay && { emaDecay }) }
  const rows = batches.reduce((sum, batch) => sum + batch.rows, 0)
  let [loss, ms] = [0, 0]
  if (graphs.accumulate) {
    await graphs.clear()
    for (const [micro, batch] of batches.entries()) {
      const weight = batch.rows / rows
      const feeds = { ...batch.feeds, ...training.feeds({ ...settings, weight, micro }) }
      const got = await graphs.accumulate.step(feeds)
      loss += weight * numberOf(got.outputs, stepOutputs.loss)
      ms += got.ms
    }
  }
  const feeds = { ...batches[0]!.feeds, ...training.feeds(settings) }
  const got = await graphs.step.step(feeds, { unless: stepOutputs.gradientNorm })
  if (!graphs.accumulate) loss = numberOf(got.outputs, stepOutputs.loss)
  const norm = numberOf(got.outputs, stepOutputs.gradientNorm)
  if (!Number.isFinite(loss) || !Number.isFinite(norm)) {
    const squares = got.outputs[stepOutputs.gradientSquares]!.data as Float32Array
    throw notFinite(step + 1, loss, rate, training.gradients, squares)
  }
  return { loss, norm, rate, seconds: (ms + got.ms) / 1000 }
}

const numberOf = (outputs: Feeds, name: string): number => Number(outputs[name]!.data[0])

/** Names the first gradient, on the way back from the loss, that is no number. */
function notFinite(
  step: number,
  loss: number,
  rate: number,
  names: readonly string[],
  squares: Float32Array,
): LimbeckError {
  const bad = names.filter((_, i) => !Number.isFinite(squares[i]!))
  const what = Number.isFinite(loss)
    ? `the gradient of ${bad.at(-1) ?? names.at(-1)} is not finite`
    : `the loss is ${loss}, and so is the gradient of ${bad.at(-1) ?? names.at(-1)}`
  return new LimbeckError(
    'runtime',
    `step ${step}: ${what}, at learning rate ${Number(rate.toPrecision(3))}; ${bad.length} of ${names.length} gradients are not finite.`,
    {
      hint: 'Take a lower --learning-rate or a longer --warmup; --resume goes on from the last checkpoint.',
    },
  )
}
