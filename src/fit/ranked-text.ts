/**
 * Rankings over a data file: rows of a query, a document and its relevance.
 *
 * `reranking`: each query ranks the documents of its own rows. `retrieval`: each query ranks the documents
 * of the whole file, and those that its rows do not name are not relevant; embeddings alone can do that,
 * since each text runs once. A row without a query adds its document only.
 */
import { evaluateMetrics } from '../data/metrics.ts'
import { rankOf } from '../data/ranking-scores.ts'
import type { Example } from '../data/read-examples.ts'
import { LimbeckError } from '../errors.ts'
import type { PreparedText, PrepareSettings } from './prepared-text.ts'
import { requireCrossEncoder } from './rank-documents.ts'

/** A task of rankings. */
export type RankingTask = 'reranking' | 'retrieval'

/** A query, the documents that it ranks, and which of these are relevant. */
interface Judged {
  readonly query: string
  /** Relevance by the number of the document. */
  readonly relevances: ReadonlyMap<number, number>
}

interface Collection {
  readonly judged: readonly Judged[]
  readonly documents: readonly string[]
}

/**
 * Encodes what the rows hold: pairs for a cross-encoder, each text once for embeddings.
 * @throws LimbeckError for a classifier of several labels, and for a file without a query.
 */
export function rankedText(
  task: RankingTask,
  examples: readonly Example<'number'>[],
  { file, model, tokenizer, maxLength }: PrepareSettings,
): PreparedText {
  const { judged, documents } = collect(examples)
  if (judged.length === 0) {
    throw new LimbeckError('input', `${file}: expected rows with a query, found none.`, {
      hint: 'Name the column of the query with --text.',
    })
  }
  const byPairs = model.task !== 'feature-extraction'
  if (byPairs) requireCrossEncoder(model)
  const all = documents.map((_, document) => document)
  const ranked = judged.map(({ relevances }) =>
    task === 'retrieval' ? all : [...relevances.keys()],
  )
  const encode = (text: string, pair?: string) => tokenizer.encode(text, pair, { maxLength })
  const queries = judged.map(({ query }) => query)
  const encodings = byPairs
    ? queries.flatMap((query, q) => ranked[q]!.map((d) => encode(query, documents[d])))
    : [...queries, ...documents].map((text) => encode(text))
  return {
    examples: queries.map((text) => ({ text, target: undefined, line: 0 })),
    encodings,
    judge: (rows) => {
      const scoresOf = byPairs ? logits(ranked, rows) : cosines(ranked, queries.length, rows)
      const answers: number[][] = []
      const expected: number[][] = []
      for (const [q, { relevances }] of judged.entries()) {
        const scores = scoresOf(q)
        const relevant = ranked[q]!.flatMap((document, i) => {
          const relevance = relevances.get(document) ?? 0
          return relevance > 0 ? [{ rank: rankOf(i, scores), relevance }] : []
        })
        answers.push(relevant.map(({ rank }) => rank))
        expected.push(relevant.map(({ relevance }) => relevance))
      }
      return evaluateMetrics(task, answers, expected)
    },
  }
}

/** Scores of the documents that a query ranks. */
type ScoresOf = (query: number) => ArrayLike<number>

function logits(ranked: readonly number[][], rows: readonly Float32Array[][]): ScoresOf {
  const starts: number[] = []
  let done = 0
  for (const own of ranked) {
    starts.push(done)
    done += own.length
  }
  return (q) =>
    rows.slice(starts[q]!, starts[q]! + ranked[q]!.length).map(([row]) => row![0] ?? Number.NaN)
}

function cosines(
  ranked: readonly number[][],
  queries: number,
  rows: readonly Float32Array[][],
): ScoresOf {
  const units = rows.map(([row]) => unit(row!))
  return (q) => ranked[q]!.map((d) => dot(units[q]!, units[queries + d]!))
}

/** The vector of length 1; a zero vector stays, and is like nothing. */
function unit(row: Float32Array): Float64Array {
  const values = Float64Array.from(row)
  const length = Math.sqrt(dot(values, values))
  return length === 0 ? values : values.map((value) => value / length)
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!
  return sum
}

/** Queries in the order in which they are met, documents by their text; of equal rows the best counts. */
function collect(examples: readonly Example<'number'>[]): Collection {
  const documents = new Map<string, number>()
  const queries = new Map<string, Map<number, number>>()
  for (const { text, textPair = '', target } of examples) {
    const document = documents.get(textPair) ?? documents.size
    documents.set(textPair, document)
    if (text.trim() === '') continue
    const relevances = queries.get(text) ?? new Map<number, number>()
    queries.set(text, relevances)
    relevances.set(document, Math.max(target, relevances.get(document) ?? target))
  }
  return {
    judged: [...queries].map(([query, relevances]) => ({ query, relevances })),
    documents: [...documents.keys()],
  }
}
