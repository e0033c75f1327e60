/**
 * Token classification over a CoNLL file, and entities in a text: a word has the tag of its first token,
 * as in Devlin et al. 2018, section 5.3.
 */
import { entitiesOf } from '../data/entities.ts'
import type { GivenLabels } from '../data/given-labels.ts'
import type { LabelMap } from '../data/label-map.ts'
import { argmax, softmax } from '../data/logits.ts'
import { characterSpans, type Span, withoutSpace } from '../data/offsets.ts'
import { type Column, parseColumn, readClassNames } from '../data/read-table.ts'
import { isTaggedTable, readTagged } from '../data/read-tagged.ts'
import { taggedColumns } from '../data/tagged-rows.ts'
import type { Encoding, OffsetEncoding, Tokenizer, WordEncoding } from '../data/tokenizer.ts'
import { type DataLabels, dataLabels } from './data-labels.ts'
import type { ReadyExample } from './ready-example.ts'

/** Columns of a CoNLL file by number, of a table by name too, and how much of it is read. */
export interface TaggedOptions {
  readonly file: string
  readonly text?: string | undefined
  readonly label?: string | undefined
  readonly labelMap?: string | GivenLabels | undefined
  readonly encoding?: string | undefined
  readonly limit?: number | undefined
}

/**
 * The sentences of a file, encoded as they are read.
 * @throws LimbeckError naming file and line for a word without a tag, or with one the model has not.
 */
export async function* readTaggedText(
  data: TaggedOptions,
  labels: LabelMap,
  tokenizer: Tokenizer,
  maxLength: number,
): AsyncGenerator<ReadyExample> {
  const { limit } = data
  const { names } = labels
  const sentences = readTagged(data.file, { ...columnsOf(data), labels, limit })
  for await (const { words, target } of sentences) {
    const encoded = tokenizer.encodeWords(words, { maxLength })
    yield {
      texts: [encoded],
      expected: target.map((tag) => names[tag]!),
      answer: ([rows]) => wordTags(rows!, encoded, words.length, names),
    }
  }
}

const columnsOf = ({ text, label, encoding }: TaggedOptions) => ({
  text: column(text),
  tag: column(label),
  encoding,
})

/** What the tags of a file mean to a model. */
export async function taggedLabels(
  data: TaggedOptions,
  names: readonly string[],
): Promise<DataLabels> {
  const { file, labelMap: given } = data
  const columns = columnsOf(data)
  const classNames = isTaggedTable(file)
    ? await readClassNames(file, (await taggedColumns(file, columns)).tag)
    : undefined
  return dataLabels({
    names,
    given,
    classNames,
    written: async function* () {
      const met: unknown[] = []
      const labels: LabelMap = {
        names: [],
        found: new Map(),
        find: () => 0,
        classOf: (tag) => met.push(tag),
      }
      for await (const _ of readTagged(file, { ...columns, labels })) yield* met.splice(0)
    },
  })
}

const column = (text: string | undefined): Column | undefined =>
  text === undefined ? undefined : parseColumn(text)

/** The tag of each word, by its first token; a word that was cut off, or has no token, is outside. */
export function wordTags(
  rows: readonly Float32Array[],
  { wordOf }: WordEncoding,
  count: number,
  labels: readonly string[],
): string[] {
  const tags = new Array<string>(count).fill('O')
  for (const [token, word] of wordOf.entries()) {
    if (word < 0 || wordOf[token - 1] === word) continue
    tags[word] = labels[argmax(rows[token]!)]!
  }
  return tags
}

/** An entity of a text. */
export interface TextEntity {
  readonly text: string
  readonly label: string
  /** Mean probability of the tags of its words. */
  readonly score: number
  /** Characters (code points) of the text; absent for a tokenizer whose tokens we cannot place. */
  readonly start?: number
  readonly end?: number
}

interface TaggedWord extends Span {
  /** Position of its first and after its last token. */
  readonly first: number
  readonly last: number
}

/** The entities that a model's rows say are in a text. */
export function entitiesInText(
  text: string,
  encoding: OffsetEncoding,
  rows: readonly Float32Array[],
  labels: readonly string[],
  tokenizer: Tokenizer,
): TextEntity[] {
  const words = encoding.spans ? wordsOf(text, encoding.spans) : tokensAsWords(encoding, tokenizer)
  const best = words.map(({ first }) => argmax(rows[first]!))
  const found = entitiesOf(best.map((tag) => labels[tag]!))
  return found.map(({ type, start, end }) => {
    const own = words.slice(start, end)
    const score = own.reduce(
      (sum, { first }, i) => sum + softmax(rows[first]!)[best[start + i]!]! / own.length,
      0,
    )
    const span = { start: own[0]!.start, end: own.at(-1)!.end }
    if (!encoding.spans) {
      const ids = encoding.ids.slice(own[0]!.first, own.at(-1)!.last)
      return { text: tokenizer.decode(ids), label: type, score }
    }
    const [place] = characterSpans(text, [span])
    return { text: text.slice(span.start, span.end), label: type, score, ...place! }
  })
}

/** Letters, digits and marks; an ideograph is a word of its own, as BERT has it. */
const inWord = /^(?:(?!\p{Script=Han})[\p{L}\p{N}\p{M}])*$/u

/**
 * Tokens that touch, and belong to one run of letters, digits and marks, are one word. The space before a
 * word is part of some tokenizers' tokens and of no word.
 */
function wordsOf(text: string, spans: readonly (Span | undefined)[]): TaggedWord[] {
  const words: TaggedWord[] = []
  for (const [token, whole] of spans.entries()) {
    if (!whole) continue
    const span = withoutSpace(text, whole)
    const word = words.at(-1)
    const joined =
      word?.last === token &&
      span.start <= word.end &&
      whole.start === span.start &&
      // the mark of a space alone belongs to the word behind it
      (word.start === word.end || inWord.test(text.slice(word.end - 1, span.end)))
    if (joined) words[words.length - 1] = { ...word, end: span.end, last: token + 1 }
    else words.push({ ...span, first: token, last: token + 1 })
  }
  return words.filter(({ start, end }) => end > start)
}

/** Without spans every token stands for itself. */
function tokensAsWords({ ids }: Encoding, { special }: Tokenizer): TaggedWord[] {
  const known = new Set<number>(Object.values(special))
  return ids.flatMap((id, first) =>
    known.has(id) ? [] : [{ first, last: first + 1, start: 0, end: 0 }],
  )
}
