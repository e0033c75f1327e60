/**
 * Distillation of every task on tiny models: a student learns from answers that the teacher gave once as from
 * a teacher beside it, and a run that was stopped goes on with them to the same bytes.
 */
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, it } from 'vitest'
import { Checkpoints } from '../src/fit/checkpoints.ts'
import { openModelFolder } from '../src/hub/model-folder.ts'
import { nodeFiles } from '../src/hub/node-files.ts'
import { load } from '../src/jobs/load.ts'
import { studentFolder } from '../src/jobs/student.ts'
import { type Lesson, taskOf, teachingOf } from '../src/jobs/teaching.ts'
import { writeTrained } from '../src/jobs/train-output.ts'
import { type PreparedTraining, prepareTraining } from '../src/jobs/train-prepare.ts'
import { runTraining } from '../src/jobs/train-run.ts'
import { trainSettings } from '../src/jobs/train-settings.ts'
import { materialize } from '../src/onnx/materialize.ts'
import {
  type DistillMethod,
  type DistillMethodName,
  distillMethods,
} from '../src/train/distill-methods.ts'
import { taskCases } from './support/task-cases.ts'
import { scratchFolder } from './support/tensors.ts'
import { writeTinyModel } from './support/tiny-model.ts'

const folder = scratchFolder()
const settings = trainSettings({
  ...{ batch: 16, learningRate: 3e-3, warmup: 0, schedule: 'constant', dropout: 0, threads: 1 },
})
let base: string
beforeAll(() => {
  base = writeTinyModel(join(folder, 'base'))
  const file = join(base, 'config.json')
  const config = JSON.parse(readFileSync(file, 'utf8'))
  // heads are drawn so large that teachers say something
  writeFileSync(file, JSON.stringify({ ...config, initializer_range: 1 }))
})

/** A drawn teacher of a task, a student (by default one layer of it), and the data, which is dev data too. */
async function lessonsOf(task: keyof typeof taskCases, kind = 'first-1') {
  const { file, columns } = taskCases[task]
  const path = join(folder, file[0])
  writeFileSync(path, file[1]())
  const options = { data: { file: path, ...columns }, maxLength: 48 }
  const { model, training } = await prepareTraining(base, options, settings)
  const teacher = join(folder, `${task}-teacher`)
  mkdirSync(teacher, { recursive: true })
  writeTrained(model, new Map(), base, teacher)
  const making = { seed: 1, scratch: folder }
  const student = await studentFolder(kind, openModelFolder(teacher), making)
  const prepare = (
    name: DistillMethodName,
    epochs: number,
    said: Lesson['options'] = {},
    limit?: number,
  ) => {
    const method: DistillMethod = distillMethods[name]
    const lesson = { teacher: load(teacher), method, name, map: 'uniform', recipe: {} }
    const teaching = teachingOf({ ...lesson, options: said })
    const asked = { ...options.data, limit, task: taskOf(method, columns?.task) }
    const all = { ...options, data: asked, ...(method.answers.loss === 'cosine' && { dev: path }) }
    return prepareTraining(student, all, { ...settings, epochs }, teaching)
  }
  return { prepare, names: training.gradients }
}

async function run(
  prepared: PreparedTraining,
  output: string,
  { answersIn = output, signal }: { answersIn?: string; signal?: AbortSignal } = {},
) {
  const checkpoints = new Checkpoints(join(folder, output), {})
  const answers = await prepared.taught?.answers?.open(join(folder, answersIn))
  const from = checkpoints.exist ? checkpoints.read() : undefined
  const devAnswers = await prepared.taught?.judged?.answers.open(checkpoints.folder)
  const running = { checkpoints, from, answers, devAnswers, signal }
  const { progress, weights } = await runTraining(prepared, running)
  for (const file of [answers, devAnswers]) file?.close()
  return {
    evaluations: progress.evaluations.map(({ metrics }) => metrics[0]!.value),
    losses: progress.losses.map(({ loss }) => loss),
    learned: checkpoints.learned(weights),
  }
}

it.each([
  ['multi-label-classification', 'logits'],
  ['regression', 'logit-error'],
  ['token-classification', 'logits'],
  ['question-answering', 'soft-labels'],
  ['embeddings', 'logits'],
] as const)('%s, %s', async (task, method) => {
  const { prepare, names } = await lessonsOf(task)
  const live = await prepare(method, 1)
  const kept = await prepare(method, 8)
  // the teacher is no part of the step, and nothing of it ever learns
  expect(live.taught?.answers).toBeUndefined()
  expect(kept.training.graph.weights.size).toBeLessThan(live.training.graph.weights.size)
  for (const { training } of [live, kept]) {
    expect(training.gradients.filter((name) => !names.includes(name))).toEqual([])
    expect(training.state.filter(({ name }) => name.startsWith('teacher'))).toEqual([])
  }
  const theirs = await run(live, `${task}-live`)
  const own = await run(kept, `${task}-kept`)
  theirs.losses.forEach((loss, i) => {
    expect(Math.abs(own.losses[i]! / loss - 1)).toBeLessThan(1e-4)
  })
  const mean = (some: readonly number[]) => some.reduce((sum, loss) => sum + loss, 0) / some.length
  expect(mean(own.losses.slice(-4))).toBeLessThan(0.9 * mean(own.losses.slice(0, 4)))
})

