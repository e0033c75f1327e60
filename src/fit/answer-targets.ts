/**
 * Where an answer stands in each window of its question, as the first and last of the window's tokens;
 * the first token (`[CLS]`) where the window does not hold it whole (Devlin et al. 2019, section 4.3).
 */
import { alignTokens } from '../data/answer-text.ts'
import { questionWindows } from '../data/question-windows.ts'
import { readSquad } from '../data/read-squad.ts'
import type { Encoding, Tokenizer } from '../data/tokenizer.ts'
import { LimbeckError } from '../errors.ts'

/** A window, and the tokens of its answer. */
export interface AnsweredWindow {
  readonly encoding: Encoding
  readonly span: readonly [first: number, last: number]
}

/** The windows of a SQuAD file's questions; the first accepted answer counts. */
export async function* answeredWindows(
  file: string,
  tokenizer: Tokenizer,
  options: { maxLength: number; stride?: number | undefined; limit?: number | undefined },
): AsyncGenerator<AnsweredWindow> {
  const { questions } = await readSquad(file, { limit: options.limit })
  let last: { context: string; alignment: ReturnType<typeof alignTokens> } | undefined
  for (const { id, question, context, answers, starts } of questions) {
    const where = `${file}: question ${id}`
    if (last?.context !== context) last = { context, alignment: alignTokens(tokenizer, context) }
    const { alignment } = last
    if (!alignment) {
      throw new LimbeckError('input', `${where}: the tokens of its context cannot be placed.`, {
        hint: 'Training on answers needs a tokenizer whose tokens can be found in the text.',
      })
    }
    const [answer] = answers
    const from = starts[0] ?? 0
    const to = from + (answer?.length ?? 0)
    const inside = (token: number) => alignment.ends[token]! > from && alignment.starts[token]! < to
    const first = answer ? alignment.starts.findIndex((_, token) => inside(token)) : -1
    const end = alignment.starts.findLastIndex((_, token) => answer && inside(token))
    for (const window of questionWindows(tokenizer, question, context, { ...options, where })) {
      const { encoding, from: offset, count, skipped } = window
      const whole = first >= skipped && end < skipped + count && first >= 0
      const at = (token: number) => offset + token - skipped
      yield { encoding, span: whole ? [at(first), at(end)] : [0, 0] }
    }
  }
}
