/** Named entities end to end: all-MiniLM-L6-v2 under a seeded random head, over WNUT-17. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { evaluate } from '../src/jobs/evaluate.ts'
import { optimize } from '../src/jobs/optimize.ts'
import { run } from '../src/jobs/run.ts'
import type { Report } from '../src/report/report.ts'
import { describeWith, realData } from './support/fixtures.ts'
import {
  wnutLabels as labels,
  minilm,
  wnutTypes as types,
  writeTagger,
} from './support/minilm-heads.ts'
import { scratchFolder } from './support/tensors.ts'

describeWith(minilm, 'a tagger of WNUT-17', () => {
  const scratch = scratchFolder()
  const model = join(scratch, 'tagger')
  const output = join(scratch, 'out')
  const file = realData('text/wnut17/emerging.test.annotated')

  let report: Report

  beforeAll(async () => {
    writeTagger(model)
    const data = { file, task: 'token-classification', limit: 60 }
    const settings = { seconds: 0.2, shapes: '1x16' }
    report = (await optimize({ model, output, data, ...settings })).report
  })

  test('optimize judges every variant by entities', () => {
    expect(report.variants).toHaveLength(5)
    const [source, ...others] = report.variants
    expect([source!.quality!.name, source!.quality!.n]).toEqual(['entity-f1', 60])
    for (const { name, quality, acceptance, fidelity } of others) {
      expect(quality!.n).toBe(60)
      expect(['proven', 'undecided', 'rejected']).toContain(acceptance!.verdict)
      // a random head decides by little; INT8 turns more of its tags
      const least = name.startsWith('fp32') ? 0.995 : 0.6
      expect(fidelity!.agreement!.value, name).toBeGreaterThan(least)
    }
  })

  test('eval gives entity scores and token accuracy with intervals over sentences', async () => {
    const data = { file, task: 'token-classification', limit: 300 }
    const [portable, cpu] = await Promise.all(
      ['model', 'model_cpu'].map((variant) => evaluate({ model: output, variant, data })),
    )
    expect(portable!.task).toBe('token-classification')
    expect(portable!.n).toBe(300)
    const names = portable!.metrics.map(({ name }) => name)
    expect(names).toEqual(['entity-f1', 'entity-precision', 'entity-recall', 'token-accuracy'])
    for (const { value, interval } of portable!.metrics) {
      expect(value).toBeGreaterThan(0)
      expect(value).toBeLessThan(0.5)
      expect(interval.low).toBeLessThanOrEqual(value)
      expect(interval.high).toBeGreaterThanOrEqual(value)
    }
    // the same logits but for rounding: at most a handful of words change their tag
    const accuracy = (result: typeof cpu) => result!.metrics[3]!.value
    expect(Math.abs(accuracy(portable) - accuracy(cpu))).toBeLessThan(0.002)
  })

  test('a .conll file alone says the task, and a tag the model has not is named with its line', async () => {
    const path = join(scratch, 'two.conll')
    writeFileSync(path, 'Ada\tB-person\n\nLovelace\tI-person\n')
    const result = await evaluate({ model: output, data: { file: path } })
    expect([result.n, result.task]).toEqual([2, 'token-classification'])
    writeFileSync(path, 'Ada\tB-person\nLovelace\tI-animal\n')
    const bad = evaluate({ model: output, data: { file: path } })
    await expect(bad).rejects.toThrow(/two\.conll:2: unknown label 'I-animal'/)
    const other = { file: path, task: 'text-classification', label: '2' }
    await expect(evaluate({ model: output, data: other })).rejects.toThrow(
      /text-classification does not fit a token-classification model/,
    )
  })

  test('run gives entities whose offsets cut them out of the text', async () => {
    const text = '😀 Café Müller moved to 東京, near Kōenji'
    const { answer, task } = await run({ model: output, text })
    expect(task).toBe('token-classification')
    if (answer.kind !== 'entities') throw new Error(`expected entities, got ${answer.kind}`)
    expect(answer.entities.length).toBeGreaterThan(1)
    const characters = Array.from(text)
    for (const { text: words, label, score, start, end } of answer.entities) {
      expect(types).toContain(label)
      expect(characters.slice(start, end).join('')).toBe(words)
      expect(score).toBeGreaterThan(1 / labels.length)
      expect(score).toBeLessThanOrEqual(1)
    }
  })
})
