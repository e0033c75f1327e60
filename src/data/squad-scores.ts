/**
 * SQuAD's scores of an answer: exact match and F1 of words, as its official scripts define them.
 *
 * Both compare texts in lower case without punctuation, articles and extra space, and take the best over
 * the accepted answers (Rajpurkar et al. 2016). v2 also has questions without an answer, whose only right
 * answer is an empty one (Rajpurkar et al. 2018).
 */

/** An answer of a model, or the answers that data accepts; no text means that there is none. */
export interface AnswerTexts {
  readonly texts: readonly string[]
  readonly version: 'v1.1' | 'v2'
}

// as Python's string.punctuation, str.split and \w, which the scripts use
const punctuation = /[!-/:-@[-`{-~]/g
const articles = /(?<![\p{L}\p{N}_])(?:a|an|the)(?![\p{L}\p{N}_])/gu
// biome-ignore lint/suspicious/noControlCharactersInRegex: Python counts the separators as space
const space = /[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+/

/** The words of a text that count. */
export const answerWords = (text: string): string[] =>
  text
    .toLowerCase()
    .replace(punctuation, '')
    .replace(articles, ' ')
    .split(space)
    .filter((word) => word !== '')

/** 1 when the answer is one of the accepted ones, else 0. */
export function exactScore(answer: string, accepted: AnswerTexts): number {
  const words = answerWords(answer).join(' ')
  return wordsOfAccepted(accepted).some((gold) => gold.join(' ') === words) ? 1 : 0
}

/** F1 of the answer's words, the best over the accepted answers. */
export function wordF1(answer: string, accepted: AnswerTexts): number {
  const words = answerWords(answer)
  const scores = wordsOfAccepted(accepted).map((gold) => f1Of(words, gold, accepted.version))
  return Math.max(0, ...scores)
}

function wordsOfAccepted({ texts, version }: AnswerTexts): string[][] {
  const accepted = texts.map(answerWords)
  if (version === 'v1.1') return accepted
  const real = accepted.filter((words) => words.length > 0)
  return real.length > 0 ? real : [[]]
}

function f1Of(words: readonly string[], gold: readonly string[], version: 'v1.1' | 'v2'): number {
  // v1.1 gives nothing for two empty answers
  if (version === 'v2' && (words.length === 0 || gold.length === 0)) {
    return words.length === gold.length ? 1 : 0
  }
  const left = new Map<string, number>()
  for (const word of gold) left.set(word, (left.get(word) ?? 0) + 1)
  let common = 0
  for (const word of words) {
    const count = left.get(word) ?? 0
    if (count > 0) common++
    left.set(word, count - 1)
  }
  return common === 0 ? 0 : (2 * common) / (words.length + gold.length)
}
