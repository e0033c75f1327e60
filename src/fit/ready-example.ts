/**
 * An example that is ready to run and to be judged: its texts as tokens, what the data expects, and how an
 * answer is read from the rows of its texts. Here tasks differ, and nowhere after.
 */
import type { MetricTask } from '../data/metric-tallies.ts'
import { type MetricMeter, type MetricResult, metricMeter } from '../data/metrics.ts'
import type { Predicted, RunnableExample } from './predict.ts'

/** The rows of each of an example's texts. */
export type ExampleRows = Predicted<unknown>['rows']

/** One example. */
export interface ReadyExample extends RunnableExample {
  /** What the data says, of the kind that its task's metrics take; absent where nothing is judged. */
  readonly expected?: unknown
  /** The model's answer, of the same kind. */
  readonly answer?: (rows: ExampleRows) => unknown
}

/** Judges one model's examples as they come, in any order. */
export interface Judge {
  add(done: Predicted<ReadyExample>): void
  result(): MetricResult[]
}

/** A judge that keeps a few numbers of each example. @param classes of the model. */
export function judgeBy(task: MetricTask, classes: number): Judge {
  const meter = metricMeter(task, classes) as MetricMeter<unknown>
  return {
    add: ({ index, example, rows }) => {
      meter.add(index, example.answer!(rows), example.expected)
    },
    result: () => meter.result(),
  }
}

/** A judge of what can only be judged together: it keeps the rows, an example's first text each. */
export function judgeTogether(judge: (rows: readonly Float32Array[][]) => MetricResult[]): Judge {
  const all: Float32Array[][] = []
  return {
    add: ({ index, rows: [rows] }) => {
      all[index] = rows!
    },
    result: () => judge(all),
  }
}
