/**
 * Where a model drops activations while it trains, and how often, as its `config.json` says.
 *
 * Places that no key speaks of drop nothing; configurations are saved with all their keys.
 */
import type { ModelConfig } from './config.ts'
import { numberOf } from './config.ts'
import type { Task } from './family.ts'

/** Probability of each place; 0 drops nothing. */
export interface DropoutRates {
  /** What enters the first layer. */
  readonly embeddings: number
  /** Attention's weights, after the softmax. */
  readonly attention: number
  /** What attention adds to the stream. */
  readonly attentionOutput: number
  /** What the feed-forward adds to it. */
  readonly feedForward: number
  /** What the classifier reads. */
  readonly classifier: number
}

type Keys = readonly string[]

/** Keys by place, as families call them; the first that holds a number counts. */
const keys: Readonly<Record<Exclude<keyof DropoutRates, 'classifier'>, Keys>> = {
  embeddings: ['embedding_dropout', 'hidden_dropout_prob', 'dropout'],
  attention: ['attention_probs_dropout_prob', 'attention_dropout'],
  // DistilBERT's `dropout` does not reach here
  attentionOutput: ['hidden_dropout_prob'],
  feedForward: ['hidden_dropout_prob', 'dropout'],
}

const classifierKeys: Readonly<Partial<Record<Task, Keys>>> = {
  'sequence-classification': [
    'classifier_dropout',
    'classifier_dropout_prob',
    'seq_classif_dropout',
    'cls_dropout',
    'hidden_dropout_prob',
  ],
  'token-classification': [
    'classifier_dropout',
    'classifier_dropout_prob',
    'hidden_dropout_prob',
    'dropout',
  ],
  'question-answering': ['qa_dropout'],
}

function rateOf(config: ModelConfig, names: Keys): number {
  const name = names.find((key) => (config.json[key] ?? undefined) !== undefined)
  const rate = name === undefined ? 0 : numberOf(config, name, 0)
  return Math.min(Math.max(rate, 0), 0.95)
}

/** The rates of a model that is trained for a task. */
export const dropoutRates = (config: ModelConfig, task: Task): DropoutRates => ({
  embeddings: rateOf(config, keys.embeddings),
  attention: rateOf(config, keys.attention),
  attentionOutput: rateOf(config, keys.attentionOutput),
  feedForward: rateOf(config, keys.feedForward),
  classifier: rateOf(config, classifierKeys[task] ?? []),
})
