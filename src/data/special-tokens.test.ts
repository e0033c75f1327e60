import { describe, expect, test } from 'vitest'
import { addedTokens, specialTokenTemplate } from './special-tokens.ts'
import { createTokenizer } from './tokenizer.ts'

const vocab = { '<s>': 0, '<pad>': 1, '</s>': 2, '<unk>': 3, a: 4, b: 5, c: 6 }
const tokenizerWith = (post_processor: unknown) =>
  createTokenizer({
    added_tokens: ['<s>', '<pad>', '</s>', '<unk>'].map((content, id) => ({
      id,
      content,
      special: true,
    })),
    normalizer: null,
    pre_tokenizer: { type: 'WhitespaceSplit' },
    post_processor,
    decoder: null,
    model: { type: 'WordPiece', unk_token: '<unk>', continuing_subword_prefix: '##', vocab },
  })

const ends = { cls: ['<s>', 0], sep: ['</s>', 2] }
const byteLevel = { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true }
const template = {
  type: 'TemplateProcessing',
  single: [{ SpecialToken: { id: '<s>', type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }],
  pair: [
    { SpecialToken: { id: '<s>', type_id: 0 } },
    { Sequence: { id: 'A', type_id: 0 } },
    { SpecialToken: { id: 'x', type_id: 1 } },
    { Sequence: { id: 'B', type_id: 1 } },
  ],
  special_tokens: {
    '<s>': { id: '<s>', ids: [0], tokens: ['<s>'] },
    x: { id: 'x', ids: [2, 2], tokens: ['</s>', '</s>'] },
  },
}

// ids of "a b"; ids and type ids of the pair "a b", "c zz"; ids of a pair cut to 6, all by the Rust
// tokenizers 0.23.3 from the same tokenizer.json
const cases = [
  ['none', null, [4, 5], [4, 5, 6, 3], [0, 0, 1, 1], [4, 5, 4, 6, 6, 6]],
  [
    'BertProcessing',
    { type: 'BertProcessing', ...ends },
    [0, 4, 5, 2],
    [0, 4, 5, 2, 6, 3, 2],
    [0, 0, 0, 0, 1, 1, 1],
    [0, 4, 5, 2, 6, 2],
  ],
  [
    'RobertaProcessing',
    { type: 'RobertaProcessing', ...ends, trim_offsets: true, add_prefix_space: true },
    [0, 4, 5, 2],
    [0, 4, 5, 2, 2, 6, 3, 2],
    [0, 0, 0, 0, 0, 0, 0, 0],
    [0, 4, 2, 2, 6, 2],
  ],
  ['ByteLevel', byteLevel, [4, 5], [4, 5, 6, 3], [0, 0, 1, 1], [4, 5, 4, 6, 6, 6]],
  [
    'Sequence of ByteLevel and a template',
    { type: 'Sequence', processors: [byteLevel, template] },
    [0, 4, 5],
    [0, 4, 5, 2, 2, 6, 3],
    [0, 0, 0, 1, 1, 1, 1],
    [0, 4, 5, 2, 2, 6],
  ],
] as const

describe('special token templates', () => {
  test.each(cases)('%s', (_name, postProcessor, single, pair, pairTypes, cutPair) => {
    const tokenizer = tokenizerWith(postProcessor)
    expect(tokenizer.encode('a b').ids).toEqual(single)
    const encoding = tokenizer.encode('a b', 'c zz')
    expect(encoding.ids).toEqual(pair)
    expect(encoding.typeIds).toEqual(pairTypes)
    expect(tokenizer.encode('a b a b a b', 'c c c', { maxLength: 6 }).ids).toEqual(cutPair)
  })

  test('counts the tokens that it adds', () => {
    const { single, pair } = specialTokenTemplate(template)
    expect([addedTokens(single), addedTokens(pair)]).toEqual([1, 3])
  })

  test('refuses what it does not know', () => {
    expect(() => specialTokenTemplate({ type: 'Other' })).toThrow(/unknown post_processor .*Other/)
    expect(() => specialTokenTemplate({ type: 'BertProcessing', sep: ['x', 1] })).toThrow(/'cls'/)
    expect(() => specialTokenTemplate({ ...template, special_tokens: {} })).toThrow(/'<s>' is not/)
  })
})
