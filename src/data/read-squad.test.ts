import { writeFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { describeWith, realData } from '../../test/support/fixtures.ts'
import { scratchFolder } from '../../test/support/tensors.ts'
import { answerStart, parseSquad, readSquad } from './read-squad.ts'

const answer = { text: 'Ada', answer_start: 14 }
const question = { id: 'q1', question: 'Who wrote it?', answers: [answer] }
const setOf = (...qas: readonly object[]) => ({
  version: '1.1',
  data: [{ title: 't', paragraphs: [{ context: 'It was wrote by Ada.', qas }] }],
})
const parse = (json: unknown, limit?: number) =>
  parseSquad(JSON.stringify(json), 'dev.json', { limit })

it('reads v1.1', () => {
  const context = 'It was wrote by Ada.'
  expect(parse(setOf(question))).toEqual({
    version: 'v1.1',
    questions: [{ id: 'q1', question: 'Who wrote it?', context, answers: ['Ada'], starts: [16] }],
  })
})

it('says where an answer stands, in UTF-16 units of places that count code points', () => {
  const context = '😀 Ada met Ada.'
  for (const [given, start] of [
    [10, 11],
    [2, 3],
    [4, 3],
    [undefined, 3],
  ] as const) {
    expect(answerStart(context, 'Ada', given)).toBe(start)
  }
})

it('reads v2, whose impossible questions have plausible answers that do not count', () => {
  const impossible = { id: 'q2', question: 'When?', answers: [], plausible_answers: [answer] }
  const json = setOf({ ...question, is_impossible: false }, { ...impossible, is_impossible: true })
  const { version, questions } = parse(json)
  expect(version).toBe('v2')
  expect(questions.map(({ answers }) => answers)).toEqual([['Ada'], []])
  // the version is that of the whole file
  const first = parse(setOf(question, { ...impossible, is_impossible: true }), 1)
  expect([first.version, first.questions.length]).toEqual(['v2', 1])
})

it('reads compressed files', async () => {
  const file = `${scratchFolder()}/dev.json.gz`
  writeFileSync(file, gzipSync(JSON.stringify(setOf(question))))
  expect((await readSquad(file)).questions).toHaveLength(1)
})

describe('errors name the file and the question', () => {
  const cases: readonly (readonly [string, unknown, string])[] = [
    ['no list', {}, "dev.json: expected a list 'data', found nothing."],
    ['a list', [], 'dev.json: expected an object, found a list.'],
    [
      'no context',
      { data: [{ paragraphs: [{ qas: [] }] }] },
      "dev.json: data[0], paragraphs[0]: expected a text 'context', found nothing.",
    ],
    [
      'no id',
      setOf({ question: 'Who?' }),
      "dev.json: data[0], paragraphs[0], qas[0]: expected a text 'id', found nothing.",
    ],
    [
      'no question',
      setOf({ id: 'q7', answers: [answer], question: 3 }),
      "dev.json: question q7: expected a text 'question', found a number.",
    ],
    ['the same id twice', setOf(question, question), 'dev.json: question q1: expected a new id'],
    [
      'no answer',
      setOf({ ...question, answers: [] }),
      'dev.json: question q1: expected an answer, or is_impossible, found neither.',
    ],
    [
      'an answer from elsewhere',
      setOf({ ...question, answers: [{ text: 'Bob' }] }),
      "dev.json: question q1: expected answers that stand in the context, found 'Bob'.",
    ],
    [
      'an answer without text',
      setOf({ ...question, answers: [{}] }),
      "dev.json: question q1, answers[0]: expected a text 'text', found nothing.",
    ],
    ['no question at all', setOf(), 'dev.json: expected questions, found none.'],
  ]
  it.each(cases)('%s', (_, json, message) => {
    expect(() => parse(json)).toThrow(message)
  })
  it('a file cut short', () => {
    const text = JSON.stringify(setOf(question)).slice(0, 50)
    expect(() => parseSquad(text, 'dev.json')).toThrow("dev.json: expected SQuAD's JSON, got: ")
  })
  it('a file that is not there', async () => {
    await expect(readSquad('/nowhere/dev.json')).rejects.toThrow(
      'cannot read data file /nowhere/dev.json',
    )
  })
})

const file = realData('text/squad-xquad-en/xquad.en.json')
describeWith(file, 'XQuAD', () => {
  it('has 1,190 questions, each with an answer in its context', async () => {
    const { version, questions } = await readSquad(file)
    expect([version, questions.length]).toEqual(['v1.1', 1190])
    expect(new Set(questions.map(({ context }) => context)).size).toBe(240)
  })
})
