/**
 * Rows of a JSON document: an array of objects, alone or as the value of `data`, `rows` or any other key of
 * an object (the first that holds an array).
 *
 * The array is cut into its elements while bytes come, and each is parsed alone: memory is bounded by the
 * longest one. Bytes can be cut, since none of UTF-8 beyond ASCII looks like a bracket or a quote.
 */
import { LimbeckError, showValue } from '../errors.ts'
import { parseJson } from '../onnx/parse-json.ts'
import { readBytes } from './read-bytes.ts'

/** An element, and the line that it begins on. */
interface JsonRow {
  readonly line: number
  readonly cells: Readonly<Record<string, unknown>> | readonly unknown[]
}

const hint = 'A JSON file of examples is an array of objects: [{ "text": "…", "label": 1 }, …].'
/** A longer element is no example, and would break the promise of bounded memory. */
const LONGEST = 64 * 1024 * 1024

const code = (text: string): number => text.charCodeAt(0)
const [QUOTE, BACKSLASH, COMMA, NEWLINE] = [code('"'), code('\\'), code(','), 10]
const OPEN: ReadonlySet<number> = new Set([code('['), code('{')])
const CLOSE: ReadonlySet<number> = new Set([code(']'), code('}')])
const [ARRAY, OBJECT] = [code('['), code('{')]
const isSpace = (byte: number): boolean =>
  byte === 32 || byte === NEWLINE || byte === 13 || byte === 9

/** Reads the elements of the array of a file; see above. */
export async function* readJsonRows(path: string): AsyncGenerator<JsonRow> {
  const fail = (line: number, what: string, cause?: unknown): LimbeckError =>
    new LimbeckError('input', `${path}:${line}: ${what}.`, {
      hint,
      ...(cause !== undefined && { cause }),
    })
  const element = (parts: readonly Uint8Array[], line: number): JsonRow => {
    let cells: unknown
    try {
      cells = parseJson(decoder.decode(Buffer.concat(parts)))
    } catch (cause) {
      const reason = (cause as Error).message.replace(/\s+/g, ' ')
      throw fail(line, `this element is not JSON: ${reason}`, cause)
    }
    if (typeof cells === 'object' && cells !== null)
      return { line, cells: cells as JsonRow['cells'] }
    throw fail(line, `expected an object, got ${showValue(cells)}`)
  }
  const decoder = new TextDecoder('utf-8', { fatal: true })
  // depth of the array's own elements: 1 in a document that is an array, 2 in one that holds it
  let [line, depth, inside] = [1, 0, 0]
  let [inString, escaped, ended] = [false, false, false]
  let parts: Uint8Array[] = []
  let size = 0
  let from = 0
  let first = true
  for await (let chunk of readBytes(path)) {
    if (first && chunk[0] === 0xef && chunk[1] === 0xbb && chunk[2] === 0xbf)
      chunk = chunk.subarray(3)
    first = false
    let start = parts.length > 0 ? 0 : -1
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at]!
      if (byte === NEWLINE) line++
      if (inString) {
        if (escaped) escaped = false
        else if (byte === BACKSLASH) escaped = true
        else if (byte === QUOTE) inString = false
        continue
      }
      if (isSpace(byte)) continue
      if (depth === 0 && !OPEN.has(byte)) {
        throw fail(line, `expected an array, got '${String.fromCharCode(byte)}'`)
      }
      const isElement = inside > 0 && depth === inside
      if (isElement && !CLOSE.has(byte) && byte !== COMMA && start < 0) {
        start = at
        from = line
      }
      if (isElement && (byte === COMMA || byte === code(']')) && start >= 0) {
        yield element([...parts, chunk.subarray(start, at)], from)
        parts = []
        size = 0
        start = -1
      }
      if (byte === QUOTE) inString = true
      else if (OPEN.has(byte)) {
        depth++
        if (inside === 0 && byte === ARRAY && depth <= 2 && !ended) inside = depth
        else if (depth === 1 && byte !== OBJECT) throw fail(line, 'expected an array')
      } else if (CLOSE.has(byte)) {
        if (depth === inside) {
          inside = 0
          ended = true
        }
        depth--
      }
    }
    if (start < 0) continue
    parts.push(Uint8Array.prototype.slice.call(chunk, start))
    size += chunk.length - start
    if (size > LONGEST) throw fail(from, 'this element is longer than 64 MiB')
  }
  if (depth > 0 || inString) throw fail(line, 'the document ends in the middle')
  if (!ended && !first) throw fail(line, 'expected an array of objects, found none')
}
