/**
 * Whether `eval` keeps its engine busy and its memory flat: SST-2's training sentences through MiniLM-L6
 * INT8, against the engine alone on the same batches, prepared beforehand, in the same kind of process.
 *
 *     npm run bench:eval [-- --quick] [--output FILE]
 */
import { fork } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { loadTokenizer } from '../src/data/tokenizer.ts'
import { inFlight } from '../src/fit/in-flight.ts'
import { readMeasuredText } from '../src/fit/measured-text.ts'
import { rowReader } from '../src/fit/model-rows.ts'
import { predict } from '../src/fit/predict.ts'
import { buildInChild } from '../src/jobs/build-in-child.ts'
import { openModel } from '../src/jobs/load.ts'
import { writeCompanions } from '../src/jobs/model-files.ts'
import { optimizePlans } from '../src/jobs/variants.ts'
import { type Cell, textTable } from '../src/report/table.ts'
import { formatBytes, formatCount, formatNumber, formatSeconds } from '../src/report/units.ts'
import { type Engine, type Feeds, hardware, openProcess } from '../src/runtime/index.ts'
import type { EvaluateAnswer, EvaluateAsk } from './evaluate-child.ts'
import { describeMachine, type Machine, machineText } from './machine.ts'
import { resultsFolder, say, sentencesFile, sst2Model, withTemporaryFolder } from './places.ts'
import { rounded } from './race.ts'

const BATCH = 32
const MAX_LENGTH = 128
/** Least share of the engine's own throughput. */
const BOUND = 0.9
/** Most that memory may grow from the fewest rows to all of them. */
const GROWTH = 1.2

interface Round {
  /** The engine alone, from the first batch to the last. */
  readonly engineSeconds: number
  /** What ONNX Runtime took of it. */
  readonly runSeconds: number
  /** `eval`, from the first row to the metrics. */
  readonly evalSeconds: number
  /** Throughput of `eval` as a share of the engine's. */
  readonly ratio: number
}

interface MemoryRow {
  readonly rows: number
  readonly host: number
  readonly engine: number
}

interface Result {
  readonly rows: number
  readonly batches: number
  readonly batchSize: number
  readonly accuracy: number
  readonly rounds: readonly Round[]
  /** Of all rounds' seconds together. */
  readonly ratio: number
  readonly bound: number
  readonly met: boolean
  readonly memory: readonly MemoryRow[]
  readonly growth: number
  readonly growthBound: number
  readonly flat: boolean
}

const { values: flags } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, output: { type: 'string' } },
})
/** Rounds begin within this time, two are made in any case. */
const SECONDS = 200
const limit = flags.quick ? 4000 : undefined
const fewer = flags.quick ? [500, 1000] : [1000, 10_000]

const machine = await describeMachine(`npm run bench:eval${flags.quick ? ' -- --quick' : ''}`)
const result = await withTemporaryFolder(measure)
report(machine, result)

async function measure(folder: string): Promise<Result> {
  const model = join(folder, 'int8')
  say('Quantizing …')
  const plans = optimizePlans(hardware().int8.saturates ? 7 : 8)
  const variants = plans.filter(({ file }) => file === 'onnx/model_cpu_quantized.onnx')
  await buildInChild({ model: sst2Model, folder: model, variants })
  writeCompanions(openModel(sst2Model), model)
  const file = join(model, variants[0]!.file)
  say('Preparing the batches …')
  const batches = await batchesOf(file)
  const rows = batches.reduce((sum, { input_ids: ids }) => sum + ids!.shape[0]!, 0)
  const ask = (most: number | undefined): EvaluateAsk => ({
    model,
    variant: 'model_cpu_quantized',
    data: { file: sentencesFile, text: 'sentence', label: 'label', limit: most },
    batchSize: BATCH,
    maxLength: MAX_LENGTH,
    threads: 1,
  })
  const memory: MemoryRow[] = []
  for (const most of fewer) {
    say(`eval of ${formatCount(most)} rows …`)
    const { n, hostPeak, enginePeak } = await evaluateApart(ask(most))
    memory.push({ rows: n, host: hostPeak, engine: enginePeak })
  }
  const rounds: Round[] = []
  let accuracy = Number.NaN
  let peak = { host: 0, engine: 0 }
  const start = performance.now()
  while (rounds.length < 2 || (rounds.length < 4 && performance.now() - start < SECONDS * 1000)) {
    say(`Round ${rounds.length + 1}: ${formatCount(rows)} rows, the engine alone and eval …`)
    const alone = async () => runAll(file, batches)
    const whole = async () => evaluateApart(ask(limit))
    // who goes first changes: a machine that drifts shall favour neither
    const first = rounds.length % 2 === 0
    const before = first ? await alone() : undefined
    const answer = await whole()
    const engine = before ?? (await alone())
    if (answer.n !== rows) throw new Error(`internal: eval ran ${answer.n} rows of ${rows}`)
    accuracy = answer.accuracy
    peak = {
      host: Math.max(peak.host, answer.hostPeak),
      engine: Math.max(peak.engine, answer.enginePeak),
    }
    rounds.push({
      engineSeconds: rounded(engine.seconds),
      runSeconds: rounded(engine.runSeconds),
      evalSeconds: rounded(answer.seconds),
      ratio: rounded(engine.seconds / answer.seconds),
    })
  }
  memory.push({ rows, ...peak })
  const sum = (of: (round: Round) => number) => rounds.reduce((all, round) => all + of(round), 0)
  const ratio = rounded(sum((round) => round.engineSeconds) / sum((round) => round.evalSeconds))
  const [least, most] = [memory[0]!, memory.at(-1)!]
  const growth = rounded((most.host + most.engine) / (least.host + least.engine))
  return {
    ...{ rows, batches: batches.length, batchSize: BATCH, accuracy, rounds },
    ...{ ratio, bound: BOUND, met: ratio >= BOUND },
    ...{ memory, growth, growthBound: GROWTH, flat: growth <= GROWTH },
  }
}

