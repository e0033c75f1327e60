/**
 * Text files as decoded lines with their numbers, streamed: memory stays flat whatever the size.
 *
 * One idea: cut the bytes at line ends first and decode whole lines after, so that no character is
 * ever split and a malformed one is known by its line. A byte order mark is dropped, and one of UTF-16
 * decides the encoding when none is given (Unicode 16, §23.8).
 */
import { LimbeckError } from '../errors.ts'
import { readBytes } from './read-bytes.ts'
import { byteOrderMarks, type Decoder, decoderOf } from './text-encodings.ts'

/** Some whole lines of a file; `line` is the 1-based number of the first. */
export interface TextBlock {
  readonly line: number
  readonly text: string
}

/** One line without its line end; `line` is its 1-based number. */
export interface TextLine {
  readonly line: number
  readonly text: string
}

/** A line longer than this is no text we can use, and would break the promise of flat memory. */
const longestLine = 64 * 1024 * 1024

/** Position after the last line end in `bytes`; 0 when there is none. */
function afterLastLine(bytes: Uint8Array, { unit, low }: Decoder): number {
  if (unit === 1) return bytes.lastIndexOf(10) + 1
  for (let at = (bytes.length & ~1) - 2; at >= 0; at -= 2) {
    if (bytes[at + low] === 10 && bytes[at + 1 - low] === 0) return at + 2
  }
  return 0
}

/** The 1-based number of the first line in `bytes` that does not decode, counted from `line`. */
function malformedLine(bytes: Uint8Array, line: number, decoder: Decoder): number {
  let start = 0
  for (let end = 0; end < bytes.length; end += decoder.unit) {
    const isEnd =
      bytes[end + decoder.low] === 10 && (decoder.unit === 1 || bytes[end + 1 - decoder.low] === 0)
    if (!isEnd) continue
    try {
      decoder.decode(bytes.subarray(start, end))
    } catch {
      return line
    }
    start = end + decoder.unit
    line++
  }
  return line
}

function decodeBlock(path: string, bytes: Uint8Array, line: number, decoder: Decoder): string {
  try {
    return decoder.decode(bytes)
  } catch (cause) {
    const where = `${path}:${malformedLine(bytes, line, decoder)}`
    throw new LimbeckError('input', `${where}: the bytes of this line are not ${decoder.name}.`, {
      hint:
        decoder.name === 'utf-8'
          ? 'Name the encoding of the file, for example --encoding latin1.'
          : 'Check the encoding of the file; without --encoding it is read as utf-8.',
      cause,
    })
  }
}

function countLines(text: string): number {
  let count = 0
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) count++
  return count
}

/**
 * The text of a file in blocks of whole lines (line ends kept).
 * @param encoding a WHATWG encoding label or `latin1` (true ISO-8859-1); default UTF-8, or what a
 *   byte order mark says.
 * @throws LimbeckError where the file cannot be read, a line does not decode, or is over 64 MiB.
 */
export async function* readBlocks(path: string, encoding?: string): AsyncGenerator<TextBlock> {
  let decoder = decoderOf(encoding ?? 'utf-8')
  let pending: Uint8Array[] = []
  let size = 0
  let line = 1
  let first = true
  for await (let chunk of readBytes(path)) {
    if (first) {
      first = false
      const mark = byteOrderMarks.find(({ bytes }) => bytes.every((byte, i) => chunk[i] === byte))
      if (mark && encoding === undefined) decoder = decoderOf(mark.encoding)
      if (mark?.encoding === decoder.name) chunk = chunk.subarray(mark.bytes.length)
    }
    pending.push(chunk)
    size += chunk.length
    if (size > longestLine) {
      throw new LimbeckError('input', `${path}:${line}: this line is longer than 64 MiB.`, {
        hint: 'Give a text file with one example per line.',
      })
    }
    // joining only when a line ends keeps one very long line from costing quadratic time
    if (!chunk.includes(10)) continue
    const bytes = pending.length === 1 ? chunk : Buffer.concat(pending)
    const cut = afterLastLine(bytes, decoder)
    if (cut > 0) {
      const text = decodeBlock(path, bytes.subarray(0, cut), line, decoder)
      yield { line, text }
      line += countLines(text)
    }
    pending = [bytes.subarray(cut)]
    size = bytes.length - cut
  }
  if (size > 0) yield { line, text: decodeBlock(path, Buffer.concat(pending), line, decoder) }
}

/**
 * The lines of a file, without line ends (LF or CRLF); an empty line yields ''.
 * Only LF ends a line: U+2028 and its like stay inside, as in every TSV and JSONL reader.
 */
export async function* readLines(path: string, encoding?: string): AsyncGenerator<TextLine> {
  for await (const block of readBlocks(path, encoding)) {
    let line = block.line
    let start = 0
    while (start < block.text.length) {
      const found = block.text.indexOf('\n', start)
      const end = found < 0 ? block.text.length : found
      const cut = end > start && block.text[end - 1] === '\r' ? end - 1 : end
      yield { line: line++, text: block.text.slice(start, cut) }
      start = end + 1
    }
  }
}
