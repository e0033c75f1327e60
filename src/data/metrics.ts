/**
 * Metrics of a task, one row of a table each, with a confidence interval and what acceptance needs.
 *
 * Of each example a few numbers are kept (`metric-tallies.ts`), from which every metric is made: answers
 * and texts may be let go as they are judged. A metric that is a mean of per-example scores keeps those scores; every metric is also a
 * statistic of counted examples, so that any of them can be bootstrapped and compared in pairs.
 */
import { LimbeckError } from '../errors.ts'
import {
  type Better,
  bootstrapInterval,
  bootstrapKindsInterval,
  everyExampleOnce,
  type Interval,
  meanInterval,
  pearsonInterval,
  pearsonStatistic,
  type Statistic,
  spearmanInterval,
  spearmanStatistic,
  wilsonInterval,
} from '../stats/index.ts'
import { confusionCells, confusionStatistic, f1Of, macroF1Of, matthewsOf } from './confusion.ts'
import { agreementScores, agreementStatistic } from './entities.ts'
import { type MetricTask, type TaskAnswers, tallies } from './metric-tallies.ts'
import { NumberColumns } from './number-columns.ts'

/** What a metric came to on some examples. */
export interface MetricResult {
  readonly name: MetricName
  /** NaN where it is undefined, as a correlation with constant answers is. */
  readonly value: number
  /** Two-sided, 95 %. */
  readonly interval: Interval
  /** Examples. */
  readonly n: number
  readonly better: Better
  /** Score of each example in input order, where the value is their mean. */
  readonly perExample?: Float64Array
  /** The metric of the same examples, each counted some number of times. */
  readonly statistic: Statistic
}

/** What is kept of the examples, a column a number of the task's tally. */
interface Kept {
  readonly columns: readonly Float64Array[]
  /** Number of classes of the model. */
  readonly classes: number
}

interface Scored {
  readonly statistic: Statistic
  readonly perExample?: Float64Array
  /** Interval of the value; by default a bootstrap of the statistic. */
  readonly interval?: (value: number, n: number) => Interval
}

interface MetricRow {
  readonly better: Better
  readonly score: (kept: Kept) => Scored
}

const higher = (score: MetricRow['score']): MetricRow => ({ better: 'higher', score })

const classMetrics = {
  accuracy: higher(({ columns: [answers, expected] }) =>
    proportion(answers!.map((answer, i) => Number(answer === expected![i]))),
  ),
  'macro-f1': higher((kept) => confused(kept, macroF1Of)),
  // class 1 is the positive one, as in GLUE
  f1: higher((kept) => confused(kept, (confusion) => f1Of(confusion, 1))),
  matthews: higher((kept) => confused(kept, matthewsOf)),
}

const multiLabelMetrics = {
  'exact-match': higher(({ columns: [exact] }) => proportion(exact!)),
  'micro-f1': higher(({ columns: [, hits, sizes] }) => ({
    statistic: (counts) => {
      const size = weighted(counts, sizes!)
      return size === 0 ? 0 : (2 * weighted(counts, hits!)) / size
    },
  })),
}

const numberMetrics = {
  pearson: higher(({ columns: [answers, expected] }) => ({
    statistic: pearsonStatistic(answers!, expected!),
    interval: pearsonInterval,
  })),
  spearman: higher(({ columns: [answers, expected] }) => ({
    statistic: spearmanStatistic(answers!, expected!),
    interval: spearmanInterval,
  })),
  mse: {
    better: 'lower',
    score: ({ columns: [answers, expected] }) => {
      const errors = answers!.map((answer, i) => (answer - expected![i]!) ** 2)
      return { ...meanOf(errors), interval: () => meanInterval(errors) }
    },
  },
} as const satisfies Record<string, MetricRow>

// an example is a sentence, an answer the tags of its words
const agreed = (score: keyof typeof agreementScores): MetricRow =>
  higher(({ columns }) => ({ statistic: agreementStatistic(columns, agreementScores[score]) }))

const tagMetrics = {
  'entity-f1': agreed('f1'),
  'entity-precision': agreed('precision'),
  'entity-recall': agreed('recall'),
  'token-accuracy': agreed('accuracy'),
}

const answerMetrics = {
  'word-f1': higher(({ columns: [f1] }) => meanOf(f1!)),
  'exact-answer': higher(({ columns: [, exact] }) => proportion(exact!)),
}

// an example is a query
const meanOfColumn = (at: number): MetricRow => higher(({ columns }) => meanOf(columns[at]!))

const rankingMetrics = {
  'ndcg@10': meanOfColumn(0),
  'mrr@10': meanOfColumn(1),
  map: meanOfColumn(2),
  'recall@10': meanOfColumn(3),
  'recall@100': meanOfColumn(4),
}

