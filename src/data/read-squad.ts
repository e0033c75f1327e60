/**
 * Questions of a SQuAD file (v1.1, v2, and sets in its shape such as XQuAD): articles of paragraphs, each a
 * context with questions about it.
 *
 * The file is one JSON document, so it is read whole. It is a v2 set when any question says
 * `is_impossible`: then a question may have no answer, and scores follow v2's script.
 */
import { LimbeckError } from '../errors.ts'
import { parseJson } from '../onnx/parse-json.ts'
import { dataExtension, readBytes } from './read-bytes.ts'
import { readSquadRows } from './squad-rows.ts'

/** A question about a context, and the answers that count as right. */
export interface SquadQuestion {
  readonly id: string
  readonly question: string
  readonly context: string
  /** Accepted answers; none when the context does not answer the question. */
  readonly answers: readonly string[]
  /** Where each stands in the context (UTF-16 units). */
  readonly starts: readonly number[]
}

/** The questions of a file. */
export interface SquadSet {
  readonly version: 'v1.1' | 'v2'
  readonly questions: readonly SquadQuestion[]
}

export interface SquadOptions {
  /** Most questions to read; all by default. */
  readonly limit?: number | undefined
}

type Json = Readonly<Record<string, unknown>>

/**
 * Reads questions: SQuAD's own JSON, also compressed, or a table of them (see `readSquadRows`).
 * @throws LimbeckError naming the file and the question's id, or its place where it has none.
 */
export async function readSquad(path: string, options: SquadOptions = {}): Promise<SquadSet> {
  if (dataExtension(path) !== 'json') return readSquadRows(path, options)
  const text = await readText(path)
  return isTable(text) ? readSquadRows(path, options) : parseSquad(text, path, options)
}

/** Whether a document is an array, or holds questions without articles. */
function isTable(text: string): boolean {
  if (/^\s*\[/.test(text)) return true
  // only the beginning is looked at: a document of articles names its paragraphs before any question
  const head = text.slice(0, 4096)
  return !head.includes('"paragraphs"') && /"question"\s*:/.test(head)
}

/** The questions of a SQuAD document. @param where how errors name the file. */
export function parseSquad(text: string, where: string, options: SquadOptions = {}): SquadSet {
  const { limit = Number.POSITIVE_INFINITY } = options
  const questions: SquadQuestion[] = []
  const seen = new Set<string>()
  let hasImpossible = false
  for (const [article, at] of listOf(parseDocument(text, where), 'data', where)) {
    for (const [paragraph, there] of listOf(article, 'paragraphs', at)) {
      const context = textOf(paragraph, 'context', there)
      for (const [qa, place] of listOf(paragraph, 'qas', there)) {
        const id = textOf(qa, 'id', place)
        const named = `${where}: question ${id}`
        if (seen.has(id)) throw malformed(named, 'a new id', 'one that came before')
        seen.add(id)
        hasImpossible ||= 'is_impossible' in qa
        // the whole file says which version it is, so reading goes on
        if (questions.length >= limit) continue
        const found = answersOf(qa, context, named)
        const answers = found.map(({ text }) => text)
        const starts = found.map(({ start }) => start)
        questions.push({ id, question: textOf(qa, 'question', named), context, answers, starts })
      }
    }
  }
  if (questions.length === 0) {
    throw new LimbeckError('input', `${where}: expected questions, found none.`)
  }
  return { version: hasImpossible ? 'v2' : 'v1.1', questions }
}

/**
 * Where an answer stands, in UTF-16 units: at the place that was given (in code points, as Python counts),
 * or the first one where there is none or another text stands there.
 */
export function answerStart(context: string, answer: string, given: unknown): number {
  if (typeof given === 'number' && Number.isInteger(given) && given >= 0) {
    const start = Array.from(context.slice(0, 2 * given))
      .slice(0, given)
      .join('').length
    if (context.startsWith(answer, start)) return start
  }
  return context.indexOf(answer)
}

function answersOf(qa: Json, context: string, where: string): { text: string; start: number }[] {
  if (qa.is_impossible === true) return []
  const answers = [...listOf(qa, 'answers', where)].map(([answer, place]) => {
    const text = textOf(answer, 'text', place)
    if (!context.includes(text)) {
      throw malformed(where, 'answers that stand in the context', `'${text}'`)
    }
    return { text, start: answerStart(context, text, answer.answer_start) }
  })
  if (answers.length > 0 || 'is_impossible' in qa) return answers
  throw malformed(where, 'an answer, or is_impossible', 'neither')
}

/** Text beyond that fits in no string. */
const LARGEST_TEXT = 2 ** 29 - 2 ** 20

async function readText(path: string): Promise<string> {
  const parts: Uint8Array[] = []
  let size = 0
  for await (const part of readBytes(path)) {
    size += part.length
    if (size > LARGEST_TEXT) {
      throw new LimbeckError('input', `${path}: one JSON document of more than 511 MiB.`, {
        hint: 'Give a table of questions instead, as Parquet or JSONL.',
      })
    }
    parts.push(part)
  }
  return Buffer.concat(parts)
    .toString('utf8')
    .replace(/^\ufeff/, '')
}

function parseDocument(text: string, where: string): Json {
  try {
    return objectOf(parseJson(text), where)
  } catch (cause) {
    if (cause instanceof LimbeckError) throw cause
    const reason = (cause as Error).message
    throw new LimbeckError('input', `${where}: expected SQuAD's JSON, got: ${reason}.`, {
      hint: 'The file may be cut short; copy or download it again.',
      cause,
    })
  }
}

function objectOf(value: unknown, where: string): Json {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Json
  throw malformed(where, 'an object', kindOf(value))
}

/** The objects of a list, each with where it stands. */
function* listOf(owner: Json, key: string, where: string): Generator<[Json, string]> {
  const list = owner[key]
  if (!Array.isArray(list)) throw malformed(where, `a list '${key}'`, kindOf(list))
  for (const [i, item] of list.entries()) {
    const place = `${where}${where.includes(': ') ? ', ' : ': '}${key}[${i}]`
    yield [objectOf(item, place), place]
  }
}

function textOf(owner: Json, key: string, where: string): string {
  const value = owner[key]
  if (typeof value === 'string') return value
  throw malformed(where, `a text '${key}'`, kindOf(value))
}

const kindOf = (value: unknown): string =>
  value === undefined
    ? 'nothing'
    : value === null
      ? 'null'
      : Array.isArray(value)
        ? 'a list'
        : `a ${typeof value}`

const malformed = (where: string, expected: string, found: string): LimbeckError =>
  new LimbeckError('input', `${where}: expected ${expected}, found ${found}.`, {
    hint: 'A SQuAD file is { data: [{ paragraphs: [{ context, qas: [{ id, question, answers }] }] }] }.',
  })
