/**
 * Whether `inspect` predicts what `optimize` gains: both on the same models at one shape, prediction over
 * measurement for the lowering and for INT8.
 *
 *     npm run bench:inspect [-- --quick] [--shape 1x128] [--output FILE]
 */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import type { InspectResult } from '../src/jobs/inspect-result.ts'
import type { OptimizeResult } from '../src/jobs/optimize.ts'
import { type Cell, textTable } from '../src/report/table.ts'
import { formatMs, formatNumber } from '../src/report/units.ts'
import { describeMachine, type Machine, machineText } from './machine.ts'
import { builtCommand, miniLm, resultsFolder, say, withTemporaryFolder } from './places.ts'

/** What the built command answers, as users run it. */
function limbeck(...args: readonly string[]): unknown {
  const text = execFileSync(process.execPath, [builtCommand, ...args, '--json'], {
    encoding: 'utf8',
    maxBuffer: 1e8,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  return JSON.parse(text)
}

/** One change on one model; milliseconds a run. */
interface Row {
  readonly model: string
  readonly change: string
  /** What `inspect` predicted before it tried. */
  readonly predicted: number
  /** What it measured when it tried. */
  readonly tried: number
  /** What `optimize` then gained. */
  readonly gained: number
  readonly predictedOverGained: number
}

const { values: flags } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    shape: { type: 'string', default: '1x128' },
    output: { type: 'string' },
  },
})
if (!existsSync(builtCommand)) throw new Error('dist is missing: run npm run build first.')
const { shape } = flags
const seconds = flags.quick ? 2 : 20
const command = `npm run bench:inspect -- ${flags.quick ? '--quick ' : ''}--shape ${shape}`
const machine = await describeMachine(command)
const models = [miniLm, join(dirname(miniLm), 'minilm-l6-sst2')]
const rows: Row[] = []

await withTemporaryFolder(async (folder) => {
  for (const [i, model] of models.entries()) {
    const name = model.slice(dirname(model).length + 1)
    say(`Inspecting ${name} …`)
    const { advice } = limbeck('inspect', model, '--shape', shape) as InspectResult
    say(`Optimizing ${name} …`)
    const times = ['--shapes', shape, '--seconds', String(seconds)]
    const output = ['--output', join(folder, String(i))]
    const { report } = limbeck('optimize', model, ...times, ...output) as OptimizeResult
    const time = (variant: string): number =>
      report.variants.find((one) => one.name === variant)!.latency[0]!.p50
    const add = (change: string, start: string, before: string, after: string): void => {
      const found = advice.find(({ what }) => what.startsWith(start))
      if (!found) throw new Error(`inspect says nothing of ${change}.`)
      const gained = time(before) - time(after)
      const { predictedMs: predicted, measuredMs: tried = Number.NaN } = found
      rows.push({
        ...{ model: name, change, predicted, tried, gained },
        predictedOverGained: predicted / gained,
      })
    }
    add('lowering', 'lowering', 'fp32 as exported', 'fp32 optimized')
    add('INT8', 'INT8', 'fp32 optimized', 'INT8')
  }
})

console.log(tableText(rows))
console.log(machineText(machine))
const file = flags.output ?? (flags.quick ? undefined : join(resultsFolder, 'inspect.json'))
if (file) write(file, machine)

function tableText(all: readonly Row[]): string {
  const right = { align: 'right' } as const
  return textTable({
    columns: [
      ...[{ title: 'model' }, { title: 'change' }],
      ...['predicted', 'tried', 'optimize gained', 'predicted / gained'].map((title) => ({
        title,
        ...right,
      })),
    ],
    rows: all.map((row): Cell[] => [
      row.model,
      row.change,
      ...[row.predicted, row.tried, row.gained].map(formatMs),
      formatNumber(row.predictedOverGained),
    ]),
  }).text
}

function write(path: string, on: Machine): void {
  mkdirSync(dirname(path), { recursive: true })
  const rounded = (_: string, value: unknown) =>
    typeof value === 'number' ? Number(value.toPrecision(4)) : value
  writeFileSync(path, `${JSON.stringify({ machine: on, shape, rows }, rounded, 2)}\n`)
  say(`Written to ${path}`)
}
