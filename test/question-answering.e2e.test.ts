/** Question answering by a real encoder under a seeded random head: XQuAD through eval, optimize and run. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { alignTokens } from '../src/data/answer-text.ts'
import { readSquad } from '../src/data/read-squad.ts'
import { loadTokenizer } from '../src/data/tokenizer.ts'
import { evaluate } from '../src/jobs/evaluate.ts'
import { optimize } from '../src/jobs/optimize.ts'
import { run } from '../src/jobs/run.ts'
import { runVariants } from '../src/jobs/run-variants.ts'
import { describeWith, realData } from './support/fixtures.ts'
import { minilm, writeAnswerer } from './support/minilm-heads.ts'
import { scratchFolder } from './support/tensors.ts'

const squad = realData('text/squad-xquad-en/xquad.en.json')

describeWith(squad, 'question answering over XQuAD', () => {
  const folder = scratchFolder()
  const output = join(folder, 'out')
  beforeAll(() => void writeAnswerer(folder))

  it('measures F1 and exact match, each with an interval', async () => {
    const data = { file: squad, limit: 24, task: 'question-answering', stride: 32 }
    const result = await evaluate({ model: folder, data, maxLength: 128 })
    expect(result).toMatchObject({ task: 'question-answering', n: 24, truncated: 0 })
    const [f1, exact] = result.metrics
    expect([f1?.name, exact?.name]).toEqual(['word-f1', 'exact-answer'])
    // a random head finds some words by luck
    expect(f1!.value).toBeGreaterThan(0)
    expect(f1!.value).toBeLessThan(0.3)
    expect(f1!.interval.low).toBeLessThan(f1!.value)
    expect(f1!.interval.high).toBeGreaterThan(f1!.value)
    expect(exact!.value).toBeLessThanOrEqual(f1!.value)
  })

  it('optimizes and compares variants on questions', async () => {
    const { report } = await optimize({
      model: folder,
      output,
      data: { file: squad, limit: 4 },
      seconds: 0.2,
      shapes: '1x16',
    })
    expect(report.variants).toHaveLength(5)
    for (const { quality } of report.variants) expect(quality?.name).toBe('word-f1')
  })

  it('answers on every variant by a slice of the context', async () => {
    const { questions } = await readSquad(squad)
    const { question, context } = questions.toSorted(
      (a, b) => b.context.length - a.context.length,
    )[0]!
    const runs = await runVariants({ model: output, text: question, textPair: context })
    expect(runs.map(({ variant }) => variant)).toEqual([
      'fp32 portable',
      'fp32 optimized',
      'INT8 portable',
      'INT8',
    ])
    const spans = runs.map(({ answer }) => answer)
    for (const answer of spans) {
      if (answer.kind !== 'span') throw new Error(answer.kind)
      expect(answer.text.length).toBeGreaterThan(0)
      expect(context.slice(answer.start, answer.end)).toBe(answer.text)
      expect(answer.score).toBeGreaterThan(0)
      expect(answer.score).toBeLessThan(1)
    }
    expect(spans[1]).toMatchObject({ text: (spans[0] as { text: string }).text })
    for (const { ms, tokens } of runs) {
      expect(ms).toBeGreaterThan(0)
      // the context needs more than one window
      expect(tokens).toBeGreaterThan(512)
    }
  })

  it('asks for a context', async () => {
    await expect(run({ model: output, text: 'Who?' })).rejects.toThrow(
      'a question is answered from a context, and none is given.',
    )
  })

  describe('SQuAD v2', () => {
    const file = join(folder, 'v2.json')
    beforeAll(async () => {
      const { questions } = await readSquad(squad, { limit: 6 })
      const paragraphs = questions.map(({ id, question, context, answers }, i) => ({
        context,
        qas: [
          {
            id,
            question,
            is_impossible: i % 2 === 0,
            answers: i % 2 === 0 ? [] : answers.map((text) => ({ text })),
          },
        ],
      }))
      writeFileSync(file, JSON.stringify({ version: 'v2.0', data: [{ paragraphs }] }))
    })

    it('scores no answer where there is none, by the threshold', async () => {
      const exact = async (noAnswerThreshold: number) => {
        const data = { file, noAnswerThreshold }
        const { metrics } = await evaluate({ model: output, variant: 'model', data })
        return metrics.find(({ name }) => name === 'exact-answer')!.value
      }
      // never an answer: right for the half that has none
      expect(await exact(-1e6)).toBe(0.5)
      expect(await exact(1e6)).toBe(0)
    })
  })

  it('finds the characters of every token of every context', async () => {
    const tokenizer = await loadTokenizer(minilm)
    const { questions } = await readSquad(squad)
    const contexts = [...new Set(questions.map(({ context }) => context))]
    expect(contexts.filter((context) => !alignTokens(tokenizer, context))).toEqual([])
  })
})
