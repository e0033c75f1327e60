/** What a run tells of itself, for the report and the terminal. */
import type { Evaluation } from '../fit/training-progress.ts'
import { trainingTask } from '../fit/training-task.ts'
import { graphCost } from '../ops/graph-cost.ts'
import type { TrainingReport } from '../report/training-report.ts'
import { formatMetric, metricTitle } from '../report/units.ts'
import type { TrainOptions } from './train.ts'
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
export function trainingReport(run: Run): TrainingReport {
  const { options, prepared, memory, finished } = run
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
    flops: flopsOf(run),
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

/** Work of all steps, from that of the largest batch: its tokens against those that were run. */
function flopsOf({ prepared: { training, plan, task }, finished }: Run): number {
  const { rows, width } = plan.largest
  const each = trainingTask(task).rows
  const bindings = { batch_size: rows * each, sequence_length: width, pairs: rows, classes: 1 }
  const { total } = graphCost(training.accumulate ?? training.graph, bindings)
  return ((2 * total.macs + total.flops) / (rows * each * width)) * finished.progress.tokens
}

/** Such as `accuracy 90.1 %`. */
export function evaluationText({ metrics: [headline] }: Pick<Evaluation, 'metrics'>): string {
  const { name, value } = headline!
  if (name === 'loss') return `dev loss ${value.toPrecision(3)}`
  return `${metricTitle(name)} ${formatMetric(name, value)}`
}
