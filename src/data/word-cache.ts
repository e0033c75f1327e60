/**
 * Ids of words met before: text repeats its words, and a word's ids are far cheaper to find than to make.
 *
 * Only where a text's tokens are those of its pieces between spaces, one after the other: BERT's
 * normalizer and splitter look at nothing across a space. Byte-level and SentencePiece vocabularies make
 * the space part of the word, so they are left alone.
 */
type Json = Readonly<Record<string, unknown>>
type Ids = readonly number[]

/** Words of one generation; there are two, so at most twice as many are held. */
const WORDS = 2 ** 14
/** Longer pieces are no words that come again. */
const LONGEST = 48
/** V8 makes a view of strings from here on, which would keep the whole text they came from. */
const VIEWED = 13

/** Whether a tokenizer's texts may be taken piece by piece. @param file content of tokenizer.json. */
export function splitsAtSpaces(file: Json): boolean {
  const typeOf = (part: unknown) => (part as Json | null | undefined)?.type
  const added = (file.added_tokens ?? []) as readonly { readonly content?: string }[]
  return (
    typeOf(file.normalizer) === 'BertNormalizer' &&
    typeOf(file.pre_tokenizer) === 'BertPreTokenizer' &&
    typeOf(file.model) === 'WordPiece' &&
    !added.some(({ content }) => content?.includes(' '))
  )
}

/** `idsOf`, asked once for each word between spaces as long as the word is remembered. */
export function rememberWords(
  idsOf: (piece: string) => Ids,
  words: number = WORDS,
): (text: string) => number[] {
  let recent = new Map<string, Ids>()
  let earlier = new Map<string, Ids>()
  const look = (word: string): Ids => {
    const known = recent.get(word)
    if (known) return known
    const ids = earlier.get(word) ?? idsOf(word)
    if (word.length > LONGEST) return ids
    if (recent.size >= words) {
      earlier = recent
      recent = new Map()
    }
    recent.set(word.length < VIEWED ? word : ownCopy(word), ids)
    return ids
  }
  return (text) => {
    const all: number[] = []
    let start = 0
    while (start <= text.length) {
      const space = text.indexOf(' ', start)
      const end = space < 0 ? text.length : space
      if (end > start) for (const id of look(text.slice(start, end))) all.push(id)
      start = end + 1
    }
    return all
  }
}

const ownCopy = (word: string): string => Buffer.from(word, 'utf16le').toString('utf16le')
