/** Zero-shot classification beside Transformers.js, and by the cosines of an embedder. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { env, pipeline } from '@huggingface/transformers'
import { beforeAll, describe, expect, it } from 'vitest'
import { evaluate } from '../src/jobs/evaluate.ts'
import { exportModel } from '../src/jobs/export-model.ts'
import { type RunOptions, run } from '../src/jobs/run.ts'
import { example } from './support/command.ts'
import { describeWith, realData } from './support/fixtures.ts'
import { namedLabels, writeRandomHead } from './support/random-head.ts'
import { scratchFolder } from './support/tensors.ts'

const scratch = scratchFolder()
const candidates = ['billing', 'delivery', 'account settings', 'a $& in the label']
const texts = ['where is my parcel, it was due on monday', 'I was charged twice!']

type Settings = Partial<Omit<RunOptions, 'model' | 'text'>>

async function labelsOf(model: string, text: string, settings: Settings) {
  const { answer, task } = await run({ model, text, variant: 'model', candidates, ...settings })
  expect(task).toBe('zero-shot')
  if (answer.kind !== 'labels') throw new Error(answer.kind)
  return answer.labels
}

/** A model of natural language inference with these labels, its head drawn from a seed. */
function inference(name: string, labels: readonly string[]): string {
  return writeRandomHead(example, join(scratch, name), {
    config: namedLabels(labels),
    draw: { 'classifier.weight': [labels.length, 256], 'classifier.bias': [labels.length] },
    seed: 11,
  })
}

describe.each([
  ['entailment first', ['entailment', 'neutral', 'contradiction']],
  ['entailment last', ['CONTRADICTION', 'NEUTRAL', 'ENTAILMENT']],
  ['two labels', ['entailment', 'not_entailment']],
])('natural language inference, %s', (name, labels) => {
  const output = join(scratch, `${name} out`)
  beforeAll(async () => {
    env.allowRemoteModels = false
    await exportModel({ model: inference(name, labels), output, targets: ['portable'] })
  })

  it.each([
    [{}, {}],
    [{ multiLabel: true }, { multi_label: true }],
    [
      { hypothesis: 'It is about {}, I think.' },
      { hypothesis_template: 'It is about {}, I think.' },
    ],
    [{ candidates: ['billing'] }, {}],
  ])('scores are those of Transformers.js: %j', async (settings: Settings, options) => {
    const classify = await pipeline('zero-shot-classification', output, { dtype: 'fp32' })
    for (const text of texts) {
      const given = (settings.candidates ?? candidates) as string[]
      // its replace() reads $& as a pattern
      const literal = given.map((label) => label.replaceAll('$', '$$$$'))
      const found = await classify(text, literal, options)
      const theirs = found as { labels: string[]; scores: number[] }
      const ours = await labelsOf(output, text, settings)
      expect(ours.map(({ label }) => label.replaceAll('$', '$$$$'))).toEqual(theirs.labels)
      ours.forEach(({ score }, i) => {
        expect(Math.abs(score - theirs.scores[i]!)).toBeLessThan(1e-4)
      })
    }
    await classify.dispose()
  })
})

describe('what does not fit', () => {
  const ask = (model: string, settings: Settings) =>
    run({ model, text: texts[0]!, candidates, ...settings })
  let nli: string
  beforeAll(async () => {
    nli = await portable(
      inference('misfit', ['entailment', 'neutral', 'contradiction']),
      'misfit out',
    )
  })

  it.each<[string, string, Settings, RegExp]>([
    [
      'no entailment',
      example,
      {},
      /needs a label 'entailment'; the model's labels are cancel_order, cancel_subscription/,
    ],
    ['no {}', '', { hypothesis: 'It is so.' }, /--hypothesis "It is so\." has no \{\}/],
    ['no candidates', '', { task: 'zero-shot', candidates: undefined }, /needs labels to choose/],
    ['another task', '', { task: 'text-classification' }, /--candidates does not belong to/],
    ['an unknown task', '', { task: 'zero-shoot' }, /--task zero-shoot is not known/],
  ])('%s', async (_, model, settings, message) => {
    await expect(ask(model || nli, settings)).rejects.toThrow(message)
  })

  it('several labels need a contradiction', async () => {
    const model = inference('one-sided', ['entailment', 'other'])
    await expect(ask(model, { multiLabel: true })).rejects.toThrow(/needs a label 'contradiction'/)
    expect((await ask(model, {})).task).toBe('zero-shot')
  })
})

