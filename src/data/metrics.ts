/**
 * Metrics of a task, one row of a table each, with a confidence interval and what acceptance needs.
 *
 * A metric that is a mean of per-example scores keeps those scores; every metric is also a
 * statistic of counted examples, so that any of them can be bootstrapped and compared in pairs.
 */
import { LimbeckError } from '../errors.ts'
import {
  type Better,
  bootstrapInterval,
  everyExampleOnce,
  type Interval,
  mean,
  meanInterval,
  pearsonInterval,
  pearsonStatistic,
  type Statistic,
  spearmanInterval,
  spearmanStatistic,
  wilsonInterval,
} from '../stats/index.ts'
import { confusionStatistic, f1Of, macroF1Of, matthewsOf } from './confusion.ts'
import { agreementScores, agreementStatistic } from './entities.ts'
import { type AnswerTexts, exactScore, wordF1 } from './squad-scores.ts'

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

/** Answers of a model and what the data expects, in the same order. */
interface Compared<A> {
  readonly answers: readonly A[]
  readonly expected: readonly A[]
  /** Number of classes of the model. */
  readonly classes: number
}

interface Scored {
  readonly statistic: Statistic
  readonly perExample?: Float64Array
  /** Interval of the value; by default a bootstrap of the statistic. */
  readonly interval?: (value: number, n: number) => Interval
}

interface MetricRow<A> {
  readonly better: Better
  readonly score: (compared: Compared<A>) => Scored
}

type Classes = readonly number[]
type Tags = readonly string[]

const classMetrics = {
  accuracy: {
    better: 'higher',
    score: (all) => proportion(all, (answer, expected) => answer === expected),
  },
  'macro-f1': { better: 'higher', score: (all) => confused(all, macroF1Of) },
  // class 1 is the positive one, as in GLUE
  f1: { better: 'higher', score: (all) => confused(all, (confusion) => f1Of(confusion, 1)) },
  matthews: { better: 'higher', score: (all) => confused(all, matthewsOf) },
} as const satisfies Record<string, MetricRow<number>>

const multiLabelMetrics = {
  'exact-match': {
    better: 'higher',
    score: (all) =>
      proportion(
        all,
        (answer, expected) =>
          answer.length === expected.length && answer.every((label) => expected.includes(label)),
      ),
  },
  'micro-f1': { better: 'higher', score: microF1 },
} as const satisfies Record<string, MetricRow<Classes>>

const numberMetrics = {
  pearson: {
    better: 'higher',
    score: ({ answers, expected }) => ({
      statistic: pearsonStatistic(answers, expected),
      interval: pearsonInterval,
    }),
  },
  spearman: {
    better: 'higher',
    score: ({ answers, expected }) => ({
      statistic: spearmanStatistic(answers, expected),
      interval: spearmanInterval,
    }),
  },
  mse: {
    better: 'lower',
    score: ({ answers, expected }) => {
      const errors = Float64Array.from(answers, (answer, i) => (answer - expected[i]!) ** 2)
      return { ...meanOf(errors), interval: () => meanInterval(errors) }
    },
  },
} as const satisfies Record<string, MetricRow<number>>

// an example is a sentence, an answer the tags of its words
const tagMetrics = {
  'entity-f1': { better: 'higher', score: (all) => agreed(all, 'f1') },
  'entity-precision': { better: 'higher', score: (all) => agreed(all, 'precision') },
  'entity-recall': { better: 'higher', score: (all) => agreed(all, 'recall') },
  'token-accuracy': { better: 'higher', score: (all) => agreed(all, 'accuracy') },
} as const satisfies Record<string, MetricRow<Tags>>

const answerMetrics = {
  'word-f1': {
    better: 'higher',
    score: ({ answers, expected }) =>
      meanOf(
        Float64Array.from(answers, ({ texts: [text] }, i) => wordF1(text ?? '', expected[i]!)),
      ),
  },
  'exact-answer': {
    better: 'higher',
    score: (all) =>
      proportion(all, ({ texts: [text] }, expected) => exactScore(text ?? '', expected) === 1),
  },
} as const satisfies Record<string, MetricRow<AnswerTexts>>

const metrics = {
  ...answerMetrics,
  ...classMetrics,
  ...multiLabelMetrics,
  ...numberMetrics,
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
} as const satisfies Record<string, readonly MetricName[]>

/** A task that has metrics. */
export type MetricTask = keyof typeof metricsOfTask

/** What a task's answers are: class number, class numbers, a number, or the tags of the words. */
export interface TaskAnswers {
  classification: number
  'multi-label': Classes
  regression: number
  similarity: number
  'question-answering': AnswerTexts
  'token-classification': Tags
}

/**
 * The metrics of a task on the answers of a model.
 * @param answers what the model said, in input order. @param expected what the data says.
 * @param classes number of the model's classes (classification only); F1 of the positive class is
 *   reported for two classes alone.
 * @returns in the order of `metricsOfTask`.
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
  const compared = { answers, expected, classes } as Compared<never>
  const names: readonly MetricName[] = metricsOfTask[task]
  return names
    .filter((name) => name !== 'f1' || classes === 2)
    .map((name) => result(name, compared))
}

function result(name: MetricName, compared: Compared<never>): MetricResult {
  const { better, score } = metrics[name] as MetricRow<never>
  const { statistic, perExample, interval } = score(compared)
  const n = compared.answers.length
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
function proportion<A>(
  { answers, expected }: Compared<A>,
  isRight: (answer: A, expected: A) => boolean,
): Scored {
  const right = Float64Array.from(answers, (answer, i) => (isRight(answer, expected[i]!) ? 1 : 0))
  const n = answers.length
  return { ...meanOf(right), interval: () => wilsonInterval(Math.round(mean(right) * n), n) }
}

function confused(
  { answers, expected, classes }: Compared<number>,
  score: Parameters<typeof confusionStatistic>[3],
): Scored {
  const highest = Math.max(classes - 1, maximum(answers), maximum(expected))
  return { statistic: confusionStatistic(answers, expected, highest + 1, score) }
}

const agreed = (
  { answers, expected }: Compared<Tags>,
  score: keyof typeof agreementScores,
): Scored => ({ statistic: agreementStatistic(answers, expected, agreementScores[score]) })

const maximum = (values: readonly number[]): number =>
  values.reduce((most, value) => Math.max(most, value), 0)

/** F1 over all labels of all examples together. */
function microF1({ answers, expected }: Compared<Classes>): Scored {
  const hits = answers.map(
    (answer, i) => answer.filter((label) => expected[i]!.includes(label)).length,
  )
  const sizes = answers.map((answer, i) => answer.length + expected[i]!.length)
  return {
    statistic: (counts) => {
      let [found, size] = [0, 0]
      for (let i = 0; i < counts.length; i++) {
        found += counts[i]! * hits[i]!
        size += counts[i]! * sizes[i]!
      }
      return size === 0 ? 0 : (2 * found) / size
    },
  }
}