it('draws sentence vectors to those of a teacher of another width, text by text', async () => {
  const { prepare } = await lessonsOf('embeddings', '1x64')
  const prepared = await prepare('cosine', 6)
  expect(prepared.task).toBe('sentence-vectors')
  // pairs are two texts each
  expect(prepared.data.training.examples.length).toBe(128)
  const { losses, evaluations, learned } = await run(prepared, 'vectors')
  expect(losses[0]).toBeGreaterThan(0.5)
  // judged without dropout by the loss that is learned, of which nothing else is a part
  expect(evaluations.at(-1)).toBeLessThan(0.5 * losses[0]!)
  expect(Math.abs(evaluations.at(-1)! - losses.at(-1)!)).toBeLessThan(0.1)
  expect([...learned.keys()].filter((name) => name.startsWith('distillation'))).toHaveLength(2)
  const names = [...prepared.model.graph.weights.values()].map(({ parameter }) => parameter?.name)
  expect(names.filter((name) => name?.startsWith('distillation'))).toEqual([])
  const { prepare: classes } = await lessonsOf('regression')
  await expect(classes('cosine', 1)).rejects.toThrow(
    '--method cosine learns sentence vectors, and regression has none.',
  )
})

it('goes on with the answers of the run that was stopped, to the same bytes', async () => {
  const { prepare } = await lessonsOf('text-classification')
  const prepared = await prepare('logits', 2)
  const signal = AbortSignal.abort()
  await expect(run(prepared, 'parts', { signal })).rejects.toThrow('after step 1')
  const [made] = readdirSync(join(folder, 'parts')).filter((name) => name.startsWith('answers-'))
  const written = statSync(join(folder, 'parts', made!)).mtimeMs
  const resumed = await run(prepared, 'parts')
  expect(statSync(join(folder, 'parts', made!)).mtimeMs).toBe(written)
  const whole = await run(prepared, 'whole', { answersIn: 'parts' })
  expect(resumed.losses).toEqual(whole.losses)
  for (const [name, tensor] of whole.learned) {
    const other = materialize(resumed.learned.get(name)!, nodeFiles)
    expect(other, name).toEqual(materialize(tensor, nodeFiles))
  }
})

it('of more texts only the teacher says what they mean, the same when it is taken up again', async () => {
  const { prepare } = await lessonsOf('text-classification')
  const unlabelled = join(folder, 'more.txt')
  writeFileSync(unlabelled, 'thank you for my order\nit is broken and late\n')
  const few = () => prepare('logits', 1, { augment: 2, unlabelled }, 48)
  const prepared = await few()
  const { examples } = prepared.data.training
  const labelled = examples.filter(({ target }) => target !== -100).length
  expect(examples).toHaveLength(3 * (labelled + 2))
  const ids = (place: number) => examples[place]!.texts[0]!.ids
  const changed = [...Array(labelled).keys()].filter(
    (i) => `${ids(i)}` !== `${ids(labelled + 2 + i)}`,
  )
  expect(changed.length).toBeGreaterThan(labelled / 2)
  const whole = await run(prepared, 'more-whole')
  const signal = AbortSignal.abort()
  await expect(run(await few(), 'more-parts', { signal })).rejects.toThrow('after step 1')
  const resumed = await run(await few(), 'more-parts')
  expect(resumed.losses).toEqual(whole.losses)
  for (const [name, tensor] of whole.learned) {
    const other = materialize(resumed.learned.get(name)!, nodeFiles)
    expect(other, name).toEqual(materialize(tensor, nodeFiles))
  }
})

it.each([
  ['fill-mask', { augment: 1 }, /--augment and fill-mask do not go together/],
  ['regression', { augment: 1 }, /--method logits do not go together for regression/],
  ['token-classification', { unlabelled: 'x' }, /--unlabelled and token-classification do not/],
  ['text-classification', { augment: 0.5 }, /--augment 0.5: expected a positive integer/],
] as const)('%s refuses %o', async (task, options, message) => {
  const { prepare } = await lessonsOf(task)
  await expect(prepare('logits', 1, options)).rejects.toThrow(message)
})

it('of masked words the teacher is asked in every step', async () => {
  const { prepare } = await lessonsOf('fill-mask')
  expect((await prepare('logits', 2)).taught?.answers).toBeUndefined()
  await expect(prepare('logits', 2, { teacherCache: 'never' })).rejects.toThrow(
    /--teacher-cache and fill-mask do not go together/,
  )
  await expect(prepare('hidden', 2, { teacherCache: 'never' })).rejects.toThrow(
    /--teacher-cache and --method hidden do not go together/,
  )
})
