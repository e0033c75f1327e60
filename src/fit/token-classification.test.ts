import { expect, test } from 'vitest'
import type { OffsetEncoding, Tokenizer } from '../data/tokenizer.ts'
import { entitiesInText, wordTags } from './token-classification.ts'

const labels = ['O', 'B-x', 'I-x', 'B-y']
/** Logits that say one tag, by 2 to 0. */
const row = (tag: number): Float32Array => Float32Array.from(labels, (_, i) => (i === tag ? 2 : 0))
const certain = Math.exp(2) / (Math.exp(2) + 3)

test('a word has the tag of its first token; words that were cut off are outside', () => {
  const encoding = { ids: [2, 5, 6, 7, 3], typeIds: [], truncated: 1, wordOf: [-1, 0, 0, 2, -1] }
  const rows = [3, 1, 3, 2, 3].map(row)
  expect(wordTags(rows, encoding, 4, labels)).toEqual(['B-x', 'O', 'I-x', 'O'])
})

test('entities of a text: words by their first token, offsets in code points', () => {
  const text = '😀 Ödön Kis, 東京'
  const spans = [
    undefined,
    [0, 2],
    [3, 5],
    [5, 7],
    [8, 11],
    [11, 12],
    [13, 14],
    [14, 15],
    undefined,
  ]
  const encoding: OffsetEncoding = {
    ids: spans.map((_, i) => i),
    typeIds: [],
    truncated: 0,
    spans: spans.map((span) => span && { start: span[0]!, end: span[1]! }),
  }
  // the second token of Ödön is not asked; every ideograph is a word
  const rows = [0, 0, 1, 3, 2, 0, 1, 3, 1].map(row)
  const found = entitiesInText(text, encoding, rows, labels, {} as Tokenizer)
  expect(found).toEqual([
    { text: 'Ödön Kis', label: 'x', score: expect.closeTo(certain, 6), start: 2, end: 10 },
    { text: '東', label: 'x', score: expect.closeTo(certain, 6), start: 12, end: 13 },
    { text: '京', label: 'y', score: expect.closeTo(certain, 6), start: 13, end: 14 },
  ])
})

test('the space before a word is part of no entity', () => {
  const text = 'by Ada Kis . '
  // as SentencePiece has them: `▁by` `▁` `Ada` `▁Ki` `s` `▁` `.` `▁`
  const spans = [
    [0, 2],
    [2, 3],
    [3, 6],
    [6, 9],
    [9, 10],
    [10, 11],
    [11, 12],
    [12, 13],
  ].map(([start, end]) => ({ start: start!, end: end! }))
  const encoding: OffsetEncoding = { ids: [], typeIds: [], truncated: 0, spans }
  const rows = [0, 1, 0, 2, 0, 3, 0, 1].map(row)
  const found = entitiesInText(text, encoding, rows, labels, {} as Tokenizer)
  expect(found).toEqual([
    { text: 'Ada Kis', label: 'x', score: expect.closeTo(certain, 6), start: 3, end: 10 },
    { text: '.', label: 'y', score: expect.closeTo(certain, 6), start: 11, end: 12 },
  ])
})

test('without spans the tokens are decoded, and no offset is made up', () => {
  const tokenizer = {
    special: { cls: 2, sep: 3 },
    decode: (ids: readonly number[]) => ids.join('+'),
  } as unknown as Tokenizer
  const encoding = { ids: [2, 5, 6, 7, 3], typeIds: [], truncated: 0, spans: undefined }
  const found = entitiesInText('', encoding, [1, 1, 2, 0, 1].map(row), labels, tokenizer)
  expect(found).toEqual([{ text: '5+6', label: 'x', score: expect.closeTo(certain, 6) }])
})
