/**
 * The methods of distillation, one row each: what is learned from the teacher's inner layers, what from its
 * answers, what from labels, with the weights of the papers.
 */
import type { InnerLoss } from './inner-losses.ts'
import type { AnswerLoss } from './teacher-answers.ts'

export interface DistillMethod {
  readonly summary: string
  /** Weights of losses between inner layers. */
  readonly inner: Readonly<Partial<Record<InnerLoss, number>>>
  readonly answers: {
    readonly loss: AnswerLoss
    readonly weight: number
    readonly temperature: number
  }
  /** Weight of the task's own loss. */
  readonly labels: number
  /** Inner layers in the first half of the steps alone, answers and labels in the second. */
  readonly twoStages?: true
}

const answers = (loss: AnswerLoss, weight: number, temperature: number) => ({
  answers: { loss, weight, temperature },
})

export const distillMethods = {
  // Hinton et al. 2015, with the weights of DistilBERT's second distillation
  logits: {
    summary: "the teacher's probabilities (KL, T = 2) and the labels, half each",
    inner: {},
    ...answers('divergence', 0.5, 2),
    labels: 0.5,
  },
  'soft-labels': {
    summary: "the teacher's probabilities alone (cross entropy)",
    inner: {},
    ...answers('soft-labels', 1, 1),
    labels: 0,
  },
  'logit-error': {
    summary: "the teacher's logits alone (squared error)",
    inner: {},
    ...answers('error', 1, 1),
    labels: 0,
  },
  cosine: {
    summary: "of sentence vectors: the teacher's (cosine)",
    inner: {},
    ...answers('cosine', 1, 1),
    labels: 0,
  },
  hidden: {
    summary: 'as logits, and hidden states by a projection that is dropped after training',
    inner: { hidden: 1 },
    ...answers('divergence', 0.5, 2),
    labels: 0.5,
  },
  distilbert: {
    summary: '5 × KL (T = 2), 2 × the labels, 1 × cosine of the last hidden states',
    inner: { cosine: 1 },
    ...answers('divergence', 5, 2),
    labels: 2,
  },
  tinybert: {
    summary: 'first embeddings, hidden states and attention scores, then probabilities',
    inner: { embeddings: 1, hidden: 1, scores: 1 },
    ...answers('soft-labels', 1, 1),
    labels: 0,
    twoStages: true,
  },
  minilm: {
    summary: 'first attention and value relations of the last layer, then as logits',
    inner: { attention: 1, values: 1 },
    ...answers('divergence', 0.5, 2),
    labels: 0.5,
    twoStages: true,
  },
  minilmv2: {
    summary: 'first relations of queries, keys and values, whatever the heads; then as logits',
    inner: { relations: 1 },
    ...answers('divergence', 0.5, 2),
    labels: 0.5,
    twoStages: true,
  },
} as const satisfies Record<string, DistillMethod>

export type DistillMethodName = keyof typeof distillMethods
