/** Windows against Hugging Face's fast tokenizers with stride and overflowing tokens (test/golden). */
import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { example } from '../../test/support/command.ts'
import { describeWith, realData } from '../../test/support/fixtures.ts'
import { alignTokens, alignWords } from './answer-text.ts'
import { questionWindows } from './question-windows.ts'
import { readSquad } from './read-squad.ts'
import { createTokenizer, loadTokenizer } from './tokenizer.ts'

interface Golden {
  readonly tokenizer: string
  readonly maxLength: number
  readonly stride: number
  readonly id: string
  /** Length, hash of ids, hash of type ids, place and number of context tokens, first and last character. */
  readonly windows: readonly (readonly number[])[]
}

const golden = JSON.parse(
  readFileSync(new URL('../../test/golden/question-windows.json', import.meta.url), 'utf8'),
) as readonly Golden[]

const hash = (ids: readonly number[]): number =>
  ids.reduce((sum, id) => (sum * 31 + id) % 1_000_000_007, 0)

async function check(folder: string, cases: readonly Golden[], texts: TextsOf): Promise<void> {
  const tokenizer = await loadTokenizer(folder)
  for (const { maxLength, stride, id, windows } of cases) {
    const [question, context] = texts(id)
    const found = questionWindows(tokenizer, question, context, { maxLength, stride })
    const alignment = alignTokens(tokenizer, context)!
    const summary = found.map(({ encoding: { ids, typeIds }, from, count, skipped }) => [
      ids.length,
      hash(ids),
      hash(typeIds),
      from,
      count,
      alignment.starts[skipped],
      alignment.ends[skipped + count - 1],
    ])
    expect(summary).toEqual(windows)
    // an alignment by words holds the whole word that a window cuts
    const words = alignWords(tokenizer, context)!
    found.forEach(({ count, skipped }, i) => {
      expect(words.starts[skipped]).toBeLessThanOrEqual(windows[i]![5]!)
      expect(words.ends[skipped + count - 1]).toBeGreaterThanOrEqual(windows[i]![6]!)
    })
  }
}

type TextsOf = (id: string) => readonly [string, string]

const texts = readFileSync(`${example}/test.tsv`, 'utf8').split('\n').slice(1, 41)
const long = texts.map((line) => line.split('\t')[0]).join(' ')

it('gives the windows of the reference on a long text', async () => {
  const own = golden.filter(({ tokenizer }) => tokenizer === 'support-desk')
  expect(own).toHaveLength(3)
  await check(example, own, () => ['where is my parcel?', long])
})

const squad = realData('text/squad-xquad-en/xquad.en.json')
describeWith(squad, 'windows over XQuAD', () => {
  it('gives the windows of the reference on its longest contexts', async () => {
    const { questions } = await readSquad(squad)
    const cases = golden.filter(({ tokenizer }) => tokenizer === 'minilm')
    expect(cases).toHaveLength(9)
    await check(realData('models/all-minilm-l6-v2'), cases, (id) => {
      const { question, context } = questions.find((one) => one.id === id)!
      return [question, context]
    })
  })
})

const vocab = { '<s>': 0, '</s>': 1, '<unk>': 2, a: 3, b: 4, c: 5, d: 6, e: 7 }
const roberta = createTokenizer({
  normalizer: null,
  decoder: null,
  model: { type: 'WordPiece', vocab, unk_token: '<unk>', continuing_subword_prefix: '##' },
  pre_tokenizer: { type: 'BertPreTokenizer' },
  post_processor: { type: 'RobertaProcessing', cls: ['<s>', 0], sep: ['</s>', 1] },
})

it('keeps the special tokens of other templates around each window', () => {
  const windows = questionWindows(roberta, 'a', 'b c d e', { maxLength: 7, stride: 1 })
  expect(windows.map(({ encoding }) => encoding.ids)).toEqual([
    [0, 3, 1, 1, 4, 5, 1],
    [0, 3, 1, 1, 5, 6, 1],
    [0, 3, 1, 1, 6, 7, 1],
  ])
  expect(windows.map(({ from, count, skipped }) => [from, count, skipped])).toEqual([
    [4, 2, 0],
    [4, 2, 1],
    [4, 2, 2],
  ])
})

it('is one window for a short or empty context', () => {
  expect(questionWindows(roberta, 'a', 'b c', { maxLength: 7 })).toHaveLength(1)
  const [empty, ...more] = questionWindows(roberta, 'a', '', { maxLength: 7 })
  expect(empty).toMatchObject({ encoding: { ids: [0, 3, 1, 1, 1] }, count: 0 })
  expect(more).toEqual([])
})

it('refuses a question that leaves no room', () => {
  expect(() =>
    questionWindows(roberta, 'a b c', 'd', { maxLength: 7, where: 'dev.json: question q1' }),
  ).toThrow('dev.json: question q1: its 7 tokens leave no room for the context in 7.')
})
