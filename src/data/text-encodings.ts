/**
 * Text encodings by label: WHATWG's, by TextDecoder, and two of one byte that it gets wrong.
 */
import { LimbeckError } from '../errors.ts'

/** Decodes whole lines of one encoding; malformed bytes throw. */
export interface Decoder {
  readonly name: string
  /** Bytes of a code unit: line ends of UTF-16 take two bytes, of all other encodings one. */
  readonly unit: 1 | 2
  /** Offset of the 0x0A byte within its code unit. */
  readonly low: 0 | 1
  decode(bytes: Uint8Array): string
}

/** First bytes that name an encoding. */
export const byteOrderMarks = [
  { bytes: [0xef, 0xbb, 0xbf], encoding: 'utf-8' },
  { bytes: [0xff, 0xfe], encoding: 'utf-16le' },
  { bytes: [0xfe, 0xff], encoding: 'utf-16be' },
] as const

/** What windows-1252 puts in 0x80-0x9F (WHATWG Encoding, index-windows-1252). */
const windows1252 = '€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090‘’“”•–—˜™š›œ\u009džŸ'

const latin1 = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')

/**
 * Encodings of one byte a character that TextDecoder gets wrong: by WHATWG it reads 'latin1' as
 * windows-1252, and Node 20 then decodes windows-1252 as ISO-8859-1.
 */
const singleByte: readonly { labels: RegExp; name: string; decode: Decoder['decode'] }[] = [
  { labels: /^(latin-?1|iso-?8859-?1)$/i, name: 'latin1', decode: latin1 },
  {
    labels: /^(windows-?|cp-?)1252$/i,
    name: 'windows-1252',
    decode: (bytes) =>
      latin1(bytes).replace(
        /[\x80-\x9f]/g,
        (char) => windows1252[char.charCodeAt(0) - 0x80] ?? char,
      ),
  },
]

/**
 * The decoder of an encoding label.
 * @throws LimbeckError for a label that is unknown.
 */
export function decoderOf(encoding: string): Decoder {
  const own = singleByte.find(({ labels }) => labels.test(encoding))
  if (own) return { name: own.name, unit: 1, low: 0, decode: own.decode }
  try {
    const decoder = new TextDecoder(encoding, { fatal: true, ignoreBOM: true })
    const name = decoder.encoding
    const unit = name.startsWith('utf-16') ? 2 : 1
    const low = name === 'utf-16be' ? 1 : 0
    return { name, unit, low, decode: (bytes) => decoder.decode(bytes) }
  } catch (cause) {
    throw new LimbeckError('usage', `unknown text encoding '${encoding}'.`, {
      hint: 'Give a name such as utf-8, latin1, windows-1252 or utf-16le.',
      cause,
    })
  }
}
