/**
 * Does distillation pay? Students taught by a teacher against the same students trained alone: the same first
 * weights (layers of all-MiniLM-L6-v2, which has not seen the task, or drawn ones), steps, batches and three
 * learning rates, of which each side takes the one that is best on a tenth of the training set held out; then
 * several seeds on all of it, judged on data that chose nothing.
 *
 *     npm run bench:distillation [-- --only trec/2x128] [--threads N] [--table]
 *
 * Each run is a command of `limbeck`, kept in `bench/results/distillation.json` as it ends: the script goes on
 * where it was stopped, and prints what is done so far.
 */
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { openModelFolder } from '../src/hub/model-folder.ts'
import { studentFolder } from '../src/jobs/student.ts'
import {
  type DistillationSet,
  distillationSets,
  type StudentRecipe,
  sides,
} from './distillation-sets.ts'
import { distillationTable, type RunRecord } from './distillation-table.ts'
import { describeMachine, machineText } from './machine.ts'
import { miniLm, resultsFolder, root, say, typed } from './places.ts'
import { reportOf, trainInto } from './train-into.ts'

const { values: flags } = parseArgs({
  options: {
    only: { type: 'string' },
    threads: { type: 'string' },
    table: { type: 'boolean' },
  },
})
const work = join(root, '.bench/distillation')
/** The default of both verbs. */
const BATCH = 32
// asked once for all rates and seeds
const cache = ['--teacher-cache', join(work, 'teacher')]
const record = join(resultsFolder, 'distillation.json')
const kept = readRecord()
const runs: Record<string, RunRecord> = kept.runs
const machine = flags.table ? kept.machine : await describeMachine('npm run bench:distillation')
if (!flags.table) {
  for (const [name, set] of Object.entries(distillationSets)) {
    for (const [student, recipe] of Object.entries(set.students)) {
      if (flags.only && !`${name}/${student}`.startsWith(flags.only)) continue
      await proof(name, set, student, recipe)
    }
  }
}
process.stdout.write(`${machineText(machine)}\n\n${distillationTable(runs)}\n`)

/** Chooses the learning rate of each side, then runs its seeds. */
async function proof(
  name: string,
  set: DistillationSet,
  student: string,
  recipe: StudentRecipe,
): Promise<void> {
  const files = set.files(join(work, 'data'))
  const of = { distilled: student, alone: recipe.alone ?? student }
  for (const side of sides) {
    const tried = []
    for (const rate of recipe.rates) {
      const place = { set: name, student: of[side], side, rate, seed: 1, stage: 'choose' } as const
      tried.push(await run(place, set, recipe, [files.most, files.held]))
    }
    const best = tried.reduce((a, b) => (b.metric > a.metric ? b : a))
    for (let seed = 1; seed <= set.seeds; seed++) {
      const place = {
        set: name,
        student: of[side],
        side,
        rate: best.rate,
        seed,
        stage: 'judge',
      } as const
      await run(place, set, recipe, [files.train, files.test])
    }
  }
}

function readRecord() {
  return existsSync(record) ? JSON.parse(readFileSync(record, 'utf8')) : { runs: {} }
}

function countRows(file: string): number {
  return readFileSync(file, 'utf8').trimEnd().split('\n').length - 1
}

async function run(
  place: Omit<RunRecord, 'metric' | 'name' | 'steps' | 'seconds' | 'command'>,
  set: DistillationSet,
  recipe: StudentRecipe,
  [train, dev]: readonly [string, string],
): Promise<RunRecord> {
  const { student, side, rate, seed, stage } = place
  const key = [place.set, student, side, stage, rate, seed].join('/')
  if (runs[key]) return runs[key]
  const teacher = set.teacher()
  const first = await firstWeights(place.set, recipe.shape, seed)
  const out = join(work, key.replaceAll(/[/, ]+/g, '-'))
  // as many as the epochs of one that learns from the texts alone
  const steps = recipe.epochs * Math.ceil(countRows(train) / BATCH)
  const args = [
    ...(side === 'alone'
      ? ['train', first]
      : ['distill', teacher, '--student', first, ...recipe.method, ...cache]),
    ...['--data', train, '--dev', dev, '--seed', `${seed}`],
    ...['--steps', `${steps}`, '--learning-rate', `${rate}`, ...(recipe.both ?? [])],
    // judged once, at the end: the test set chooses no checkpoint
    ...['--evaluate-every', '1000000', '--seconds', '0', '--max-length', '64'],
    ...(flags.threads ? ['--threads', flags.threads] : []),
  ]
  trainInto(out, args)
  const { evaluations, seconds } = reportOf(out).training!
  const { name, value } = evaluations.at(-1)!.metrics[0]!
  const command = `limbeck ${typed([...args, '-o', out])}`
  const done: RunRecord = { ...place, metric: value, name, steps, seconds, command }
  // another process may have ended runs of other students
  Object.assign(runs, readRecord().runs, { [key]: done })
  writeFileSync(record, `${JSON.stringify({ machine, runs }, null, 1)}\n`)
  rmSync(out, { recursive: true })
  say(`${key}: ${name} ${value.toFixed(4)}`)
  return done
}

/**
 * The student as it is before it learns, the same for both sides: every second layer of the base model, which
 * has not seen the task, or a shape with weights drawn by the seed.
 */
async function firstWeights(
  set: string,
  shape: StudentRecipe['shape'],
  seed: number,
): Promise<string> {
  const scratch = join(work, 'first', set, shape, `${seed}`)
  const [made] = existsSync(scratch) ? readdirSync(scratch) : []
  if (made) return join(scratch, made)
  const [aside, what] = [`${scratch}.partial`, shape === '3x384' ? 'every-second' : shape]
  rmSync(aside, { recursive: true, force: true })
  mkdirSync(aside, { recursive: true })
  await studentFolder(what, openModelFolder(miniLm), { seed, scratch: aside, init: 'random' })
  renameSync(aside, scratch)
  return join(scratch, readdirSync(scratch)[0]!)
}
