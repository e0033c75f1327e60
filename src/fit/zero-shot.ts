/**
 * Zero-shot classification: labels that the model was not trained on.
 *
 * A model of natural language inference is asked whether the text entails "This example is LABEL." for each
 * candidate; the softmax runs over the candidates' entailment logits, or, with several labels allowed, over
 * entailment and contradiction of each (Yin, Hay and Roth 2019; Hugging Face's pipeline). A
 * sentence-embedding model compares the text with each candidate by cosine.
 */
import { cosineSimilarity, softmax } from '../data/logits.ts'
import type { Encoding, Tokenizer } from '../data/tokenizer.ts'
import { LimbeckError } from '../errors.ts'
import type { ModelInfo } from '../models/build-model.ts'
import type { Asked, Question, RunInput } from './answer.ts'

type Rows = readonly Float32Array[][]

/** Texts against candidates. */
export interface ZeroShotClassifier {
  readonly scores: 'probability' | 'cosine'
  /** What runs once for all texts. */
  readonly shared: readonly Encoding[]
  /** What runs for each text; always as many. */
  readonly perText: number
  encode(text: string): Encoding[]
  /** The score of each candidate, from the rows of one text and of `shared`. */
  score(own: Rows, shared: Rows): ArrayLike<number>
}

export interface ZeroShotOptions
  extends Pick<Question, 'candidates' | 'hypothesis' | 'multiLabel'> {
  readonly model: Pick<ModelInfo, 'task' | 'labels'>
  readonly tokenizer: Tokenizer
  readonly maxLength: number
}

/**
 * A classifier of the candidates.
 * @throws LimbeckError for a model that cannot, no candidates, or a hypothesis without `{}`.
 */
export function zeroShotClassifier(options: ZeroShotOptions): ZeroShotClassifier {
  const candidates = options.candidates ?? []
  if (candidates.length === 0) {
    throw new LimbeckError('usage', 'zero-shot classification needs labels to choose among.', {
      hint: 'Give them with --candidates "sport,politics".',
    })
  }
  const byCosine = options.model.task === 'feature-extraction'
  return byCosine ? byEmbedding(candidates, options) : byEntailment(candidates, options)
}

/** The answer for one text. */
export function zeroShot(asked: Asked): RunInput {
  const classifier = zeroShotClassifier(asked)
  const { shared } = classifier
  return {
    encodings: [...shared, ...classifier.encode(asked.text)],
    read: (rows) => {
      const scores = classifier.score(rows.slice(shared.length), rows.slice(0, shared.length))
      const labels = asked.candidates!.map((label, i) => ({ label, score: scores[i]! }))
      return {
        kind: classifier.scores === 'cosine' ? 'similarities' : 'labels',
        labels: labels.sort((a, b) => b.score - a.score),
      }
    },
  }
}

function byEntailment(
  candidates: readonly string[],
  { model, tokenizer, maxLength, hypothesis, multiLabel }: ZeroShotOptions,
): ZeroShotClassifier {
  const { entailment, contradiction } = inferenceClasses(model.labels)
  const hypotheses = candidates.map((label) => filled(hypothesis ?? 'This example is {}.', label))
  // a single candidate competes with nothing but its contradiction
  const apart = multiLabel === true || candidates.length === 1
  const against = apart ? contradiction() : -1
  return {
    scores: 'probability',
    shared: [],
    perText: candidates.length,
    encode: (text) =>
      hypotheses.map((pair) =>
        tokenizer.encode(text, pair, { maxLength, truncation: 'only_first' }),
      ),
    score: (own) =>
      apart
        ? own.map(([logits]) => softmax([logits![against]!, logits![entailment]!])[1]!)
        : softmax(own.map(([logits]) => logits![entailment]!)),
  }
}

function byEmbedding(
  candidates: readonly string[],
  { tokenizer, maxLength, hypothesis = '{}', multiLabel }: ZeroShotOptions,
): ZeroShotClassifier {
  if (multiLabel) {
    throw new LimbeckError('usage', '--multi-label needs a model of natural language inference.', {
      hint: 'The cosines of a sentence-embedding model do not compete: leave the option out.',
    })
  }
  const encode = (text: string) => tokenizer.encode(text, undefined, { maxLength })
  return {
    scores: 'cosine',
    shared: candidates.map((label) => encode(filled(hypothesis, label))),
    perText: 1,
    encode: (text) => [encode(text)],
    score: ([own], shared) => shared.map(([row]) => cosineSimilarity(own![0]!, row!)),
  }
}

function filled(template: string, label: string): string {
  if (template.includes('{}')) return template.replace('{}', () => label)
  throw new LimbeckError('usage', `--hypothesis "${template}" has no {} for the candidate.`, {
    hint: 'Write it as in "This example is {}."',
  })
}

/** Classes of a model of natural language inference, by the names of its labels. */
function inferenceClasses(labels: readonly string[]) {
  const classNamed = (...beginnings: readonly string[]): number =>
    labels.findIndex((label) => beginnings.some((word) => label.toLowerCase().startsWith(word)))
  const missing = (name: string): LimbeckError =>
    new LimbeckError(
      'input',
      `zero-shot classification needs a label '${name}'; the model's labels are ${labels.slice(0, 20).join(', ') || 'none'}.`,
      { hint: 'Use a model of natural language inference, or correct id2label in config.json.' },
    )
  const entailment = classNamed('entail')
  if (entailment < 0) throw missing('entailment')
  const contradiction = (): number => {
    const found = classNamed('contradict', 'not_entail', 'not entail', 'not-entail')
    if (found < 0) throw missing('contradiction')
    return found
  }
  return { entailment, contradiction }
}
