/**
 * Documents ranked by a query. A cross-encoder reads query and document together and gives one logit; a
 * sentence-embedding model embeds each alone and ranks by cosine (Reimers and Gurevych 2019).
 */
import { cosineSimilarity } from '../data/logits.ts'
import type { Encoding, Tokenizer } from '../data/tokenizer.ts'
import { LimbeckError } from '../errors.ts'
import type { ModelInfo } from '../models/build-model.ts'
import type { Asked, RankedDocument, RunInput } from './answer.ts'

/** Documents that are given unless told otherwise. */
export const RANKED = 10

/** Ranks documents; of equal scores the one given first comes first. */
export function rankDocuments(asked: Asked): RunInput {
  const { text: query, documents = [], top = RANKED } = asked
  if (documents.length === 0) {
    throw new LimbeckError('usage', 'there are no documents to rank.', {
      hint: 'Give a file with one a line: --documents file.txt.',
    })
  }
  const ranked = scorer(asked.model)(query, documents, asked)
  return {
    encodings: ranked.encodings,
    read: (rows) => ({
      kind: 'ranking',
      documents: inOrder(documents, ranked.scores(rows)).slice(0, top),
    }),
  }
}

interface Scored {
  readonly encodings: readonly Encoding[]
  /** The score of each document. */
  scores(rows: readonly Float32Array[][]): number[]
}

type Scorer = (
  query: string,
  documents: readonly string[],
  settings: { readonly tokenizer: Tokenizer; readonly maxLength: number },
) => Scored

function scorer(model: Pick<ModelInfo, 'task' | 'labels'>): Scorer {
  if (model.task === 'feature-extraction') return byCosine
  requireCrossEncoder(model)
  return byLogit
}

/** @throws LimbeckError for a classifier of several labels. */
export function requireCrossEncoder({ labels }: Pick<ModelInfo, 'labels'>): void {
  if (labels.length === 1) return
  throw new LimbeckError(
    'input',
    `ranking needs a cross-encoder with one label; the model has ${labels.length}: ${labels.slice(0, 5).join(', ')}.`,
    { hint: 'Use a cross-encoder or a sentence-embedding model.' },
  )
}

const byLogit: Scorer = (query, documents, { tokenizer, maxLength }) => ({
  encodings: documents.map((document) => tokenizer.encode(query, document, { maxLength })),
  scores: (rows) => rows.map(([row]) => row![0]!),
})

const byCosine: Scorer = (query, documents, { tokenizer, maxLength }) => ({
  encodings: [query, ...documents].map((text) => tokenizer.encode(text, undefined, { maxLength })),
  scores: ([asked, ...rows]) => rows.map(([row]) => cosineSimilarity(asked![0]!, row!)),
})

function inOrder(documents: readonly string[], scores: readonly number[]): RankedDocument[] {
  const order = Array.from(scores.keys()).sort((a, b) => scores[b]! - scores[a]!)
  return order.map((index, i) => ({
    rank: i + 1,
    score: scores[index]!,
    text: documents[index]!,
    index,
  }))
}
