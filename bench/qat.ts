/**
 * Does training for few bits beat rounding afterwards? Resumes where it was stopped; what is done stays done.
 *
 *     npm run bench:qat -- sst2 [stsb] [--seeds 3] [--threads 1] [--only w4]
 *
 * From one fine-tuned model: fp32, files rounded after training, and files trained for the same rounding, by seed.
 * Training goes on from the model's own weights with its own data, without dev data: the last weights are judged, so
 * that none is chosen by the answers. The same training in fp32 stands beside, as it is and rounded afterwards: training
 * on may gain by itself, or lose, where the model that all begin from was chosen on the data that judges. And the same
 * training with the model in fp32 as its teacher: what is learned then is that model, not the labels once more.
 */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { evaluate } from '../src/jobs/evaluate.ts'
import { type QuantizeOptions, quantize } from '../src/jobs/export-model.ts'
import { mean, standardDeviation } from '../src/stats/index.ts'
import { describeMachine, machineText } from './machine.ts'
import { resultsFolder, root, say } from './places.ts'
import { type QatTask, qatSchemes, qatTasks } from './qat-tasks.ts'
import { trainInto } from './train-into.ts'

const { values: flags, positionals } = parseArgs({
  options: {
    seeds: { type: 'string', default: '3' },
    threads: { type: 'string', default: '1' },
    only: { type: 'string' },
  },
  allowPositionals: true,
})
const known = Object.keys(qatTasks)
const strange = positionals.find((name) => !known.includes(name))
if (strange !== undefined) {
  say(`${strange} is no task; tasks are ${known.join(', ')}.`)
  process.exit(2)
}

/** One way to a file, with the metric of each seed; of one that has no seed, once. */
interface Row {
  readonly task: string
  readonly metric: string
  readonly bits: string
  readonly way: string
  readonly values: readonly number[]
}

const wantedSchemes = Object.entries(qatSchemes).filter(
  ([key]) => !flags.only || key === flags.only,
)
if (wantedSchemes.length === 0) {
  say(`--only ${flags.only} is no rounding; those are ${Object.keys(qatSchemes).join(', ')}.`)
  process.exit(2)
}
const work = join(root, '.bench/qat')
mkdirSync(work, { recursive: true })
const machine = await describeMachine('npm run bench:qat')
const seeds = Array.from({ length: Number(flags.seeds) }, (_, i) => i + 1)
for (const name of positionals.length > 0 ? positionals : ['sst2']) {
  const task = qatTasks[name]!
  const source = sourceOf(name, task)
  await judged(`${name}-fp32`, task, async () => exported(source))
  for (const [key, { rounded }] of wantedSchemes) {
    for (const [way, options] of Object.entries(rounded)) {
      await judged(`${name}-${key}-${way}`, task, async (folder) =>
        roundedFile(source, folder, options, task),
      )
    }
  }
  for (const [key, { trained, file, refused }] of wantedSchemes) {
    if (refused) {
      const still = ['--quantize', trained, '--learning-rate', '1e-12']
      await judged(`${name}-${key}-rounded`, task, async (folder) =>
        trainedFile(source, folder, { ...task, steps: 1 }, still, file),
      )
    }
    for (const seed of seeds) {
      const scheme = ['--quantize', trained]
      await judged(`${name}-${key}-trained-${seed}`, task, async (folder) =>
        trainedFile(source, folder, task, [...scheme, '--seed', `${seed}`], file),
      )
      if (!task.taught) continue
      await judged(`${name}-${key}-taught-${seed}`, task, async (folder) =>
        taughtFile(source, folder, task, [...scheme, '--seed', `${seed}`], file),
      )
    }
  }
  for (const seed of seeds) await trainedThenRounded(name, source, task, seed)
}
process.stdout.write(`${machineText(machine)}\n\n${tableOf(writeRows())}\n`)

/** The same training without rounding, judged in fp32 and in each way to few bits. */
async function trainedThenRounded(
  name: string,
  source: string,
  task: QatTask,
  seed: number,
): Promise<void> {
  const model = join(work, `${name}-fp32-${seed}`)
  const train = () =>
    trainedFile(source, model, task, ['--learning-rate', '2e-5', '--seed', `${seed}`], 'model_cpu')
  await judged(`${name}-fp32-trained-${seed}`, task, train)
  for (const [key, { rounded }] of wantedSchemes) {
    for (const [way, options] of Object.entries(rounded)) {
      await judged(`${name}-${key}-${way}-after-${seed}`, task, async (folder) => {
        await train()
        return roundedFile(model, folder, options, task)
      })
    }
  }
  rmSync(model, { recursive: true, force: true })
}

