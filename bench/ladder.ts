/**
 * The speed ladder on SST-2: how many times faster than BERT-base in fp32 by PyTorch, at what accuracy.
 *
 *     LIMBECK_RIVAL_PYTHON=/path/to/python npm run bench:ladder [-- --train-only] [--only 2x256,1x256] [--threads N]
 *
 * Each rung is a command of `limbeck distill`; it resumes where it was stopped, and what is done stays done in
 * `.bench/ladder`. Then all rungs and the rival are timed in one interleaved run on one thread, all fed the
 * same 128 real tokens, and the file that is timed is the file that is judged.
 */
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { speedupByRound, type TimedCandidate, timeInterleaved } from '../src/bench/index.ts'
import { loadTokenizer } from '../src/data/tokenizer.ts'
import { evaluate } from '../src/jobs/evaluate.ts'
import { textTable } from '../src/report/table.ts'
import { formatNumber } from '../src/report/units.ts'
import type { Feeds } from '../src/runtime/engine.ts'
import { openProcess } from '../src/runtime/index.ts'
import { type Interval, median } from '../src/stats/index.ts'
import { type Rung, rungs } from './ladder-rungs.ts'
import { describeMachine, machineText } from './machine.ts'
import { resultsFolder, root, say, sst2Dev, sst2Model, typed } from './places.ts'
import { rounded } from './race.ts'
import { openSteps } from './step-process.ts'
import { trainInto } from './train-into.ts'

const { values: flags } = parseArgs({
  options: {
    only: { type: 'string' },
    threads: { type: 'string' },
    'train-only': { type: 'boolean' },
  },
})
const work = join(root, '.bench/ladder')
const TOKENS = 128
const only = flags.only?.split(',')
const wanted = rungs.filter(({ name }) => !only || only.includes(name))
const threads = flags.threads ? ['--threads', flags.threads] : []
for (const rung of wanted) {
  trainInto(trainedOf(rung), [...commandOf(rung), ...threads])
  if (rung.quantize) trainInto(folderOf(rung), roundingOf(rung))
}
if (!flags['train-only']) await race()

function trainedOf({ name }: Rung): string {
  return join(work, name)
}

/** Where the file lies that is timed and judged. */
function folderOf(rung: Rung): string {
  return rung.quantize ? `${trainedOf(rung)}-rounded` : trainedOf(rung)
}

function roundingOf(rung: Rung): string[] {
  return ['quantize', trainedOf(rung), ...rung.quantize!, '--target', 'cpu']
}

function commandOf({ recipe }: Rung): string[] {
  return ['distill', sst2Model, ...recipe, '--teacher-cache', join(work, 'teacher'), '--seed', '1']
}

interface Row {
  readonly rung: string
  readonly file: string
  readonly bytes: number
  readonly ms: number
  readonly ratio: number
  readonly interval: Interval
  readonly accuracy: { readonly value: number; readonly low: number; readonly high: number }
  /** The rival's in the same run. */
  readonly bertMs: number
  readonly date: string
  readonly asked: { readonly ratio: number; readonly accuracy: number } | undefined
  readonly commands: readonly string[]
}

