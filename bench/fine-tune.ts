/**
 * Real fine-tuning, a command a task; each resumes where it was stopped, and what is done stays done.
 *
 *     npm run bench:fine-tune -- sst2 [mrpc stsb wnut17 trec] [--seed N] [--threads N] [--train-only]
 *
 * `--train-only` leaves judging and latencies, which want an idle machine, to a later call.
 *
 * Prints the table of all tasks done so far: metric, sizes and latencies of fp32 and INT8, and what training
 * took. Models lie in `.bench/fine-tune`.
 */
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { benchModels, parseShapes } from '../src/bench/index.ts'
import { evaluate } from '../src/jobs/evaluate.ts'
import { fineTuneTasks } from './fine-tune-tasks.ts'
import { describeMachine, machineText } from './machine.ts'
import { miniLm, resultsFolder, root, say, typed } from './places.ts'
import { reportOf, trainInto } from './train-into.ts'

const { values: flags, positionals } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    threads: { type: 'string' },
    'train-only': { type: 'boolean' },
  },
  allowPositionals: true,
})
const known = Object.keys(fineTuneTasks)
const asked = positionals.length > 0 ? positionals : known
const strange = asked.find((name) => !known.includes(name))
if (strange !== undefined) {
  say(`${strange} is no task; tasks are ${known.join(', ')}.`)
  process.exit(2)
}

interface Row {
  readonly task: string
  readonly command: string
  readonly fp32: Variant
  readonly int8: Variant
  readonly minutes: number
  readonly steps: number
  readonly teraFlops: number
  readonly tokensPerSecond: number
  readonly peakBytes: number
}

interface Variant {
  readonly metrics: readonly {
    readonly name: string
    readonly value: number
    readonly low: number
    readonly high: number
  }[]
  readonly bytes: number
  /** p50 at 1x128 by thread count, milliseconds. */
  readonly ms: Readonly<Record<number, number>>
}

const work = join(root, '.bench/fine-tune')
const record = join(resultsFolder, 'fine-tune.json')
const rows: Record<string, Row> = existsSync(record)
  ? JSON.parse(readFileSync(record, 'utf8')).rows
  : {}
const machine = await describeMachine('npm run bench:fine-tune')
for (const name of asked) {
  const row = await fineTune(name)
  if (row === undefined) continue
  rows[name] = row
  // each row as its run ends
  mkdirSync(resultsFolder, { recursive: true })
  writeFileSync(record, `${JSON.stringify({ machine, rows }, null, 2)}\n`)
}
process.stdout.write(`${machineText(machine)}\n\n${tableOf(Object.values(rows))}\n`)

async function fineTune(name: string): Promise<Row | undefined> {
  const { title, files, recipe, task, testColumns } = fineTuneTasks[name]!
  const { train, dev, test } = files(join(work, 'data'))
  const out = join(work, `${name}-${flags.seed}`)
  const args = [
    ...['train', miniLm, '--data', train, '--dev', dev, '--seed', flags.seed, ...recipe],
    ...(flags.threads === undefined ? [] : ['--threads', flags.threads]),
  ]
  trainInto(out, args)
  if (flags['train-only']) return undefined
  const training = reportOf(out).training!
  say(`${title}: judging …`)
  const paths = { fp32: 'model_cpu', int8: 'model_cpu_quantized' }
  const latency = await benchModels(
    Object.entries(paths).map(([key, file]) => ({
      name: key,
      path: join(out, 'onnx', `${file}.onnx`),
    })),
    { shapes: parseShapes('1x128'), threads: [1, 4], maxSeconds: 10, seed: 1 },
  )
  const variant = async (key: keyof typeof paths): Promise<Variant> => {
    const file = join(out, 'onnx', `${paths[key]}.onnx`)
    const data = { file: test, ...testColumns, ...(task && { task }) }
    const { metrics } = await evaluate({ model: file, data })
    const p50 = (threads: number) =>
      latency.find((row) => row.threads === threads)!.entries.find((entry) => entry.name === key)!
        .p50
    return {
      metrics: metrics.map(({ name, value, interval: { low, high } }) => ({
        name,
        value,
        low,
        high,
      })),
      bytes: statSync(file).size,
      ms: { 1: p50(1), 4: p50(4) },
    }
  }
  return {
    task: title,
    command: `limbeck ${typed([...args, '-o', out])}`,
    fp32: await variant('fp32'),
    int8: await variant('int8'),
    minutes: training.seconds / 60,
    steps: training.steps,
    teraFlops: training.flops / 1e12,
    tokensPerSecond: training.tokens / training.seconds,
    peakBytes: training.peakBytes,
  }
}

function tableOf(done: readonly Row[]): string {
  const number = (value: number, digits = 1) => value.toFixed(digits)
  const metric = ({ metrics }: Variant) =>
    metrics
      .slice(0, 3)
      .map(
        ({ name, value, low, high }) =>
          `${name} ${number(value, 4)} (${number(low, 3)} to ${number(high, 3)})`,
      )
      .join('; ')
  const lines = done.flatMap((row) =>
    (['fp32', 'int8'] as const).map((key) => {
      const { bytes, ms } = row[key]
      const cells = [
        ...[row.task, key, metric(row[key]), `${number(bytes / 1e6)} MB`],
        ...[`${number(ms[1]!, 2)} ms`, `${number(ms[4]!, 2)} ms`],
        key === 'fp32'
          ? `${number(row.minutes)} min, ${row.steps} steps, ${number(row.teraFlops)} TFLOP, ${number(row.tokensPerSecond, 0)} tokens/s, ${number(row.peakBytes / 1e9, 2)} GB`
          : '',
      ]
      return `| ${cells.join(' | ')} |`
    }),
  )
  return [
    '| task | variant | metrics (95 %) | size | 1 thread | 4 threads | training |',
    '| --- | --- | --- | ---: | ---: | ---: | --- |',
    ...lines,
  ].join('\n')
}
