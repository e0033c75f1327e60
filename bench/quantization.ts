/**
 * Every scheme of `quantize` on two real models: what it saves, what it costs in accuracy, and how long it takes.
 * Writes the record and the table of docs/quantization.md.
 *
 *     npm run bench:quantization [-- --quick] [--output FILE]
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { type BenchRow, benchModels, formatShape } from '../src/bench/index.ts'
import { padBatch } from '../src/data/pad-batch.ts'
import { randomEncodings } from '../src/data/random-tokens.ts'
import { LimbeckError } from '../src/errors.ts'
import { nodeFiles } from '../src/hub/node-files.ts'
import { evaluate } from '../src/jobs/evaluate.ts'
import { exportModel, type QuantizeOptions, quantize } from '../src/jobs/export-model.ts'
import { load } from '../src/jobs/load.ts'
import { readOnnx } from '../src/onnx/index.ts'
import { openProcess } from '../src/runtime/index.ts'
import { describeMachine, machineText } from './machine.ts'
import {
  miniLm,
  resultsFolder,
  root,
  say,
  sst2Dev,
  sst2Model,
  stsbTest,
  withTemporaryFolder,
} from './places.ts'
import { type QuantizationRow, quantizationTable } from './quantization-table.ts'
import { rounded } from './race.ts'

const { values: flags } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, output: { type: 'string' } },
})
const { quick } = flags

interface Task {
  readonly title: string
  readonly model: string
  readonly data: Parameters<typeof evaluate>[0]['data']
}

const limit = quick ? 64 : undefined
const columns = { text: '6', textPair: '7', label: '5', header: false }
const tasks: readonly Task[] = [
  {
    title: 'SST-2',
    model: sst2Model,
    data: { file: sst2Dev, text: 'sentence', label: 'label', limit },
  },
  { title: 'STS-B', model: miniLm, data: { file: stsbTest, ...columns, limit } },
]

type Scheme = Omit<QuantizeOptions, 'model' | 'output' | 'targets' | 'data'> | undefined

const samples = quick ? 16 : 128
const schemes: readonly (readonly [string, Scheme])[] = [
  ['fp32', undefined],
  ['dynamic-int8', { scheme: 'dynamic-int8' }],
  ['dynamic-int8 --per-token', { scheme: 'dynamic-int8', perToken: true }],
  ['dynamic-int8 --smooth', { scheme: 'dynamic-int8', smooth: true, samples }],
  ['static-int8', { scheme: 'static-int8', samples }],
  ['static-int8 --form qdq', { scheme: 'static-int8', form: 'qdq', samples }],
  ['static-int8 --form qoperator', { scheme: 'static-int8', form: 'qoperator', samples }],
  ['static-int8 --smooth', { scheme: 'static-int8', smooth: true, samples }],
  ['int8-weights', { scheme: 'int8-weights' }],
  ['int4', { scheme: 'int4' }],
  ['int4 --method gptq', { scheme: 'int4', method: 'gptq', samples }],
  ['int4 --method awq', { scheme: 'int4', method: 'awq', samples }],
  ['int4 --method awq-gptq', { scheme: 'int4', method: 'awq-gptq', samples }],
  ['q4f16', { scheme: 'q4f16' }],
  ['fp16', { scheme: 'fp16' }],
  ['fp16 --storage', { scheme: 'fp16', storage: true }],
  ['bf16', { scheme: 'bf16' }],
]

const machine = await describeMachine(`npm run bench:quantization${quick ? ' -- --quick' : ''}`)
const rows = await withTemporaryFolder(measure)
const table = quantizationTable(rows)
process.stdout.write(`${machineText(machine)}\n\n${table}\n`)
const output = flags.output ?? (quick ? undefined : join(resultsFolder, 'quantization.json'))
if (output !== undefined) {
  mkdirSync(dirname(output), { recursive: true })
  writeFileSync(output, `${JSON.stringify({ machine, rows }, null, 2)}\n`)
}
if (!quick && flags.output === undefined) fillPage(table)

async function measure(folder: string): Promise<QuantizationRow[]> {
  const rows: QuantizationRow[] = []
  for (const task of tasks) {
    const files: { name: string; path: string }[] = []
    const own: Omit<QuantizationRow, 'latency'>[] = []
    for (const [name, scheme] of schemes) {
      say(`${task.title}: ${name} …`)
      const out = join(folder, `${task.title}-${own.length}`)
      const both = { model: task.model, output: out }
      const data = scheme?.samples ? { data: calibrationOf(task) } : {}
      const written = await (scheme
        ? quantize({ ...both, ...scheme, ...data })
        : exportModel(both)
      ).catch(refused)
      if (!written) continue
      const [portable, cpu] = written.variants
      const path = join(out, cpu!.file)
      const { metrics } = await evaluate({ model: path, data: task.data, threads: 2 })
      const { name: metric, value, interval } = metrics[0]!
      const verified = written.verified.find((one) => one.name === cpu!.name)!
      const portability = verified.kernels?.portability
      files.push({ name, path })
      own.push({
        ...{ task: task.title, scheme: name, bytes: cpu!.bytes },
        ...{ metric, value, interval },
        cosine: verified.cosine,
        batchDifference: await batchDifference(task.model, path),
        runsIn: portabilityOf(join(out, portable!.file)),
        saturating: portability?.saturating.length ?? 0,
        products: portability?.products ?? 0,
        seconds: rounded(written.seconds),
        peakBytes: written.peakBytes,
      })
    }
    say(`${task.title}: latency …`)
    const latency = await latencyOf(files)
    rows.push(...own.map((row) => ({ ...row, latency: latency.get(row.scheme)! })))
  }
  return rows
}

/** A file that is not its source is no row: Limbeck refuses it, and the others go on. */
function refused(error: unknown): undefined {
  if (!(error instanceof LimbeckError) || error.code !== 'verify') throw error
  say(`refused: ${error.message}`)
}