const metrics = {
  ...answerMetrics,
  ...classMetrics,
  ...multiLabelMetrics,
  ...numberMetrics,
  ...rankingMetrics,
  ...tagMetrics,
}

/** Name of a metric. */
export type MetricName = keyof typeof metrics

/** Metrics of each task; the first is the one a task is judged by. */
export const metricsOfTask = {
  classification: ['accuracy', 'macro-f1', 'f1', 'matthews'],
  'multi-label': ['exact-match', 'micro-f1'],
  regression: ['pearson', 'spearman', 'mse'],
  similarity: ['spearman', 'pearson'],
  'question-answering': ['word-f1', 'exact-answer'],
  'token-classification': ['entity-f1', 'entity-precision', 'entity-recall', 'token-accuracy'],
  reranking: ['ndcg@10', 'mrr@10', 'map', 'recall@10'],
  retrieval: ['ndcg@10', 'mrr@10', 'map', 'recall@10', 'recall@100'],
} as const satisfies Record<MetricTask, readonly MetricName[]>

/** Takes the answers of a model one by one, in any order, and keeps a few numbers of each. */
export interface MetricMeter<A> {
  /** @param index the example's place in the data, from 0; each place once. */
  add(index: number, answer: A, expected: A): void
  /**
   * The metrics of all examples, in the order of `metricsOfTask`.
   * @throws LimbeckError when there is no example, or a place before the last was left empty.
   */
  result(): MetricResult[]
}

/**
 * A meter of a task's metrics.
 * @param classes number of the model's classes (classification only); F1 of the positive class is
 *   reported for two classes alone.
 */
export function metricMeter<T extends MetricTask>(
  task: T,
  classes = 0,
): MetricMeter<TaskAnswers[T]> {
  const { width, tally } = tallies[task]
  const columns = new NumberColumns(width)
  const names: readonly MetricName[] = metricsOfTask[task]
  return {
    add: (index, answer, expected) => columns.set(index, tally(answer, expected)),
    result: () => {
      if (columns.length === 0) {
        throw new LimbeckError('input', 'metrics: expected at least one example, got 0.')
      }
      const kept = { columns: columns.all(), classes }
      return names
        .filter((name) => name !== 'f1' || classes === 2)
        .map((name) => result(name, kept, columns.length))
    },
  }
}

/**
 * The metrics of a task on answers that are all there.
 * @param answers what the model said, in input order. @param expected what the data says.
 * @throws LimbeckError when there is no example or the lists differ in length.
 */
export function evaluateMetrics<T extends MetricTask>(
  task: T,
  answers: readonly TaskAnswers[T][],
  expected: readonly TaskAnswers[T][],
  classes = 0,
): MetricResult[] {
  if (answers.length === 0 || answers.length !== expected.length) {
    throw new LimbeckError(
      'input',
      `metrics: expected as many answers as labels, at least one, got ${answers.length} and ${expected.length}.`,
    )
  }
  const meter = metricMeter(task, classes)
  for (const [i, answer] of answers.entries()) meter.add(i, answer, expected[i]!)
  return meter.result()
}

function result(name: MetricName, kept: Kept, n: number): MetricResult {
  const { better, score } = metrics[name]
  const { statistic, perExample, interval } = score(kept)
  const value = statistic(everyExampleOnce(n))
  return {
    name,
    value,
    interval: interval ? interval(value, n) : bootstrapInterval(n, statistic),
    n,
    better,
    ...(perExample && { perExample }),
    statistic,
  }
}

const weighted = (counts: Float64Array, values: Float64Array): number => {
  let sum = 0
  for (let i = 0; i < counts.length; i++) sum += counts[i]! * values[i]!
  return sum
}

/** The mean of scores, as a statistic. */
function meanOf(perExample: Float64Array): Scored {
  const statistic: Statistic = (counts) => {
    let [sum, total] = [0, 0]
    for (let i = 0; i < counts.length; i++) {
      sum += counts[i]! * perExample[i]!
      total += counts[i]!
    }
    return sum / total
  }
  return { statistic, perExample }
}

/** The share of examples that are right, with Wilson's interval. */
const proportion = (right: Float64Array): Scored => ({
  ...meanOf(right),
  interval: (value, n) => wilsonInterval(Math.round(value * n), n),
})

function confused(
  { columns: [answers, expected], classes }: Kept,
  score: Parameters<typeof confusionStatistic>[3],
): Scored {
  const count = Math.max(classes, 1 + maximum(answers!), 1 + maximum(expected!))
  return {
    statistic: confusionStatistic(answers!, expected!, count, score),
    interval: () =>
      bootstrapKindsInterval(confusionCells(answers!, expected!, count), (cells) =>
        score({ classes: count, cells }),
      ),
  }
}

const maximum = (values: Float64Array): number =>
  values.reduce((most, value) => Math.max(most, value), 0)