async function race(): Promise<void> {
  const python = process.env.LIMBECK_RIVAL_PYTHON
  if (!python || !existsSync(python)) {
    say(
      'Set LIMBECK_RIVAL_PYTHON to a Python with torch and transformers: bench/README.md says how.',
    )
    process.exit(2)
  }
  const machine = await describeMachine('npm run bench:ladder')
  const ids = await realTokens()
  const rival = await openSteps(python, [join(root, 'bench/ladder-rival.py'), JSON.stringify(ids)])
  const files = wanted.map((rung) => join(folderOf(rung), 'onnx', `${rung.file}.onnx`))
  const engines = await Promise.all(files.map((path) => openProcess(path, { threads: 1 })))
  const candidates: TimedCandidate[] = [
    { name: 'BERT-base', run: () => rival.run(2) },
    ...engines.map((engine, i) => ({
      name: wanted[i]!.name,
      run: () =>
        engine.time(
          feedsOf(
            ids,
            engine.inputs.map(({ name }) => name),
          ),
          30,
        ),
    })),
  ]
  const [bert, ...own] = await timeInterleaved(candidates, {
    ...{ warmup: 2, minRounds: 15, maxRounds: 60, maxSeconds: 60 },
  })
  await rival.end()
  for (const engine of engines) await engine.release()
  const bertMs = rounded(median(bert!.rounds.flat()))
  const { date } = machine
  const rows: Row[] = []
  for (const [i, rung] of wanted.entries()) {
    const { speedup, interval } = speedupByRound(bert!.rounds, own[i]!.rounds)
    const data = { file: sst2Dev, text: 'sentence', label: 'label' }
    const { metrics } = await evaluate({ model: files[i]!, data })
    const { value, interval: range } = metrics.find(({ name }) => name === 'accuracy')!
    rows.push({
      ...{ rung: rung.name, file: `onnx/${rung.file}.onnx`, bytes: statSync(files[i]!).size },
      ...{ ms: rounded(median(own[i]!.rounds.flat())), ratio: rounded(speedup), interval },
      accuracy: { value, low: range.low, high: range.high },
      ...{
        ...{ bertMs, date, asked: rung.asked },
        commands: [
          [...commandOf(rung), '-o', trainedOf(rung)],
          ...(rung.quantize ? [[...roundingOf(rung), '-o', folderOf(rung)]] : []),
        ].map((args) => `limbeck ${typed(args)}`),
      },
    })
  }
  process.stdout.write(
    `${machineText(machine)}\nBERT-base, PyTorch fp32, 1x128, 1 thread: ${bertMs} ms\n\n${tableOf(rows)}\n`,
  )
  // rows of rungs that did not run now stay
  const file = join(resultsFolder, 'ladder.json')
  const before: Row[] = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).rows : []
  const kept = before.filter(({ rung }) => !rows.some((row) => row.rung === rung))
  writeFileSync(file, `${JSON.stringify({ machine, rows: [...rows, ...kept] }, null, 2)}\n`)
}

/** The first judged sentences, one after the other, as many words as 128 tokens hold. */
async function realTokens(): Promise<number[]> {
  const tokenizer = await loadTokenizer(sst2Model, 30_522)
  const sentences = readFileSync(sst2Dev, 'utf8').split('\n').slice(1, 40)
  const text = sentences.map((line) => line.split('\t')[0]).join(' ')
  const { ids } = tokenizer.encode(text)
  return [...ids.slice(0, TOKENS - 1), ids.at(-1)!]
}

function feedsOf(ids: readonly number[], names: readonly string[]): Feeds {
  const rows: Readonly<Record<string, readonly number[]>> = {
    input_ids: ids,
    attention_mask: ids.map(() => 1),
    token_type_ids: ids.map(() => 0),
  }
  return Object.fromEntries(
    names.map((name) => {
      const data = BigInt64Array.from(rows[name]!, BigInt)
      return [name, { dtype: 'int64', shape: [1, ids.length], data }] as const
    }),
  )
}

function tableOf(rows: readonly Row[]): string {
  const right = (title: string) => ({ title, align: 'right' }) as const
  const percent = (value: number) => `${(100 * value).toFixed(1)} %`
  return textTable({
    columns: [
      ...[{ title: 'student' }, { title: 'file' }],
      ...['size', 'ms', 'times BERT-base [95 %]', 'accuracy (95 %)', 'asked'].map(right),
      { title: '' },
    ],
    rows: rows.map(({ rung, file, bytes, ms, ratio, interval, accuracy, asked }) => {
      const met = asked && ratio >= asked.ratio && accuracy.value >= asked.accuracy
      return [
        ...[rung, file, `${(bytes / 1e6).toFixed(1)} MB`, formatNumber(ms)],
        `${ratio.toFixed(1)}× [${interval.low.toFixed(1)}, ${interval.high.toFixed(1)}]`,
        `${percent(accuracy.value)} (${percent(accuracy.low)} to ${percent(accuracy.high)})`,
        asked ? `${asked.ratio}× at ${percent(asked.accuracy)}` : '',
        asked ? { text: met ? 'met' : 'MISSED', tone: met ? 'good' : 'bad' } : '',
      ]
    }),
  }).text
}
