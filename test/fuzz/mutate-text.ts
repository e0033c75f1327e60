/** Seeded damage that knows JSON's values and a table's cells. */
import type { Random } from '../../src/stats/random.ts'
import { joinBytes, type Mutate, pick } from './mutate-bytes.ts'

const encode = (text: string): Uint8Array => new TextEncoder().encode(text)
const decode = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)

const nested = (depth: number, open: string, close: string): string =>
  open.repeat(depth) + close.repeat(depth)

/** JSON texts that may stand where any value did. */
const values: readonly string[] = [
  ...['null', 'true', 'false', '0', '-1', '1.5', '-0', '1e9', '1e308', '1e999', '-1e999'],
  ...['2147483648', '4294967296', '9007199254740992', '9007199254740993', '1e-320', '5e15'],
  ...['""', '"12"', '"-1"', '"NaN"', '"\\ud800"', '"\\u0000"', '"\\ufeff"', '"__proto__"'],
  ...['"constructor"', '"../../../../etc/passwd"', '"/etc/passwd"', '"C:\\\\x"', '"(a+)+$"'],
  ...['"(["', '"(?<n>"', '"\\\\p{Nope}"', '"toString"', '"Sequence"', '"Replace"', '"BPE"'],
  ...['[]', '{}', '[[]]', '[null]', '[0, 1]', '{"__proto__": {"x": 1}}', '{"type": "Nope"}'],
  ...['{"length": 4294967295}', '{"Regex": "(x+x+)+y"}', '{"Regex": "("}', '{"String": ""}'],
  ...[`"${'a'.repeat(100_000)}"`, nested(5000, '[', ']'), nested(4000, '{"a":[', ']}')],
  `[${'0,'.repeat(5000)}0]`,
]

/** Where the values of a JSON text begin and end; of keys too, which are values to the eye. */
function spans(text: string): (readonly [number, number])[] {
  const found: (readonly [number, number])[] = []
  const open: number[] = []
  for (const match of text.matchAll(/"(?:[^"\\]|\\.)*"|[[{]|[\]}]|[-+.\w]+/g)) {
    const [token] = match
    if (token === '[' || token === '{') open.push(match.index)
    else if (token === ']' || token === '}') {
      const start = open.pop()
      if (start !== undefined) found.push([start, match.index + 1])
    } else found.push([match.index, match.index + token.length])
  }
  return found
}

type TextChange = (text: string, span: readonly [number, number], random: Random) => string

const jsonChanges: readonly TextChange[] = [
  // another value, twice as often
  (text, [start, end], random) => text.slice(0, start) + pick(values, random) + text.slice(end),
  (text, [start, end], random) => text.slice(0, start) + pick(values, random) + text.slice(end),
  // a value of elsewhere
  (text, [start, end], random) => {
    const [from, to] = pick(spans(text), random)
    return text.slice(0, start) + text.slice(from, to) + text.slice(end)
  },
  // an item or a key too many: a key that came before, or one that means something to JavaScript
  (text, [start, end], random) => {
    const value = text.slice(start, end)
    const more = pick([value, `"__proto__": ${value}`, `${value}: ${value}`, '"type": 1'], random)
    return `${text.slice(0, end)}, ${more}${text.slice(end)}`
  },
  // an item or a key too few
  (text, [start, end]) => {
    const rest = text.slice(end).replace(/^\s*[,:]/, '')
    return text.slice(0, start) + rest
  },
]

/** JSON with one to three values changed. */
export const mutateJson: Mutate = (seed, _, random) => {
  let text = decode(seed)
  for (let left = 1 + random.below(3); left > 0; left--) {
    const found = spans(text)
    // small values first: the whole document is one of the spans
    if (found.length > 0) text = pick(jsonChanges, random)(text, pick(found, random), random)
  }
  return encode(text)
}

/** What may stand anywhere in a file of lines: bytes, since some are no text. */
const fragments: readonly Uint8Array[] = [
  ...['"', '""', '"a', '\t', '\t\t\t', ',', ',,,', '\n', '\r\n', '\r', '\n\n', '\0', '\ufeff'],
  ...['\u2028', '\u200b', '-DOCSTART-', '{', '[', '{"text":', 'null', '1e999', '{"__proto__":1}'],
  ...['NaN', 'A:b c', ':', 'B-', 'I-', 'O', ' ', '   ', '|', '[1,', '9'.repeat(400), '-1'],
  ...['x'.repeat(100_000), 'a\t'.repeat(20_000), '"\n'.repeat(5000), ' '.repeat(50_000)],
].map(encode)
const notText: readonly Uint8Array[] = [
  [0xff, 0xfe],
  [0xfe, 0xff],
  [0xef, 0xbb, 0xbf],
  [0xc0, 0x80],
  [0xed, 0xa0, 0x80],
  [0xf8],
  [0x1f, 0x8b, 8],
].map((bytes) => Uint8Array.from(bytes))
const pieces = [...fragments, ...notText]

/** Lines with one to four fragments put in, or cells taken out. */
export const mutateLines: Mutate = (seed, other, random) => {
  let bytes = seed
  for (let left = 1 + random.below(4); left > 0; left--) {
    const cuts = [0, bytes.length]
    for (const [i, byte] of bytes.subarray(0, 4096).entries()) {
      if (byte === 9 || byte === 10 || byte === 44 || byte === 32) cuts.push(i, i + 1)
    }
    const [from, to] = [pick(cuts, random), pick(cuts, random)]
    const kind = random.below(5)
    if (kind < 3)
      bytes = joinBytes(bytes.subarray(0, from), pick(pieces, random), bytes.subarray(from))
    else if (kind === 3)
      bytes = joinBytes(bytes.subarray(0, Math.min(from, to)), bytes.subarray(Math.max(from, to)))
    else bytes = joinBytes(bytes.subarray(0, from), other.subarray(Math.min(to, other.length)))
  }
  return bytes
}