/** The metric of a file, kept by the name of its run; the file goes when it is judged. */
async function judged(
  run: string,
  { test }: QatTask,
  make: (folder: string) => Promise<string>,
): Promise<void> {
  const kept = join(work, `${run}.json`)
  if (existsSync(kept)) return
  const folder = join(work, run)
  const file = await make(folder)
  const { metrics } = await evaluate({ model: file, data: test, threads: 1 })
  const [{ name, value }] = metrics as [(typeof metrics)[number]]
  writeFileSync(kept, `${JSON.stringify({ metric: name, value })}\n`)
  rmSync(folder, { recursive: true, force: true })
  say(`${run}: ${name} ${value.toFixed(4)}`)
  writeRows()
}

/** The fine-tuned model that all begin from. */
function sourceOf(name: string, task: QatTask): string {
  if (task.source) return task.source
  const folder = join(work, `${name}-source`)
  const { base, recipe } = task
  trainInto(folder, commandOf(base!, task, ['--seconds', '0', ...recipe!]))
  return folder
}

function exported(source: string): string {
  const own = join(source, 'onnx/model_cpu.onnx')
  return existsSync(own) ? own : source
}

async function roundedFile(
  model: string,
  output: string,
  options: Pick<QuantizeOptions, 'scheme'>,
  { train }: QatTask,
): Promise<string> {
  const data = 'method' in options || options.scheme === 'static-int8' ? { data: train } : {}
  const targets = ['cpu'] as const
  const { variants } = await quantize({
    model,
    output,
    overwrite: true,
    targets,
    ...options,
    ...data,
  })
  return join(output, variants[0]!.file)
}

async function trainedFile(
  model: string,
  output: string,
  task: QatTask,
  more: readonly string[],
  file: string,
): Promise<string> {
  const own = ['--steps', `${task.steps}`, '--seconds', '0', ...more]
  trainInto(output, commandOf(model, task, own))
  return join(output, `onnx/${file}.onnx`)
}

/** The source teaches its own rounding: the student begins as the teacher is. */
async function taughtFile(
  source: string,
  output: string,
  { train, options, steps }: QatTask,
  more: readonly string[],
  file: string,
): Promise<string> {
  const answers = ['--method', 'logits', '--teacher-cache', join(work, 'teacher')]
  const own = ['--steps', `${steps}`, '--seconds', '0', '--threads', flags.threads]
  const data = ['--data', train.file, ...options, ...own, ...more]
  trainInto(output, ['distill', source, '--student', source, ...answers, ...data])
  return join(output, `onnx/${file}.onnx`)
}

function commandOf(model: string, { train, options }: QatTask, more: readonly string[]): string[] {
  const own = ['train', model, '--data', train.file, '--threads', flags.threads]
  return [...own, ...options, ...more]
}

/** Writes the rows of all runs done so far, of all tasks. */
function writeRows(): Row[] {
  const rows = known.flatMap((task): Row[] => {
    const row = (bits: string, way: string, runs: readonly string[]): Row[] => {
      const files = runs.map((run) => join(work, `${task}-${run}.json`)).filter(existsSync)
      const done = files.map((file) => JSON.parse(readFileSync(file, 'utf8')))
      if (done.length === 0) return []
      const { title } = qatTasks[task]!
      return [{ task: title, metric: done[0].metric, bits, way, values: done.map((d) => d.value) }]
    }
    const bySeed = (run: string) => seeds.map((seed) => `${run}-${seed}`)
    return [
      ...row('fp32', 'source', ['fp32']),
      ...row('fp32', 'trained on', bySeed('fp32-trained')),
      ...Object.entries(qatSchemes).flatMap(([key, { title, rounded }]) => [
        ...Object.keys(rounded).flatMap((way) => [
          ...row(title, way, [`${key}-${way}`]),
          ...row(title, `trained on, then ${way}`, bySeed(`${key}-${way}-after`)),
        ]),
        ...row(title, 'rounded', [`${key}-rounded`]),
        ...row(title, 'trained for it', bySeed(`${key}-trained`)),
        ...row(title, 'trained for it, taught by fp32', bySeed(`${key}-taught`)),
      ]),
    ]
  })
  const text = JSON.stringify({ machine, schemes: qatSchemes, rows }, null, 2)
  writeFileSync(join(resultsFolder, 'qat.json'), `${text}\n`)
  return rows
}

function tableOf(rows: readonly Row[]): string {
  const lines = rows.map(({ task, metric, bits, way, values }) => {
    const middle = mean(values)
    const error = standardDeviation(values) / Math.sqrt(values.length)
    const text =
      values.length > 1 ? `${middle.toFixed(4)} ± ${error.toFixed(4)}` : middle.toFixed(4)
    return `| ${task} | ${bits} | ${way} | ${metric} ${text} | ${values.length} |`
  })
  return [
    '| task | bits | way | metric, mean ± standard error | runs |',
    '| --- | --- | --- | --- | ---: |',
    ...lines,
  ].join('\n')
}
