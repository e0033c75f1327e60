import { describe, expect, test } from 'vitest'
import { type ColumnSearch, columnsOfFirstRow, findColumns } from './known-columns.ts'

const find = (header: string, search: Partial<ColumnSearch> = {}) =>
  findColumns(header.split(' '), { given: {}, label: 'class', ...search }, 'dev.tsv')

describe('findColumns', () => {
  // headers of GLUE's files and of its copies on the Hub
  test.each([
    ['sentence label', { text: 'sentence', label: 'label' }],
    ['index sentence', { text: 'sentence' }],
    ['idx sentence label', { text: 'sentence', label: 'label' }],
    [
      'id qid1 qid2 question1 question2 is_duplicate',
      { text: 'question1', textPair: 'question2', label: 'is_duplicate' },
    ],
    ['index question sentence label', { text: 'question', textPair: 'sentence', label: 'label' }],
    [
      'index sentence1 sentence2 label',
      { text: 'sentence1', textPair: 'sentence2', label: 'label' },
    ],
    [
      'index promptID pairID genre sentence1_binary_parse sentence2_binary_parse sentence1_parse sentence2_parse sentence1 sentence2 label1 gold_label',
      { text: 'sentence1', textPair: 'sentence2', label: 'gold_label' },
    ],
    ['premise hypothesis label idx', { text: 'premise', textPair: 'hypothesis', label: 'label' }],
    ['text coarse_label fine_label', { text: 'text', label: 'coarse_label' }],
    ['Review Sentiment', { text: 'Review', label: 'Sentiment' }],
    ['label fine text', { text: 'text', label: 'label' }],
    ['body intent', { label: 'intent' }],
  ])('%s', (header, columns) => {
    expect(find(header)).toEqual(columns)
  })

  test('a column that was given stays, and a given text stands alone', () => {
    const given = { text: 'sentence1' }
    expect(find('sentence1 sentence2 label', { given })).toEqual({ label: 'label' })
    expect(find('a b label', { given: { text: 1, label: 'b' } })).toEqual({})
    expect(find('text label', { given: { label: 2 } })).toEqual({ text: 'text' })
    expect(find('question sentence', { given: { textPair: 'sentence' } })).toEqual({
      text: 'question',
    })
  })

  test('scores are not looked for in columns of names', () => {
    const header = 'sentence1 sentence2 gold_label score'
    expect(find(header, { label: 'number' })).toMatchObject({ label: 'score' })
    expect(find(header, { label: 'none' })).not.toHaveProperty('label')
  })

  test('two candidates are a question', () => {
    expect(() => find('text review label')).toThrow(
      "dev.tsv: the text could be 'text' or 'review'.",
    )
    expect(() => find('premise hypothesis text')).toThrow(
      "the text could be 'premise' with 'hypothesis' or 'text'",
    )
    expect(() => find('text label Label')).toThrow(
      expect.objectContaining({
        message: "dev.tsv: the label could be 'label' or 'Label'.",
        hint: 'Name the one to read with --label.',
      }),
    )
  })
})

test('columnsOfFirstRow knows CoLA and the STS benchmark, and takes no header for them', () => {
  const of = (row: string) => columnsOfFirstRow(row.split('\t'))
  expect(of('gj04\t1\t\tA sentence.')).toEqual({ text: 4, label: 2 })
  expect(of('bc01\t0\t*\tThe bad sentence.')).toEqual({ text: 4, label: 2 })
  expect(of('main-captions\tMSRvid\t2012test\t0001\t5.000\tA.\tB.')).toEqual({
    text: 6,
    textPair: 7,
    label: 5,
  })
  expect(of('main-news\theadlines\t2016\t0001\t2\tA.\tB.\tsource\tsource')).toBeDefined()
  expect(of('index\tquestion\tsentence\tlabel')).toBeUndefined()
  expect(of('1\t2\t3\t4')).toBeUndefined()
})
