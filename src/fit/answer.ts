/**
 * What a model is asked with one text, and what it says: the types that every task of `run` shares.
 */
import type { Encoding, Tokenizer } from '../data/tokenizer.ts'
import type { ModelInfo } from '../models/build-model.ts'
import type { AnswerSpan } from './question-answering.ts'
import type { TextEntity } from './token-classification.ts'

/** A label and its probability; of a sentence-embedding model, its cosine with the text. */
export interface LabelScore {
  readonly label: string
  readonly score: number
}

/** What may stand in place of a mask. */
export interface MaskFill {
  /** As text, without the marks of the vocabulary. */
  readonly token: string
  readonly id: number
  readonly score: number
}

/** A document and its place among all that were ranked. */
export interface RankedDocument {
  /** From 1. */
  readonly rank: number
  /** The logit of a cross-encoder; the cosine of embeddings. */
  readonly score: number
  readonly text: string
  /** Position among the documents given, from 0. */
  readonly index: number
}

/** An answer: what it holds depends on the task. */
export type Answer =
  | { readonly kind: 'labels'; readonly labels: readonly LabelScore[] }
  | { readonly kind: 'similarities'; readonly labels: readonly LabelScore[] }
  | { readonly kind: 'value'; readonly value: number }
  | { readonly kind: 'vector'; readonly vector: readonly number[] }
  /** For each mask of the text, its likeliest tokens. */
  | { readonly kind: 'masks'; readonly masks: readonly (readonly MaskFill[])[] }
  | { readonly kind: 'entities'; readonly entities: readonly TextEntity[] }
  | { readonly kind: 'ranking'; readonly documents: readonly RankedDocument[] }
  | ({ readonly kind: 'span' } & AnswerSpan)

/** What is asked. */
export interface Question {
  /** The text, the question, or the query. */
  readonly text: string
  /** Second text of a pair; the context of a question. */
  readonly textPair?: string | undefined
  /** Labels to choose among, for zero-shot classification. */
  readonly candidates?: readonly string[] | undefined
  /** What a candidate is put into, at `{}`. */
  readonly hypothesis?: string | undefined
  /** Judge each candidate by itself. */
  readonly multiLabel?: boolean | undefined
  /** Texts to rank by the query. */
  readonly documents?: readonly string[] | undefined
  /** Most tokens of a mask, or documents, to give. */
  readonly top?: number | undefined
}

/** A question, and the model that it is put to. */
export interface Asked extends Question {
  readonly model: ModelInfo
  readonly tokenizer: Tokenizer
  readonly maxLength: number
}

/** What runs, and how the answer is read from the rows of each. */
export interface RunInput {
  readonly encodings: readonly Encoding[]
  read(rows: readonly Float32Array[][]): Answer
}
