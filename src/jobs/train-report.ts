/** What a run tells of itself, for the report and the terminal. */
import type { Evaluation } from '../fit/training-progress.ts'
import type { TrainingReport } from '../report/training-report.ts'
import { formatMetric, metricTitle } from '../report/units.ts'
import type { TrainOptions } from './train.ts'
import { trainingFlops } from './train-flops.ts'
import type { TrainingMemory } from './train-memory.ts'
import type { PreparedTraining } from './train-prepare.ts'
import type { FinishedTraining } from './train-run.ts'

interface Run {
  readonly options: TrainOptions
  readonly prepared: PreparedTraining
  readonly memory: TrainingMemory
  readonly finished: FinishedTraining
}

/** The report's part about training. */
export function trainingReport({ options, prepared, memory, finished }: Run): TrainingReport {
  const { settings, task, plan, data } = prepared
  const { progress: done, peakBytes } = finished
  return {
    task,
    base: options.model,
    data: options.data.file,
    dev: options.dev,
    examples: data.training.examples.length,
    steps: done.step,
    plannedSteps: plan.steps,
    epochs: done.step === 0 ? 0 : plan.at(done.step - 1).epoch + 1,
    ended: done.ended,
    seconds: done.seconds,
    tokens: done.tokens,
    flops: trainingFlops(prepared, done.step),
    trained: memory.trained,
    frozen: memory.frozen,
    estimatedBytes: memory.total,
    peakBytes,
    metric: done.evaluations[0]?.metrics[0]?.name,
    keptStep: done.best?.step ?? done.step,
    settings: { ...settings },
    losses: done.losses,
    evaluations: done.evaluations.map(({ step, metrics }) => ({ step, metrics })),
  }
}

/** Such as `accuracy 90.1 %`. */
export function evaluationText({ metrics: [headline] }: Pick<Evaluation, 'metrics'>): string {
  const { name, value } = headline!
  if (name === 'loss') return `dev loss ${value.toPrecision(3)}`
  return `${metricTitle(name)} ${formatMetric(name, value)}`
}
