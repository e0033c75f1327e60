/**
 * The answer that start and end scores point at: the span of the context with the highest sum of both,
 * over all windows (Devlin et al. 2018, section 4.2).
 *
 * A span lies inside the context of one window, ends no earlier than it starts and is no longer than the
 * limit. The null answer is the first token's; a context is unanswered only where every window says so,
 * so the lowest null score counts.
 */
import { logSoftmax, type Row } from './logits.ts'

/** Where the context stands in a window of a question and part of its context. */
export interface WindowPlace {
  /** Place of the context's first token in the window. */
  readonly from: number
  /** Tokens of the context. */
  readonly count: number
  /** How many tokens of the context come before the window. */
  readonly skipped: number
}

/** Scores of a window's tokens, in order. */
export interface SpanScores {
  readonly starts: Row
  readonly ends: Row
}

/** The best span of all windows. */
export interface TokenSpan {
  /** First and last token, counted in the whole context. */
  readonly first: number
  readonly last: number
  /** Sum of the start and the end score. */
  readonly score: number
  /** Probability of start and end together, among all tokens of the window. */
  readonly probability: number
}

/** The best span, and how likely it is that there is none. */
export interface SpanChoice {
  /** Undefined where no window has a token of the context. */
  readonly span: TokenSpan | undefined
  /** Sum of the first token's scores, the lowest of all windows. */
  readonly nullScore: number
  /** Probability of the first token as start and end in the window of `nullScore`. */
  readonly nullProbability: number
}

export interface SpanOptions {
  /** Most tokens of an answer; default 30, as in BERT's own script. */
  readonly maxTokens?: number | undefined
}

/** Finds the best span; of equal ones the first. */
export function bestSpan(
  windows: readonly WindowPlace[],
  scores: readonly SpanScores[],
  { maxTokens = 30 }: SpanOptions = {},
): SpanChoice {
  let span: TokenSpan | undefined
  let nullScore = Number.POSITIVE_INFINITY
  let nullProbability = 0
  windows.forEach(({ from, count, skipped }, w) => {
    const { starts, ends } = scores[w]!
    const probabilityOf = (start: number, end: number): number =>
      Math.exp(logSoftmax(starts)[start]! + logSoftmax(ends)[end]!)
    const best = bestOf(starts, ends, from, from + count, maxTokens)
    if (best && (!span || best.score > span.score)) {
      const { start, end, score } = best
      const shift = skipped - from
      const probability = probabilityOf(start, end)
      span = { first: start + shift, last: end + shift, score, probability }
    }
    const none = starts[0]! + ends[0]!
    if (none < nullScore) {
      nullScore = none
      nullProbability = probabilityOf(0, 0)
    }
  })
  return { span, nullScore, nullProbability }
}

/** The best span whose tokens are in `[from, to)`. */
function bestOf(starts: Row, ends: Row, from: number, to: number, maxTokens: number) {
  let best: { start: number; end: number; score: number } | undefined
  for (let start = from; start < to; start++) {
    for (let end = start; end < Math.min(to, start + maxTokens); end++) {
      const score = starts[start]! + ends[end]!
      if (!best || score > best.score) best = { start, end, score }
    }
  }
  return best
}
