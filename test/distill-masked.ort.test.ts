/** DistilBERT's triple loss on a masked language model (Sanh et al. 2019), against its formula in plain numbers. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { Checkpoints } from '../src/fit/checkpoints.ts'
import { withGraph } from '../src/fit/observe.ts'
import { trainingFeeds } from '../src/fit/training-feeds.ts'
import type { Graph } from '../src/graph/graph.ts'
import { openModelFolder } from '../src/hub/model-folder.ts'
import { load } from '../src/jobs/load.ts'
import { studentFolder } from '../src/jobs/student.ts'
import { teachingOf } from '../src/jobs/teaching.ts'
import { writeTrained } from '../src/jobs/train-output.ts'
import { prepareTraining } from '../src/jobs/train-prepare.ts'
import { runTraining } from '../src/jobs/train-run.ts'
import { trainSettings } from '../src/jobs/train-settings.ts'
import { exposedName, exposeValues } from '../src/passes/expose-values.ts'
import { distillMethods } from '../src/train/distill-methods.ts'
import { scratchFolder } from './support/tensors.ts'
import { writeTinyModel } from './support/tiny-model.ts'

const cwd = scratchFolder()
const quick = { batch: 6, steps: 1, warmup: 0, dropout: 0, threads: 1, learningRate: 1e-4 }
const settings = trainSettings(quick)

/** Answers at masked places and the last states at real ones, rows of numbers each. */
async function seen(graph: Graph, layers: number, feeds: ReturnType<typeof trainingFeeds>) {
  const { value } = graph.outputs.find(({ name }) => name === 'logits')!
  const shown = exposeValues(graph, [value, graph.taps.get(`hidden.${layers}`)!])
  const own = Object.fromEntries(shown.inputs.map(({ name }) => [name, feeds[name]!]))
  return withGraph(shown, { threads: 1 }, async (run) => {
    const outputs = await run(own)
    const rowsOf = (place: number, counts: (token: number) => boolean) => {
      const { shape, data } = outputs[exposedName(place)]!
      const width = shape.at(-1)!
      const tokens = Array.from({ length: data.length / width }, (_, token) => token)
      return tokens
        .filter(counts)
        .map((token) => Array.from(data.slice(token * width, (token + 1) * width), Number))
    }
    const at = (name: string) => Array.from(feeds[name]!.data, Number)
    const [labels, mask] = [at('labels'), at('attention_mask')]
    return {
      logits: rowsOf(0, (token) => labels[token] !== -100),
      states: rowsOf(1, (token) => mask[token] === 1),
      labels: labels.filter((label) => label !== -100),
    }
  })
}

const sum = (x: readonly number[]) => x.reduce((total, value) => total + value, 0)
const mean = (x: readonly number[]) => sum(x) / x.length
const logSoftmax = (row: readonly number[], temperature: number) => {
  const scaled = row.map((value) => value / temperature)
  const top = Math.max(...scaled)
  const rest = top + Math.log(sum(scaled.map((value) => Math.exp(value - top))))
  return scaled.map((value) => value - rest)
}
const length = (row: readonly number[]) => Math.sqrt(sum(row.map((x) => x * x)))

it('is 5 × KL at T = 2, 2 × MLM and 1 × cosine', async () => {
  const base = writeTinyModel(join(cwd, 'base'))
  const file = join(cwd, 'texts.txt')
  const texts = ['where is my order', 'i want a refund today please', 'thank you', 'it is late']
  writeFileSync(file, `${[...texts, 'the account is wrong', 'great'].join('\n')}\n`)
  const data = { file, task: 'fill-mask' }
  const { model } = await prepareTraining(base, { data }, settings)
  const teacher = join(cwd, 'teacher')
  mkdirSync(teacher)
  writeTrained(model, new Map(), base, teacher)
  const theirs = load(teacher)
  const making = { seed: 1, scratch: join(cwd, 'student') }
  const student = await studentFolder('first-1', openModelFolder(teacher), making)
  const method = distillMethods.distilbert
  const lesson = {
    teacher: theirs,
    method,
    name: 'distilbert',
    map: 'uniform',
    recipe: {},
  } as const
  const teaching = teachingOf({ ...lesson, options: {} })
  const prepared = await prepareTraining(student, { data }, settings, teaching)
  const checkpoints = new Checkpoints(join(cwd, 'run'), {})
  const { progress } = await runTraining(prepared, { checkpoints, from: undefined })

  // the step's own batch: the same examples, the same masks
  const [places] = prepared.plan.at(0).batches
  const { examples } = prepared.data.training
  const own = places!.map((place) => examples[place]!)
  const feeds = trainingFeeds(own, [settings.seed, 0, 0], prepared.data.feeds)
  const t = await seen(theirs.graph, 2, feeds)
  const s = await seen(load(student).graph, 1, feeds)
  const divergences = s.logits.map((row, i) => {
    const [mine, given] = [logSoftmax(row, 2), logSoftmax(t.logits[i]!, 2)]
    return sum(given.map((log, k) => Math.exp(log) * (log - mine[k]!)))
  })
  const guesses = s.logits.map((row, i) => -logSoftmax(row, 1)[s.labels[i]!]!)
  const angles = s.states.map((row, i) => {
    const other = t.states[i]!
    return 1 - sum(row.map((x, k) => x * other[k]!)) / (length(row) * length(other))
  })
  const terms = [4 * mean(divergences), mean(guesses), mean(angles)] as const
  for (const term of terms) expect(term).toBeGreaterThan(1e-3)
  const expected = 5 * terms[0] + 2 * terms[1] + terms[2]
  expect(Math.abs(progress.losses[0]!.loss - expected) / expected).toBeLessThan(1e-5)
})
