import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { describeWith, realData } from '../../test/support/fixtures.ts'
import { characterSpans, type Span, type TokenSource, tokenSpans } from './offsets.ts'
import { createTokenizer, loadTokenizer, type Tokenizer } from './tokenizer.ts'

interface GoldenText {
  readonly text: string
  /** `start-end` of every token, in code points. */
  readonly offsets: string
}

const golden = JSON.parse(
  readFileSync(join(import.meta.dirname, '../../test/golden/offsets.json'), 'utf8'),
) as Readonly<Record<'wordPiece' | 'bytes', readonly GoldenText[]>>

function offsetsOf(tokenizer: Tokenizer, text: string): string | undefined {
  const nowhere = { start: 0, end: 0 }
  const spans = tokenizer.encodeWithOffsets(text).spans?.map((span) => span ?? nowhere)
  return spans && shown(characterSpans(text, spans))
}

const shown = (spans: readonly Span[]): string =>
  spans.map(({ start, end }) => `${start}-${end}`).join(' ')

describe.each([
  ['wordPiece', 'tokenizers/all-MiniLM-L6-v2'],
  ['bytes', 'tokenizers/gpt2'],
] as const)('%s', (kind, path) => {
  describeWith(realData(path), `offsets of ${path}`, () => {
    let tokenizer: Tokenizer
    beforeAll(async () => {
      tokenizer = await loadTokenizer(realData(path))
    })

    test('are those of the Rust tokenizers', () => {
      const found = golden[kind].map(({ text }) => ({ text, offsets: offsetsOf(tokenizer, text) }))
      expect(found.length).toBeGreaterThan(40)
      expect(found).toEqual(golden[kind])
    })
  })
})

interface SentencePieceGolden {
  /** Pieces, each before its score. */
  readonly vocab: string
  /** Normalizer and splitter as xlm-roberta, albert and deberta-v2 have them, and NFKC alone. */
  readonly kinds: Readonly<Record<string, { normalizer: unknown; pre_tokenizer: unknown }>>
  readonly texts: readonly string[]
  readonly ids: Readonly<Record<string, readonly string[]>>
  readonly offsets: Readonly<Record<string, readonly string[]>>
}

// made outside the repository, as its `madeWith` says
const sentencePiece = JSON.parse(
  readFileSync(join(import.meta.dirname, '../../test/golden/sentence-piece.json'), 'utf8'),
) as SentencePieceGolden

const pieces = Array.from(sentencePiece.vocab.matchAll(/(\S+) (\S+)/g), ([, piece, score]) => [
  piece!,
  Number(score),
])

const specials = ['<unk>', '<s>', '</s>'].map((content, id) => ({
  id,
  content,
  special: true,
  normalized: false,
}))

describe.each(Object.keys(sentencePiece.kinds))('SentencePiece as %s has it', (kind) => {
  const { kinds, texts, ids, offsets } = sentencePiece
  const tokenizer = createTokenizer({
    ...kinds[kind],
    added_tokens: specials,
    post_processor: null,
    decoder: null,
    model: { type: 'Unigram', unk_id: 0, vocab: pieces },
  })

  test('ids and offsets are those of the Rust tokenizers', () => {
    expect(texts.length).toBeGreaterThan(300)
    const found = texts.map((text) => tokenizer.encode(text).ids.join(' '))
    expect(found).toEqual(ids[kind])
    expect(texts.map((text) => offsetsOf(tokenizer, text))).toEqual(offsets[kind])
  })
})

/** A lower-casing WordPiece vocabulary in the shape of BERT's. */
const small = createTokenizer(
  {
    normalizer: {
      type: 'BertNormalizer',
      clean_text: true,
      handle_chinese_chars: true,
      lowercase: true,
    },
    pre_tokenizer: { type: 'BertPreTokenizer' },
    post_processor: { type: 'BertProcessing', cls: ['[CLS]', 2], sep: ['[SEP]', 3] },
    decoder: { type: 'WordPiece', prefix: '##' },
    added_tokens: ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]'].map((content, id) => ({
      id,
      content,
      special: true,
      normalized: false,
    })),
    model: {
      type: 'WordPiece',
      unk_token: '[UNK]',
      continuing_subword_prefix: '##',
      vocab: Object.fromEntries(
        ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]', 'caf', '##e', 'σας', 'σασ', '中', '𠀀'].map(
          (token, id) => [token, id],
        ),
      ),
    },
  },
  {},
)

describe('encodeWithOffsets', () => {
  test('spans cut the original text, special tokens have none', () => {
    const text = '😀 CAFÉ[MASK]x中'
    const { spans } = small.encodeWithOffsets(text)
    const parts = spans!.map((span) => span && text.slice(span.start, span.end))
    expect(parts).toEqual([undefined, '😀', 'CAF', 'É', '[MASK]', 'x', '中', undefined])
  })

  test('knows a capital sigma at a word’s end and far ideographs as the Rust tokenizers do', () => {
    const { ids, spans } = small.encodeWithOffsets('ΣΑΣ𠀀𠀀')
    expect(ids).toEqual([2, 8, 10, 10, 3])
    expect(spans!.slice(1, -1).map((span) => [span!.start, span!.end])).toEqual([
      [0, 3],
      [3, 5],
      [5, 7],
    ])
  })

  test('follows truncation', () => {
    const { ids, spans, truncated } = small.encodeWithOffsets('café 中', { maxLength: 4 })
    expect(ids).toHaveLength(4)
    expect(truncated).toBe(1)
    expect(spans).toEqual([undefined, { start: 0, end: 3 }, { start: 3, end: 4 }, undefined])
  })
})

test('encodeWords says which word each token is of', () => {
  const { ids, wordOf } = small.encodeWords(['café', '\u200b', '中'])
  expect(ids).toEqual([2, 5, 6, 9, 3])
  expect(wordOf).toEqual([-1, 0, 0, 2, -1])
})

test('tokens that the text does not spell have no spans, rather than wrong ones', () => {
  const source: TokenSource = {
    normalize: (text) => text,
    split: (text) => text.split(' '),
    added: [],
    spelling: { kind: 'word-piece', unknown: '[UNK]', continuation: '##' },
  }
  expect(tokenSpans('ab cd', ['ab', 'cd'], source)).toHaveLength(2)
  expect(tokenSpans('ab cd', ['ab', 'xy'], source)).toBeUndefined()
  expect(tokenSpans('ab cd', ['ab'], source)).toBeUndefined()
  expect(tokenSpans('ab cd', ['ab', 'cd', 'ef'], source)).toBeUndefined()
  expect(tokenSpans('ab', ['ab'], { ...source, spelling: undefined })).toBeUndefined()
})

test('code points count a surrogate pair once', () => {
  expect(
    characterSpans('a😀b', [
      { start: 1, end: 3 },
      { start: 3, end: 4 },
    ]),
  ).toEqual([
    { start: 1, end: 2 },
    { start: 2, end: 3 },
  ])
})
