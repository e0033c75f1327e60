import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { describeWith, realData } from '../../test/support/fixtures.ts'
import { readTable } from './read-table.ts'
import { createTokenizer, loadTokenizer, type Tokenizer } from './tokenizer.ts'

const folder = mkdtempSync(join(tmpdir(), 'limbeck-tokenizer-'))
afterAll(() => rmSync(folder, { recursive: true }))

describe('loadTokenizer', () => {
  test('says what is missing or malformed', async () => {
    await expect(loadTokenizer(folder)).rejects.toThrow(/no tokenizer\.json/)
    writeFileSync(join(folder, 'tokenizer.json'), '{"model": {')
    await expect(loadTokenizer(folder)).rejects.toThrow(/tokenizer\.json: expected a JSON object/)
    writeFileSync(join(folder, 'tokenizer.json'), '{}')
    await expect(loadTokenizer(folder)).rejects.toThrow(/cannot build this tokenizer/)
  })
})

const miniLm = realData('models/all-minilm-l6-v2')

describeWith(miniLm, 'the tokenizer of all-MiniLM-L6-v2', () => {
  let tokenizer: Tokenizer
  beforeAll(async () => {
    tokenizer = await loadTokenizer(miniLm)
  })

  const dancing = [
    'A man with a hard hat is dancing in the street .',
    'A man wearing a hard hat is dancing.',
  ] as const
  const words = 'A considerably longer second sentence, which has unbelievably tokenizable words.'

  // ids by the Rust tokenizers 0.23.3 with enable_truncation(n)
  test('cuts pairs as Hugging Face does, special tokens kept', () => {
    expect(tokenizer.encode(...dancing, { maxLength: 12 })).toEqual({
      ids: [101, 1037, 2158, 2007, 1037, 2524, 102, 1037, 2158, 4147, 1037, 102],
      typeIds: [0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1],
      truncated: 12,
    })
    expect(tokenizer.encode('Short one', words, { maxLength: 12 })).toEqual({
      ids: [101, 2460, 2028, 102, 1037, 9839, 2936, 2117, 6251, 1010, 2029, 102],
      typeIds: [0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1],
      truncated: 11,
    })
    expect(tokenizer.encode(words, undefined, { maxLength: 8 }).ids).toEqual([
      101, 1037, 9839, 2936, 2117, 6251, 1010, 102,
    ])
    const onlyFirst = { maxLength: 14, truncation: 'only_first' } as const
    expect(tokenizer.encode(...dancing, onlyFirst).ids).toEqual([
      101, 1037, 2158, 102, 1037, 2158, 4147, 1037, 2524, 6045, 2003, 5613, 1012, 102,
    ])
  })

  test('an empty text is a text, also as the second of a pair', () => {
    expect(tokenizer.encode('').ids).toEqual([101, 102])
    expect(tokenizer.encode('', '')).toEqual({
      ids: [101, 102, 102],
      typeIds: [0, 0, 1],
      truncated: 0,
    })
    expect(tokenizer.encode('x', '').typeIds).toEqual([0, 0, 0, 1])
  })

  test("ignores the file's own padding to 128 and truncation at 128", () => {
    expect(tokenizer.encode('hello').ids).toHaveLength(3)
    expect(tokenizer.encode('hello '.repeat(300)).ids).toHaveLength(302)
  })

  test('cuts from the start where truncation_side is left', () => {
    const json = JSON.parse(readFileSync(join(miniLm, 'tokenizer.json'), 'utf8'))
    const left = createTokenizer(json, { truncation_side: 'left' })
    expect(left.encode(words, undefined, { maxLength: 5 }).ids).toEqual([
      101, 3468, 2616, 1012, 102,
    ])
  })

  test('knows its special tokens, size and maximum; leaves special tokens out when asked', () => {
    expect(tokenizer.special).toEqual({ pad: 0, cls: 101, sep: 102, mask: 103, unk: 100 })
    expect([tokenizer.padId, tokenizer.size, tokenizer.maxLength]).toEqual([0, 30522, 512])
    expect(tokenizer.encode('hello', undefined, { specialTokens: false }).ids).toEqual([7592])
    expect(tokenizer.decode([101, 7592, 2088, 102])).toBe('hello world')
    expect([tokenizer.tokenOf(7592), tokenizer.idOf('hello')]).toEqual(['hello', 7592])
  })

  test('refuses a maximum length without room for text', () => {
    expect(() => tokenizer.encode('a', undefined, { maxLength: 2 })).toThrow(/integer over 2/)
    expect(() => tokenizer.encode('a', 'b', { maxLength: 3 })).toThrow(/integer over 3/)
  })

  test('gives the ids of transformers.js for STS-B pairs and golden texts', async () => {
    const { AutoTokenizer } = await import('@huggingface/transformers')
    const theirs = await AutoTokenizer.from_pretrained(miniLm, { local_files_only: true })
    const options = { return_tensor: false, return_token_type_ids: true } as const
    let pairs = 0
    const columns = { a: 6, b: 7 }
    for await (const { cells } of readTable(realData('text/stsb/original/sts-dev.tsv'), columns)) {
      const [a, b] = [String(cells.a), String(cells.b)]
      const expected = theirs(a, { ...options, text_pair: b })
      const { ids, typeIds } = tokenizer.encode(a, b)
      expect(ids).toEqual(expected.input_ids)
      expect(typeIds).toEqual(expected.token_type_ids)
      pairs++
    }
    expect(pairs).toBe(1500)
    for (const text of goldenTexts('bert-bge')) {
      expect(tokenizer.encode(text).ids).toEqual(theirs(text, options).input_ids)
    }
    // theirs cuts the end off, [SEP] included; what stays before it is the same
    const cut = theirs(words, { ...options, truncation: true, max_length: 8 }).input_ids
    expect(tokenizer.encode(words, undefined, { maxLength: 8 }).ids.slice(0, 7)).toEqual(
      cut.slice(0, 7),
    )
  })
})

const golden = realData('tokenizers/golden')
const goldenTexts = (name: string): string[] => {
  const text = readFileSync(join(golden, `ggml-vocab-${name}.gguf.inp`), 'utf8')
  return text.split('\n__ggml_vocab_test__\n')
}
const goldenIds = (name: string): number[][] =>
  readFileSync(join(golden, `ggml-vocab-${name}.gguf.out`), 'utf8')
    .split('\n')
    .map((line) => line.split(' ').filter(Boolean).map(Number))

describeWith(golden, 'golden ids', () => {
  test.each([
    ['bert-bge', 'bert-base-uncased'],
    ['gpt-2', 'gpt2'],
  ])('%s', async (name, model) => {
    const tokenizer = await loadTokenizer(realData('tokenizers', model))
    const texts = goldenTexts(name)
    const ids = goldenIds(name)
    expect(texts).toHaveLength(ids.length)
    const encoded = texts.map((text) => [
      ...tokenizer.encode(text, undefined, { specialTokens: false }).ids,
    ])
    expect(encoded).toEqual(ids)
  })
})