const embedder = realData('models/all-minilm-l6-v2')

describeWith(embedder, 'an embedder', () => {
  it('chooses by cosine', async () => {
    const asked = { model: embedder, candidates: ['sport', 'politics', 'cooking'] }
    const { answer, task } = await run({ ...asked, text: 'The keeper saved a late penalty.' })
    expect(task).toBe('zero-shot')
    if (answer.kind !== 'similarities') throw new Error(answer.kind)
    expect(answer.labels.map(({ label }) => label)[0]).toBe('sport')
    const vectorOf = async (text: string) => {
      const { answer: found } = await run({ model: embedder, text })
      return found.kind === 'vector' ? found.vector : []
    }
    const [a, b] = [await vectorOf('The keeper saved a late penalty.'), await vectorOf('sport')]
    const dot = (x: readonly number[], y: readonly number[]) =>
      x.reduce((sum, value, i) => sum + value * y[i]!, 0)
    const cosine = dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b))
    expect(answer.labels[0]!.score).toBeCloseTo(cosine, 5)
    await expect(run({ ...asked, text: 'x', multiLabel: true })).rejects.toThrow(
      /--multi-label needs a model of natural language inference/,
    )
  })
})

/** The portable file of a model, so that each run need not make its own. */
async function portable(model: string, name: string): Promise<string> {
  const output = join(scratch, name)
  await exportModel({ model, output, targets: ['portable'], verify: false })
  return output
}

describe('a labelled file', () => {
  const rows = [
    ['where is my parcel', 'delivery'],
    ['I was charged twice', 'billing'],
    ['change my password', 'account'],
    ['the invoice is wrong', 'billing'],
    ['it was due on monday', 'delivery'],
  ] as const
  const file = join(scratch, 'topics.tsv')
  const right = async (model: string, names: readonly string[]) => {
    let count = 0
    for (const [text, label] of rows) {
      const { answer } = await run({ model, text, candidates: names })
      if (answer.kind !== 'labels' && answer.kind !== 'similarities') throw new Error(answer.kind)
      if (answer.labels[0]!.label === label) count++
    }
    return count
  }
  beforeAll(() => {
    const lines = rows.map((row) => row.join('\t'))
    writeFileSync(file, `${['text\tlabel', ...lines].join('\n')}\n`)
  })

  it('its labels are the candidates, and the accuracy that of run', async () => {
    const nli = inference('judged', ['contradiction', 'neutral', 'entailment'])
    const model = await portable(nli, 'judged out')
    const data = { file, label: 'label', task: 'zero-shot' }
    const result = await evaluate({ model, data })
    expect([result.task, result.n]).toEqual(['zero-shot', 5])
    const [accuracy, macro] = result.metrics
    expect([accuracy!.name, macro!.name]).toEqual(['accuracy', 'macro-f1'])
    expect(accuracy!.value * 5).toBe(await right(model, ['account', 'billing', 'delivery']))
    expect(accuracy!.interval.high - accuracy!.interval.low).toBeGreaterThan(0.3)
    // more candidates than labels; a label that is none of them
    const more = ['billing', 'delivery', 'account', 'praise']
    const given = await evaluate({ model, data: { ...data, candidates: more } })
    expect(given.metrics[0]!.value * 5).toBe(await right(model, more))
    const less = { ...data, candidates: ['billing', 'delivery'] }
    await expect(evaluate({ model, data: less })).rejects.toThrow(
      /topics.tsv:4: unknown label 'account'/,
    )
  })

  describeWith(embedder, 'by an embedder', () => {
    it('compares with the vectors of the labels', async () => {
      const data = { file, label: 'label', task: 'zero-shot' }
      const model = await portable(embedder, 'embedder out')
      const { metrics } = await evaluate({ model, data })
      const expected = await right(model, ['account', 'billing', 'delivery'])
      expect(metrics[0]!.value * 5).toBe(expected)
      expect(expected).toBeGreaterThanOrEqual(3)
    })
  })
})
