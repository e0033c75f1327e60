/**
 * What exporting, lowering and quantizing costs, without verification: seconds, and peak memory against
 * that of a process which only loads the same modules; and how soon `limbeck --help` answers.
 *
 *     npm run bench:build [-- --quick] [--output FILE]
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { optimizePlans, type VariantPlan } from '../src/jobs/variants.ts'
import { type Cell, textTable } from '../src/report/table.ts'
import { formatBytes, formatSeconds } from '../src/report/units.ts'
import { hardware } from '../src/runtime/index.ts'
import { median } from '../src/stats/index.ts'
import { describeMachine, type Machine, machineText } from './machine.ts'
import { type BuildTimes, measureBuild, measureVerb } from './measure-build.ts'
import { builtCommand, miniLm, resultsFolder, say, withTemporaryFolder } from './places.ts'
import { rounded } from './race.ts'
import { writeSyntheticBert } from './synthetic-bert.ts'

/** One row; a bound that is absent is not asked for. */
interface Row extends Partial<BuildTimes> {
  readonly what: string
  readonly seconds: number
  readonly bound?: number
  readonly met?: boolean
  /** Bytes that the process may hold at most: baseline and twice the model in fp32. */
  readonly peakBound?: number
  readonly peakMet?: boolean
}

const { values: flags } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, output: { type: 'string' } },
})
const runs = flags.quick ? 2 : 5
// 22.7 M parameters as fp32; the folder holds them as fp16
const miniLmBytes = 90.9e6

const machine = await describeMachine(`npm run bench:build${flags.quick ? ' -- --quick' : ''}`)
const rows: Row[] = []
await withTemporaryFolder(async (folder) => {
  const plans = optimizePlans(hardware().int8.saturates ? 7 : 8)
  const int8 = plans.filter(({ file }) => file === 'onnx/model_cpu_quantized.onnx')
  const baseline = await measureBuild(undefined, runs)
  rows.push({ what: 'nothing (baseline)', ...baseline })
  const build = async (
    what: string,
    model: { path: string; bytes: number },
    variants: readonly VariantPlan[],
    bound?: number,
  ): Promise<void> => {
    say(`Measuring ${what} …`)
    const plan = { model: model.path, folder: join(folder, 'out'), variants }
    const times = await measureBuild(plan, runs)
    const peakBound = baseline.peak + 2 * model.bytes
    rows.push({
      what,
      ...times,
      ...(bound !== undefined && { bound, met: times.seconds <= bound }),
      peakBound,
      peakMet: times.peak <= peakBound,
    })
  }
  const mini = { path: miniLm, bytes: miniLmBytes }
  await build('MiniLM-L6, INT8 file', mini, int8, 1.5)
  await build('MiniLM-L6, the four files of optimize', mini, plans)
  const verb = await measureVerb(miniLm, join(folder, 'verb'), runs)
  if (verb) rows.push({ what: 'MiniLM-L6, the verb quantize', ...verb })
  say('Writing a model of the shape of BERT-base …')
  const path = join(folder, 'bert-base')
  const base = { path, bytes: writeSyntheticBert(path) }
  await build('BERT-base, INT8 file', base, int8, 6)
})
const help = measureHelp(flags.quick ? 5 : 20)
if (help) rows.push(help)
else say('Skipped limbeck --help: the command is not built (npm run build).')

report(machine, rows)

/** Median time until `limbeck --help` has ended. */
function measureHelp(times: number): Row | undefined {
  if (!existsSync(builtCommand)) return undefined
  const seconds = Array.from({ length: times }, () => {
    const start = performance.now()
    const { status } = spawnSync(process.execPath, [builtCommand, '--help'])
    if (status !== 0) throw new Error(`limbeck --help ended with ${status}`)
    return (performance.now() - start) / 1000
  })
  const middle = rounded(median(seconds))
  const slowest = rounded(Math.max(...seconds))
  return { what: 'limbeck --help', seconds: middle, slowest, bound: 0.15, met: middle < 0.15 }
}

function report(on: Machine, all: readonly Row[]): void {
  const verdict = (met: boolean | undefined): Cell =>
    met === undefined ? '' : { text: met ? 'met' : 'MISSED', tone: met ? 'good' : 'bad' }
  const orNothing = (value: number | undefined, format: (value: number) => string): string =>
    value === undefined ? '' : format(value)
  const right = (title: string) => ({ title, align: 'right' }) as const
  const { text } = textTable({
    columns: [
      { title: 'what' },
      ...['process', 'slowest', 'inside', 'bound', '', 'peak', 'allowed', ''].map(right),
    ],
    rows: all.map((row) => [
      row.what,
      formatSeconds(row.seconds),
      orNothing(row.slowest, formatSeconds),
      orNothing(row.inside, formatSeconds),
      orNothing(row.bound, formatSeconds),
      verdict(row.met),
      orNothing(row.peak, formatBytes),
      orNothing(row.peakBound, formatBytes),
      verdict(row.peakMet),
    ]),
  })
  console.log(`${machineText(on)}\n\n${text}\n`)
  const bounds = all
    .flatMap(({ met, peakMet }) => [met, peakMet])
    .filter((met) => met !== undefined)
  const missed = bounds.filter((met) => !met).length
  console.log(
    missed === 0
      ? `All ${bounds.length} bounds are met.`
      : `${missed} of ${bounds.length} bounds are MISSED.`,
  )
  const output = flags.output ?? (flags.quick ? undefined : join(resultsFolder, 'build.json'))
  if (output === undefined) return
  mkdirSync(dirname(output), { recursive: true })
  writeFileSync(output, `${JSON.stringify({ machine: on, rows: all }, null, 2)}\n`)
}
