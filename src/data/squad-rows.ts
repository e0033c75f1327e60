/**
 * Questions of a table, one a row: `question`, `context` and `answers`, as the Hugging Face Hub's copies of
 * SQuAD have them (`answers` is `{ text: […], answer_start: […] }`) and as JSON of one object a question.
 *
 * A question without answers makes it a v2 set, as `is_impossible` does in SQuAD's own files.
 */
import { LimbeckError } from '../errors.ts'
import { answerStart, type SquadOptions, type SquadQuestion, type SquadSet } from './read-squad.ts'
import { readColumnNames, readTable } from './read-table.ts'

const parts = ['question', 'context', 'answers'] as const

/** Whether columns are those of questions. */
export const areQuestions = (names: readonly string[]): boolean =>
  parts.every((part) => names.includes(part))

/** Reads the questions of a table. @throws LimbeckError naming file and row. */
export async function readSquadRows(path: string, options: SquadOptions = {}): Promise<SquadSet> {
  const { limit = Number.POSITIVE_INFINITY } = options
  const names = await readColumnNames(path)
  const missing = parts.find((part) => !names.includes(part))
  if (missing !== undefined) {
    throw new LimbeckError('input', `${path}: expected a column '${missing}' of questions.`, {
      hint: 'A table of questions has the columns question, context and answers.',
    })
  }
  const columns = {
    question: 'question',
    context: 'context',
    answers: 'answers',
    ...(names.includes('id') && { id: 'id' }),
  }
  const questions: SquadQuestion[] = []
  let hasImpossible = false
  for await (const { line, cells } of readTable<string>(path, columns)) {
    const where = `${path}:${line}`
    const answers = answersOf(cells.answers, where)
    hasImpossible ||= answers.length === 0
    // the whole file says which version it is, so reading goes on
    if (questions.length >= limit) continue
    const [question, context] = [cells.question, cells.context]
    if (typeof question !== 'string' || typeof context !== 'string') {
      throw malformed(where, 'a question and a context', `${typeof question}, ${typeof context}`)
    }
    const outside = answers.find((answer) => !context.includes(answer))
    if (outside !== undefined) {
      throw malformed(where, 'answers that stand in the context', `'${outside.slice(0, 60)}'`)
    }
    const places = startsOf(cells.answers)
    const starts = answers.map((answer, i) => answerStart(context, answer, places[i]))
    questions.push({ id: String(cells.id ?? line), question, context, answers, starts })
  }
  return { version: hasImpossible ? 'v2' : 'v1.1', questions }
}

/** The texts of answers: a struct of lists, or a list of structs, texts, or one text. */
function answersOf(value: unknown, where: string): readonly string[] {
  const list = Array.isArray(value) ? value : ((value as { text?: unknown } | null)?.text ?? value)
  const items = Array.isArray(list) ? list : list === null || list === undefined ? [] : [list]
  return items.map((item: unknown) => {
    const text = typeof item === 'string' ? item : (item as { text?: unknown } | null)?.text
    if (typeof text === 'string') return text
    throw malformed(where, 'answers with a text', JSON.stringify(value ?? null).slice(0, 60))
  })
}

/** Where answers stand, as the table says it: a struct of lists, or a list of structs. */
function startsOf(value: unknown): readonly unknown[] {
  const place = (item: unknown) => (item as { answer_start?: unknown } | null)?.answer_start
  if (Array.isArray(value)) return value.map(place)
  const all = place(value)
  return Array.isArray(all) ? all : [all]
}

const malformed = (where: string, expected: string, found: string): LimbeckError =>
  new LimbeckError('input', `${where}: expected ${expected}, found ${found}.`, {
    hint: 'A question is { question, context, answers: { text: […], answer_start: […] } }.',
  })
