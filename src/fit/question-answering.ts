/**
 * Question answering over a data file: questions and contexts as windows, the model's rows as answers.
 */
import { alignTokens, spanText, type TextAlignment } from '../data/answer-text.ts'
import { bestSpan, type SpanChoice } from '../data/best-span.ts'
import { type QuestionWindow, questionWindows } from '../data/question-windows.ts'
import { readSquad } from '../data/read-squad.ts'
import type { Tokenizer } from '../data/tokenizer.ts'
import type { ReadyExample } from './ready-example.ts'

/** An answer, and how sure the model is. */
export interface AnswerSpan {
  /** An exact slice of the context; empty for no answer. */
  readonly text: string
  /** Probability of its first and last token together, in the window it stands in. */
  readonly score: number
  /** Characters of the context; both 0 for no answer. */
  readonly start: number
  readonly end: number
}

export interface AnswerOptions {
  /**
   * Undefined: there is always an answer. Else there is none where the null score is above that of the best
   * span by more than this.
   */
  readonly noAnswerThreshold?: number | undefined
}

/** A question ready to run: its windows, and how to read an answer from their rows. */
export interface AskedQuestion {
  readonly windows: readonly QuestionWindow[]
  /** The answer in rows of start and end scores, one pair a window. */
  answer(rows: readonly (readonly Float32Array[])[], options?: AnswerOptions): AnswerSpan
}

export interface AskOptions {
  readonly maxLength: number
  readonly stride?: number | undefined
  /** How errors name the question. */
  readonly where?: string | undefined
}

/** Asks questions with one tokenizer; a context asked again is not aligned again. */
export function questioner(tokenizer: Tokenizer) {
  let last: { readonly context: string; readonly alignment: TextAlignment | undefined } | undefined
  return (question: string, context: string, options: AskOptions): AskedQuestion => {
    const windows = questionWindows(tokenizer, question, context, options)
    if (last?.context !== context) last = { context, alignment: alignTokens(tokenizer, context) }
    const { alignment } = last
    return {
      windows,
      answer: (rows, settings = {}) => {
        const scores = rows.map(([starts, ends]) => ({ starts: starts!, ends: ends! }))
        const choice = bestSpan(windows, scores)
        if (!choice.span || isNull(choice, settings)) {
          return { text: '', score: choice.nullProbability, start: 0, end: 0 }
        }
        const { first, last, probability } = choice.span
        return { ...spanText(tokenizer, context, alignment, first, last), score: probability }
      },
    }
  }
}

const isNull = ({ span, nullScore }: SpanChoice, { noAnswerThreshold }: AnswerOptions): boolean =>
  noAnswerThreshold !== undefined && nullScore - span!.score > noAnswerThreshold

export interface AskFileOptions extends AskOptions, AnswerOptions {
  /** Most questions to read. */
  readonly limit?: number | undefined
}

/**
 * The questions of a SQuAD file, each with its windows. Where the set has questions without an answer, the
 * model may give none: where null is likelier, unless a threshold says otherwise.
 */
export async function* askFile(
  file: string,
  tokenizer: Tokenizer,
  { limit, noAnswerThreshold, ...options }: AskFileOptions,
): AsyncGenerator<ReadyExample> {
  const { questions, version } = await readSquad(file, { limit })
  const ask = questioner(tokenizer)
  const threshold = noAnswerThreshold ?? (version === 'v2' ? 0 : undefined)
  for (const { id, question, context, answers } of questions) {
    const asked = ask(question, context, { ...options, where: `${file}: question ${id}` })
    yield {
      texts: asked.windows.map(({ encoding }) => encoding),
      expected: { texts: answers, version },
      answer: (rows) => {
        const { text } = asked.answer(rows, { noAnswerThreshold: threshold })
        return { texts: [text], version }
      },
    }
  }
}
