/**
 * Every family at 6 layers x 384 with random weights, one thread: Limbeck's files for this CPU against its
 * own portable fp32 file under ONNX Runtime's default options, in one table. No fp32 may be slower, and
 * INT8 must be twice as fast wherever linear layers hold four fifths of the work.
 *
 *     npm run bench:families [-- --quick] [--only bert,mpnet] [--output FILE]
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import type { BenchCandidate } from '../src/bench/index.ts'
import { describeError } from '../src/errors.ts'
import type { Graph } from '../src/graph/graph.ts'
import { writeVariant } from '../src/jobs/build-variants.ts'
import { optimizePlans } from '../src/jobs/variants.ts'
import { graphCost } from '../src/ops/index.ts'
import { linearWeight } from '../src/passes/linear-layer.ts'
import { type Cell, textTable } from '../src/report/table.ts'
import { formatNumber, formatRatio } from '../src/report/units.ts'
import { hardware } from '../src/runtime/index.ts'
import { familyConfigs } from './family-configs.ts'
import { describeMachine, machineText } from './machine.ts'
import { feeds, ortDefaults } from './model-files.ts'
import { resultsFolder, say, withTemporaryFolder } from './places.ts'
import { type Claim, claimsOf, type Entrant, entrantsOf, rounded, verdict } from './race.ts'
import { agreement, type RaceLength, raceModels } from './race-models.ts'
import { randomModel } from './random-model.ts'

const shapes = ['1x16', '1x128'] as const
const portable = 'portable fp32, default options'
const bounds = { fp32: 1, int8: 2, linearShare: 0.8 }

/** One family at one shape. */
interface Row {
  readonly family: string
  readonly shape: string
  /** Of the multiply-accumulates of the logical graph, between 0 and 1. */
  readonly linearShare: number
  readonly fp32: Claim
  readonly int8: Claim
  readonly entrants: readonly Entrant[]
  /** Cosine of the hidden states with the portable file's. */
  readonly cosines: Readonly<Record<string, number>>
}

const { values: flags } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string' },
    output: { type: 'string' },
  },
})
const wanted = flags.only?.split(',') ?? Object.keys(familyConfigs)
const unknown = wanted.find((name) => !Object.hasOwn(familyConfigs, name))
if (unknown !== undefined) {
  say(`--only ${unknown} is not known; known are ${Object.keys(familyConfigs).join(', ')}.`)
  process.exit(2)
}

const shown = [...(flags.quick ? ['--quick'] : []), ...(flags.only ? ['--only', flags.only] : [])]
const machine = await describeMachine(
  ['npm run bench:families', ...(shown.length > 0 ? ['--', ...shown] : [])].join(' '),
)
const length: RaceLength = flags.quick
  ? { minRounds: 5, maxSeconds: 1.5 }
  : { minRounds: 20, maxSeconds: 14 }
const rows: Row[] = []
const failed: string[] = []
for (const family of wanted) {
  say(`Measuring ${family} …`)
  try {
    await withTemporaryFolder((folder) => measure(family, folder))
  } catch (error) {
    // what the other families took minutes to show is still told
    failed.push(`${family}: ${describeError(error)}`)
  }
}
report()

/** Writes the files of a family and races them at every shape. */
async function measure(family: string, folder: string): Promise<void> {
  const graph = randomModel(familyConfigs[family]!)
  const candidates = write(graph, folder)
  for (const shape of shapes) {
    const cosines = await agreement(candidates, shape)
    const race = await raceModels(candidates, { shape, threads: 1 }, length)
    const linearShare = rounded(shareOfLinear(graph, Number(shape.split('x')[1])))
    const [fp32, int8] = claimsOf({ ...race, title: family }, [
      { ours: 'fp32', rival: portable, bound: bounds.fp32 },
      {
        ours: 'INT8',
        rival: portable,
        ...(linearShare >= bounds.linearShare && { bound: bounds.int8 }),
      },
    ])
    const entrants = entrantsOf({ ...race, title: `${family}, ${shape}` })
    rows.push({ family, shape, linearShare, fp32: fp32!, int8: int8!, entrants, cosines })
  }
}

function write(graph: Graph, folder: string): BenchCandidate[] {
  const plans = optimizePlans(hardware().int8.saturates ? 7 : 8)
  const candidate = (name: string, file: string, isRival = false): BenchCandidate => {
    writeVariant(graph, plans.find((plan) => plan.file === file)!, folder)
    return { name, path: join(folder, file), feeds, ...(isRival && { options: ortDefaults }) }
  }
  return [
    candidate(portable, 'onnx/model.onnx', true),
    candidate('fp32', 'onnx/model_cpu.onnx'),
    candidate('INT8', 'onnx/model_cpu_quantized.onnx'),
  ]
}

/** Share of linear layers in the multiply-accumulates of one text of this many tokens. */
function shareOfLinear(graph: Graph, tokens: number): number {
  const { nodes, total } = graphCost(graph, { batch_size: 1, sequence_length: tokens })
  const producers = new Map(graph.nodes.flatMap((node) => node.outputs.map((out) => [out, node])))
  const context = {
    producer: producers.get.bind(producers),
    weight: graph.weights.get.bind(graph.weights),
  }
  let linear = 0
  for (const [node, { macs }] of nodes) if (linearWeight(node, context)) linear += macs
  return linear / total.macs
}

function report(): void {
  const right = (title: string) => ({ title, align: 'right' }) as const
  const cells = (claim: Claim, cosine: number): Cell[] => [
    formatNumber(claim.ms),
    `${formatRatio(claim.ratio)} [${formatNumber(claim.interval.low)}, ${formatNumber(claim.interval.high)}]`,
    verdict(claim),
    cosine.toFixed(4),
  ]
  const { text } = textTable({
    columns: [
      { title: 'family' },
      ...['at', 'linear', 'portable ms', 'fp32 ms', 'ratio [95 %]', '≥ 1×', 'cosine'].map(right),
      ...['INT8 ms', 'ratio [95 %]', '≥ 2×', 'cosine'].map(right),
    ],
    rows: rows.map(({ family, shape, linearShare, fp32, int8, cosines }) => [
      family,
      shape,
      `${(100 * linearShare).toFixed(0)} %`,
      formatNumber(fp32.rivalMs),
      ...cells(fp32, cosines.fp32!),
      ...cells(int8, cosines.INT8!),
    ]),
  })
  console.log(`${machineText(machine)}\n\n${text}\n`)
  const claims = rows.flatMap(({ fp32, int8 }) => [fp32, int8])
  const bounded = claims.filter(({ met }) => met !== undefined)
  const missed = bounded.filter(({ met }) => !met)
  console.log(
    missed.length === 0
      ? `All ${bounded.length} bounds are met.`
      : `${missed.length} of ${bounded.length} bounds are MISSED: ${missed.map(({ race, ours, shape }) => `${race} ${ours} ${shape}`).join(', ')}.`,
  )
  for (const line of failed) say(`Not measured: ${line}`)
  // a quick or partial run is no result
  const whole = !flags.quick && flags.only === undefined && failed.length === 0
  const output = flags.output ?? (whole ? join(resultsFolder, 'families.json') : undefined)
  if (output !== undefined) {
    mkdirSync(dirname(output), { recursive: true })
    writeFileSync(output, `${JSON.stringify({ machine, bounds, rows }, null, 2)}\n`)
  }
  process.exitCode = failed.length === 0 ? 0 : 1
}