/** The very batches that `eval` runs: what it asks of an engine that only takes notes. */
async function batchesOf(file: string): Promise<Feeds[]> {
  const model = openModel(sst2Model)
  const tokenizer = await loadTokenizer(sst2Model)
  const data = { file: sentencesFile, text: 'sentence', label: 'label', limit }
  const text = await readMeasuredText(data, model, tokenizer, MAX_LENGTH)
  const batches: Feeds[] = []
  const { inputs, outputs, release } = await openProcess(file, { threads: 1 }).then(
    async (engine) => {
      await engine.release()
      return engine
    },
  )
  const recorder: Engine = {
    inputs,
    outputs,
    release,
    run: async (feeds) => {
      batches.push(feeds)
      const shape = [feeds.input_ids!.shape[0]!, 2]
      return { logits: { dtype: 'float32', shape, data: new Float32Array(shape[0]! * 2) } }
    },
  }
  const reader = rowReader(model)
  await predict(recorder, text.encodings, { reader, batchSize: BATCH, padId: tokenizer.padId })
  return batches
}

/** Seconds of the engine alone; it never waits for a batch. */
async function runAll(
  file: string,
  batches: readonly Feeds[],
): Promise<{ seconds: number; runSeconds: number }> {
  const engine = await openProcess(file, { threads: 1, manyShapes: true })
  try {
    const start = performance.now()
    let inside = 0
    async function* all() {
      yield* batches
    }
    const run = (feeds: Feeds) => engine.runTimed(feeds, { outputs: ['logits'] })
    for await (const { ms } of inFlight(all(), run, 6)) inside += ms
    return { seconds: (performance.now() - start) / 1000, runSeconds: inside / 1000 }
  } finally {
    await engine.release()
  }
}

/** `eval` in a fresh process. */
function evaluateApart(ask: EvaluateAsk): Promise<EvaluateAnswer> {
  const child = fork(join(import.meta.dirname, 'evaluate-child.js'))
  return new Promise((resolve, reject) => {
    let answer: EvaluateAnswer | undefined
    child.once('message', (message: EvaluateAnswer) => {
      answer = message
    })
    child.once('error', reject)
    child.once('exit', (code) =>
      answer ? resolve(answer) : reject(new Error(`the evaluation ended with ${code}`)),
    )
    child.send(ask)
  })
}

function report(on: Machine, found: Result): void {
  const right = (title: string) => ({ title, align: 'right' }) as const
  const verdict = (met: boolean, words: readonly [string, string]): Cell => ({
    text: met ? words[0] : words[1],
    tone: met ? 'good' : 'bad',
  })
  const times = textTable({
    columns: [
      { title: `${formatCount(found.rows)} rows, 1 thread` },
      ...['engine alone', 'inside ONNX Runtime', 'eval', 'eval rows/s', 'ratio', 'bound', ''].map(
        right,
      ),
    ],
    rows: [
      ...found.rounds.map((round, i) => [
        `round ${i + 1}`,
        formatSeconds(round.engineSeconds),
        formatSeconds(round.runSeconds),
        formatSeconds(round.evalSeconds),
        formatCount(found.rows / round.evalSeconds),
        formatNumber(round.ratio),
        '',
        '',
      ]),
      [
        'together',
        ...['', '', '', ''],
        formatNumber(found.ratio),
        formatNumber(found.bound),
        verdict(found.met, ['met', 'MISSED']),
      ],
    ],
  })
  const memory = textTable({
    columns: [{ title: 'peak memory' }, ...['eval', 'its engine', 'together', ''].map(right)],
    rows: found.memory.map(({ rows, host, engine }, i) => [
      `${formatCount(rows)} rows`,
      formatBytes(host),
      formatBytes(engine),
      formatBytes(host + engine),
      i === found.memory.length - 1
        ? verdict(found.flat, [`flat (×${found.growth})`, `GROWS (×${found.growth})`])
        : '',
    ]),
  })
  console.log(`${machineText(on)}\n\n${times.text}\n\n${memory.text}\n`)
  console.log(
    `Accuracy ${formatNumber(found.accuracy, 4)} in ${found.batches} batches of at most ${found.batchSize}.`,
  )
  const output = flags.output ?? (flags.quick ? undefined : join(resultsFolder, 'evaluate.json'))
  if (output === undefined) return
  mkdirSync(dirname(output), { recursive: true })
  writeFileSync(output, `${JSON.stringify({ machine: on, ...found }, null, 2)}\n`)
}