/** Texts of the training split, never those that are judged. */
function calibrationOf({ data }: Task): Task['data'] {
  const { limit: _, ...columns } = data
  return {
    ...columns,
    file: data.file.replace('dev.tsv', 'train.tsv').replace('sts-test', 'sts-train'),
  }
}

async function latencyOf(
  files: readonly { name: string; path: string }[],
): Promise<Map<string, QuantizationRow['latency']>> {
  const maxSeconds = quick ? 1 : 14
  const one = await benchModels(files, { shapes: '1x16,1x128,8x128', threads: [1], maxSeconds })
  const two = await benchModels(files, { shapes: '1x128', threads: [2], maxSeconds })
  const found = new Map<string, QuantizationRow['latency']>(files.map(({ name }) => [name, []]))
  for (const { shape, threads, entries } of [...one, ...two] satisfies BenchRow[]) {
    for (const { name, p50 } of entries) {
      const row = { shape: formatShape(shape), threads, ms: rounded(p50) }
      found.set(name, [...found.get(name)!, row])
    }
  }
  return found
}

/** Largest difference of a text's outputs alone and among seven others of its length. */
async function batchDifference(model: string, path: string): Promise<number> {
  const { dims, graph } = load(model)
  const inputs = graph.inputs.map(({ name }) => name)
  const texts = randomEncodings({
    count: 8,
    length: [32, 32],
    vocabularySize: dims.vocab,
    seed: 3,
  })
  const engine = await openProcess(path, { threads: 1 })
  try {
    const together = await engine.run(padBatch(texts, { inputs }))
    let most = 0
    for (const [i, text] of texts.entries()) {
      const alone = await engine.run(padBatch([text], { inputs }))
      for (const [name, { data }] of Object.entries(alone)) {
        const all = together[name]!.data
        for (let k = 0; k < data.length; k++) {
          most = Math.max(most, Math.abs(Number(data[k]) - Number(all[i * data.length + k])))
        }
      }
    }
    return most
  } finally {
    await engine.release()
  }
}

/** Where the portable file runs, from the domains of its operators. */
function portabilityOf(path: string): string {
  const { nodes } = readOnnx(path, nodeFiles)
  const foreign = new Set(nodes.flatMap(({ domain, op }) => (domain === '' ? [] : [op])))
  return foreign.size === 0 ? 'any runtime' : `ONNX Runtime (${[...foreign].join(', ')})`
}

/** Writes the table between the marks of the page. */
function fillPage(table: string): void {
  const page = join(root, 'docs/quantization.md')
  const text = readFileSync(page, 'utf8')
  const body = `<!-- figures -->\n\n${table}\n\n${machineText(machine)}\n\n<!-- /figures -->`
  writeFileSync(
    page,
    text.replace(/<!-- figures -->[\s\S]*?<!-- \/figures -->/, () => body),
  )
}
