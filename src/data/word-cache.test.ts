import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Tokenizer as Vocabulary } from '@huggingface/tokenizers'
import { describe, expect, test } from 'vitest'
import { describeWith, realData } from '../../test/support/fixtures.ts'
import { randomFrom } from '../stats/random.ts'
import { exactNormalizers } from './exact-normalizers.ts'
import { createTokenizer } from './tokenizer.ts'
import { rememberWords, splitsAtSpaces } from './word-cache.ts'

describe('rememberWords', () => {
  const lengths = (asked: string[]) => (word: string) => {
    asked.push(word)
    return [word.length]
  }

  test('asks once for a word, in order, whatever spaces stand around it', () => {
    const asked: string[] = []
    const idsOf = rememberWords(lengths(asked))
    expect(idsOf('  aa bbb  aa\tc aa ')).toEqual([2, 3, 4, 2])
    expect(idsOf('bbb')).toEqual([3])
    expect([idsOf(''), idsOf('  ')]).toEqual([[], []])
    expect(asked).toEqual(['aa', 'bbb', 'aa\tc'])
  })

  test('holds two generations of words at most, and no long ones', () => {
    const asked: string[] = []
    const idsOf = rememberWords(lengths(asked), 2)
    idsOf('a b c d e')
    asked.length = 0
    idsOf('e d c')
    expect(asked).toEqual([])
    idsOf('a')
    expect(asked).toEqual(['a'])
    const long = 'x'.repeat(1000)
    idsOf(`${long} ${long}`)
    expect(asked).toEqual(['a', long, long])
  })
})

const miniLm = realData('models/minilm-l6-sst2')

describeWith(miniLm, 'words remembered by a BERT tokenizer', () => {
  const json = JSON.parse(readFileSync(join(miniLm, 'tokenizer.json'), 'utf8'))
  const tokenizer = createTokenizer(json)
  const library = new Vocabulary(json, {})
  exactNormalizers(library, json)
  const differing = (texts: readonly string[]): string[] =>
    texts.filter((text) => {
      const { ids } = library.encode(text)
      return tokenizer.encode(text).ids.join() !== ids.join()
    })

  test('the library gives the same ids for every sentence of SST-2', () => {
    const sentences = ['train', 'dev', 'test'].flatMap((part) =>
      readFileSync(realData(`text/sst2/${part}.tsv`), 'utf8')
        .split('\n')
        .slice(1, -1),
    )
    expect(sentences.length).toBeGreaterThan(70_000)
    expect(differing(sentences)).toEqual([])
  })

  test('and for golden texts and texts of awkward characters between spaces', () => {
    const golden = readFileSync(
      realData('tokenizers/golden/ggml-vocab-bert-bge.gguf.inp'),
      'utf8',
    ).split('\n__ggml_vocab_test__\n')
    expect(differing(golden)).toEqual([])
    const units = [
      ...[...' \t\u00a0\u3000\u200b\u200d\ufeff\u0301\u0000aİßΣσς.é中𠀀👍🏽\ud800\udc00'],
      ...['  ', '[MASK]', '[UNK]', '[', ']', '##ing', 'ing', "don't", 'unbelievably', 'e\u0301'],
    ]
    const random = randomFrom(4)
    const texts = Array.from({ length: 5000 }, () =>
      Array.from({ length: random.below(14) }, () => units[random.below(units.length)]!).join(''),
    )
    expect(differing(texts)).toEqual([])
  })

  test('is kept from tokenizers whose words know the space before them', () => {
    const of = (name: string) =>
      splitsAtSpaces(
        JSON.parse(readFileSync(realData('tokenizers', name, 'tokenizer.json'), 'utf8')),
      )
    expect(['bert-base-uncased', 'gpt2'].map(of)).toEqual([true, false])
    const added = [{ id: 7, content: 'New York' }]
    expect(splitsAtSpaces({ ...json, added_tokens: added })).toBe(false)
  })
})
