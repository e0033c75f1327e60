/**
 * Distillation on tiny models: every method's loss falls, a student that is its teacher has nothing to learn from
 * it, and what is written holds no trace of the projection.
 */
import { cpSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, it } from 'vitest'
import { distill } from '../src/jobs/distill.ts'
import { evaluate } from '../src/jobs/evaluate.ts'
import { train } from '../src/jobs/train.ts'
import type { Report } from '../src/report/report.ts'
import type { TrainingReport } from '../src/report/training-report.ts'
import { type DistillMethodName, distillMethods } from '../src/train/distill-methods.ts'
import { layerMap } from '../src/train/layer-map.ts'
import { readTensors, scratchFolder } from './support/tensors.ts'
import { writeTinyModel, writeToyData } from './support/tiny-model.ts'

const cwd = scratchFolder()
const teacher = join(cwd, 'teacher')
const quick = { threads: 1, seconds: 0, learningRate: 3e-3 }
let data = { file: '' }
beforeAll(async () => {
  data = { file: writeToyData(join(cwd, 'train.tsv'), 320, 1) }
  await train({
    ...quick,
    model: writeTinyModel(join(cwd, 'base')),
    data,
    epochs: 6,
    output: teacher,
  })
}, 60_000)

const taught = (method: DistillMethodName, student: string, more: object = {}) =>
  distill({
    ...{ ...quick, teacher, data, method, student, epochs: 8 },
    ...{ output: join(cwd, `${method}-${student}`), ...more },
  })

/** `cosine` is of sentence vectors: `distill-tasks.ort.test.ts` has it. */
const ofClasses = (Object.keys(distillMethods) as DistillMethodName[]).filter(
  (name) => name !== 'cosine',
)

it.each(ofClasses)('%s: the loss falls', async (method) => {
  // heads of 16: as many as the teacher's two
  const student = method === 'distilbert' ? 'every-second' : '1x64'
  const rounds = method === 'logits'
  const more = rounds ? { quantize: 'int4', dev: data.file } : {}
  const { training, folder, report } = await taught(method, student, { dropout: 0, ...more })
  if (rounds) expectRounded(folder, training, report)
  const half = training.losses.length / 2
  const stages = 'twoStages' in distillMethods[method]
  // each stage by itself, where there are two
  const last = stages ? training.losses[Math.floor(half) - 1]! : training.losses.at(-1)!
  expect(last.loss).toBeLessThan(0.9 * training.losses[0]!.loss)
  const names = Object.keys(readTensors(join(folder, 'model.safetensors')))
  expect(names.filter((name) => name.startsWith('distillation'))).toEqual([])
  const config = JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8'))
  expect(config).toMatchObject({ num_hidden_layers: 1, id2label: { 0: 'complaint', 1: 'praise' } })
})

/** Files of 4 bits are there, and the report holds their metric beside that of fp32. */
function expectRounded(folder: string, training: TrainingReport, { variants }: Report): void {
  const files = ['onnx/model_q4.onnx', 'onnx/model_cpu_q4.onnx']
  expect(training.rounded).toEqual({ scheme: 'INT4', files })
  const own = variants.filter(({ file }) => file !== undefined && files.includes(file))
  expect(own.map(({ name, precision }) => [name, precision])).toEqual([
    ['trained INT4 portable', 'int4'],
    ['trained INT4', 'int4'],
  ])
  for (const { quality, file } of own) {
    expect(quality?.name).toBe('accuracy')
    expect(existsSync(join(folder, file!)), file).toBe(true)
  }
  const page = readFileSync(join(folder, 'report.html'), 'utf8')
  expect(page).toMatch(/for INT4.*model_q4\.onnx accuracy [\d.]+ %; .*fp32 accuracy [\d.]+ %/)
  expect(page).toContain('The model was judged as it rounds for INT4.')
}

it.each([
  ['logit-error', 'first-2', undefined],
  ['tinybert', 'first-2', undefined],
  // its own shape, by a basis and by places
  ['logit-error', '2x32', undefined],
  ['logit-error', '2x32', 'slice'],
] as const)('%s: a teacher has nothing to learn from itself, %s', async (method, student, init) => {
  const few = { dropout: 0, steps: 2, epochs: undefined, init }
  const { training } = await taught(method, student, { ...few, overwrite: true })
  expect(training.losses[0]!.loss).toBeLessThan(1e-9)
})

