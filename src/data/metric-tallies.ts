/**
 * What is kept of one example: a few numbers of its answer and its truth, from which all metrics of the
 * task are made.
 */
import { agreementOf } from './entities.ts'
import { averagePrecision, ndcgAt, recallAt, reciprocalRankAt } from './ranking-scores.ts'
import { type AnswerTexts, exactScore, wordF1 } from './squad-scores.ts'

/**
 * What a task's answers are: class number, class numbers, a number, the tags of the words, or the ranks of a
 * query's relevant documents beside their relevances.
 */
export interface TaskAnswers {
  classification: number
  'multi-label': readonly number[]
  regression: number
  similarity: number
  'question-answering': AnswerTexts
  'token-classification': readonly string[]
  reranking: readonly number[]
  retrieval: readonly number[]
}

/** A task that has metrics. */
export type MetricTask = keyof TaskAnswers

interface Tally<A> {
  /** How many numbers. */
  readonly width: number
  readonly tally: (answer: A, expected: A) => readonly number[]
}

/** Scores of a query, in the order in which `metrics.ts` reads them. */
const rankingScores = [
  ndcgAt(10),
  reciprocalRankAt(10),
  averagePrecision,
  recallAt(10),
  recallAt(100),
]
const ranking: Tally<readonly number[]> = {
  width: rankingScores.length,
  tally: (ranks, relevances) => rankingScores.map((score) => score(ranks, relevances)),
}

const both: Tally<number> = { width: 2, tally: (answer, expected) => [answer, expected] }

/** The numbers of each task. */
export const tallies: { readonly [T in MetricTask]: Tally<TaskAnswers[T]> } = {
  // the two class numbers, or the two values
  classification: both,
  regression: both,
  similarity: both,
  // whether all labels are right, labels found, and labels of both together
  'multi-label': {
    width: 3,
    tally: (answer, expected) => {
      const hits = answer.filter((label) => expected.includes(label)).length
      const exact = answer.length === expected.length && hits === answer.length
      return [Number(exact), hits, answer.length + expected.length]
    },
  },
  // F1 of the words, and whether the text is an accepted one
  'question-answering': {
    width: 2,
    tally: ({ texts: [text = ''] }, expected) => [
      wordF1(text, expected),
      exactScore(text, expected),
    ],
  },
  'token-classification': { width: 5, tally: agreementOf },
  reranking: ranking,
  retrieval: ranking,
}