it.each([
  ['distilbert', '1x64', /hidden size of its teacher, 32; it has 64/, undefined],
  ['hidden', '3x32', /student of 3 layers cannot learn from the 2 layers/, undefined],
  ['logits', '1x64', /--init svd: the teacher is 32 wide/, 'svd'],
  ['logits', '3x32', /--init slice: the teacher has 2 layers/, 'slice'],
] as const)('%s refuses %s', async (method, student, message, init) => {
  await expect(taught(method, student, { init })).rejects.toThrow(message)
})

it('is measured beside its teacher, where both are judged', async () => {
  const dev = writeToyData(join(cwd, 'dev.tsv'), 48, 2)
  const few = { steps: 4, epochs: undefined, seconds: 0.02, output: join(cwd, 'beside') }
  const { report, training } = await taught('logits', '1x64', { dev, ...few })
  const { role, rows, unjudged } = report.results!
  expect({ role, unjudged }).toEqual({ role: 'teacher', unjudged: [] })
  const [first, ...files] = rows
  const alone = await evaluate({ model: teacher, data: { file: dev } })
  expect(first!.quality).toEqual(alone.metrics[0])
  expect(first!.training).toBeUndefined()
  expect(first!.latency.map(({ threads }) => threads)).toEqual([1, 2, 4])
  expect(files.map(({ name }) => name)).toEqual(report.variants.slice(1).map(({ name }) => name))
  for (const { latency, quality, training: cost } of files) {
    expect(quality!.n).toBe(48)
    expect(cost).toEqual({ flops: training.flops, seconds: training.seconds })
    for (const { vsSource } of latency) expect(vsSource!.speedup).toBeGreaterThan(0)
  }
})

it('refuses a layer map that does not fit', async () => {
  const output = join(cwd, 'unmapped')
  await expect(taught('hidden', '1x64', { layerMap: '2', output })).rejects.toThrow(
    '--layer-map 2: expected uniform, last, or 1 rising numbers from 0 to 1',
  )
})

it('refuses a student that reads other tokens', async () => {
  const other = join(cwd, 'other-tokens')
  cpSync(teacher, other, { recursive: true })
  const file = join(other, 'tokenizer.json')
  const tokenizer = JSON.parse(readFileSync(file, 'utf8'))
  const { vocab } = tokenizer.model
  ;[vocab.the, vocab.order] = [vocab.order, vocab.the]
  writeFileSync(file, JSON.stringify(tokenizer))
  await expect(taught('logits', other)).rejects.toThrow(
    'teacher and student have different vocabularies (2048 and 2048 tokens)',
  )
})

it('refuses labels that are not those of the teacher', async () => {
  const file = join(cwd, 'others.tsv')
  writeFileSync(file, 'text\tlabel\nthe order is late\tsad\nthank you\tglad\n')
  const output = join(cwd, 'others')
  await expect(taught('logits', '1x64', { data: { file }, output })).rejects.toThrow(
    'teacher and student have different labels: complaint, praise and glad, sad.',
  )
})

it('refuses the checkpoint of a run with another teacher', async () => {
  const output = join(cwd, 'stopped')
  const stop = new AbortController()
  // as Ctrl-C in the first step
  const step = (title: string) => ({
    update: () => title.startsWith('Training') && stop.abort(),
    done: () => {},
    fail: () => {},
  })
  const stopped = { output, signal: stop.signal, progress: { step } }
  await expect(taught('logits', '1x64', stopped)).rejects.toThrow('after step 1')
  const other = join(cwd, 'other', 'teacher')
  cpSync(teacher, other, { recursive: true })
  const weights = readFileSync(join(other, 'model.safetensors'))
  weights[weights.length - 4]! ^= 1
  writeFileSync(join(other, 'model.safetensors'), weights)
  await expect(taught('logits', '1x64', { output, resume: true, teacher: other })).rejects.toThrow(
    /stopped\.training.*the checkpoint is of another run: teacherWeights was/,
  )
})

it('maps layers as TinyBERT does', () => {
  expect(layerMap('uniform', 12, 4)).toEqual([2, 5, 8, 11])
  expect(layerMap('last', 12, 4)).toEqual([8, 9, 10, 11])
  expect(() => layerMap('1,0', 12, 2)).toThrow(/2 rising numbers from 0 to 11/)
})
