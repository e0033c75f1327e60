/**
 * A training step of MiniLM-L6's shape against PyTorch: the same model, batch, loss, AdamW, clipping and
 * dropout, each side in a process of its own, in turns of a few steps.
 *
 *     LIMBECK_RIVAL_PYTHON=/path/to/python npm run bench:training [-- --quick] [-- --only 32x64]
 *
 * Prints milliseconds, ratios, tokens per second and peak memory at 32x64 on one and two threads, how they
 * grow from 2 to 12 layers and from 16 to 256 tokens, and the rate of the step's matrix products.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { timeInterleaved } from '../src/bench/index.ts'
import { textTable } from '../src/report/table.ts'
import { formatNumber, formatRatio } from '../src/report/units.ts'
import { describeMachine, machineText } from './machine.ts'
import { resultsFolder, root, say } from './places.ts'
import { type Claim, claimsOf, rounded, verdict } from './race.ts'
import { openSteps } from './step-process.ts'
import { type GemmRate, gemmRate } from './training-gemm.ts'
import { CLIP, configOf, LEARNING_RATE, type TrainingShape } from './training-shape.ts'

const { values: flags } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string' },
    output: { type: 'string' },
  },
})
const python = process.env.LIMBECK_RIVAL_PYTHON
if (!python || !existsSync(python)) {
  say('Set LIMBECK_RIVAL_PYTHON to a Python with torch and transformers: bench/README.md says how.')
  process.exit(2)
}

/** A step may take this share of PyTorch's time. */
const BOUND = 1 / 0.75
/** The step's products at this share of the machine's own rate. */
const GEMM_BOUND = 0.5
const [OURS, RIVAL] = ['Limbeck', 'PyTorch'] as const

interface Row {
  readonly shape: TrainingShape
  readonly claim: Claim
  readonly tokensPerSecond: readonly [number, number]
  readonly peakBytes: readonly [number, number]
}

const shape = (layers: number, tokens: number, threads: number): TrainingShape => ({
  ...{ layers, rows: 32, tokens, threads },
})
/** Of the main rows. */
const THREADS = 2
const main = shape(6, 64, THREADS)
const shapes = [
  main,
  shape(6, 64, 1),
  ...[2, 4, 12].map((layers) => shape(layers, 64, THREADS)),
  ...[16, 32, 128, 256].map((tokens) => shape(6, tokens, THREADS)),
]
const title = ({ layers, rows, tokens, threads }: TrainingShape): string =>
  `${rows}x${tokens}, ${layers} layers, ${threads} thread${threads === 1 ? '' : 's'}`
const wanted = flags.only ? shapes.filter((one) => title(one).includes(flags.only!)) : shapes
const machine = await describeMachine('npm run bench:training')
const peer = versionsOf(python)
const rows: Row[] = []
for (const one of wanted) {
  say(`${title(one)} …`)
  rows.push(await race(one))
}
const rates: Record<string, GemmRate> = {}
for (const one of [shape(6, 64, 1), main]) rates[title(one)] = await gemmRate(one)
report()

async function race(one: TrainingShape): Promise<Row> {
  const bare = JSON.stringify(one)
  const own = await openSteps(process.execPath, [
    join(root, '.bench/bench/training-child.js'),
    bare,
  ])
  const rival = await openSteps(python!, [
    join(root, 'bench/training-rival.py'),
    ...[bare, JSON.stringify(configOf(one)), String(LEARNING_RATE), String(CLIP)],
  ])
  try {
    const turns = flags.quick ? 2 : 3
    const timings = await timeInterleaved(
      [
        { name: OURS, run: () => own.run(turns) },
        { name: RIVAL, run: () => rival.run(turns) },
      ],
      {
        warmup: 1,
        minRounds: flags.quick ? 2 : 6,
        maxRounds: 40,
        maxSeconds: flags.quick ? 4 : 40,
      },
    )
    const isMain = one === main
    const [claim] = claimsOf(
      { title: title(one), shape: `${one.rows}x${one.tokens}`, threads: one.threads, timings },
      [{ ours: OURS, rival: RIVAL, ...(isMain && { bound: BOUND }) }],
    )
    const tokens = one.rows * one.tokens
    return {
      shape: one,
      claim: claim!,
      tokensPerSecond: [(tokens / claim!.ms) * 1000, (tokens / claim!.rivalMs) * 1000],
      peakBytes: [own.peak, rival.peak],
    }
  } finally {
    await Promise.all([own.end(), rival.end()])
  }
}

function versionsOf(command: string): Record<string, string> {
  const ask =
    'import json, torch, transformers; print(json.dumps({"torch": torch.__version__, "transformers": transformers.__version__}))'
  return JSON.parse(execFileSync(command, ['-c', ask], { encoding: 'utf8' }))
}

function report(): void {
  const right = (text: string) => ({ title: text, align: 'right' }) as const
  const { text } = textTable({
    columns: [
      { title: 'step' },
      ...[`${OURS} ms`, `${RIVAL} ms`, 'share of its time [95 %]'].map(right),
      { title: '≤ 0.75' },
      ...['tokens/s', `${RIVAL} tokens/s`, 'peak MB', `${RIVAL} peak MB`].map(right),
    ],
    rows: rows.map(({ shape: one, claim, tokensPerSecond, peakBytes }) => [
      title(one),
      formatNumber(claim.ms),
      formatNumber(claim.rivalMs),
      `${formatNumber(rounded(1 / claim.ratio))} [${formatNumber(rounded(1 / claim.interval.high))}, ${formatNumber(rounded(1 / claim.interval.low))}]`,
      verdict(claim),
      ...tokensPerSecond.map((value) => value.toFixed(0)),
      ...peakBytes.map((value) => (value / 1e6).toFixed(0)),
    ]),
  })
  const gemm = Object.entries(rates).map(([name, { step, machine: best, shares }]) => {
    const share = step / best
    const longest = shares
      .slice(0, 6)
      .map(([kernel, part]) => `${kernel} ${(100 * part).toFixed(0)} %`)
    return `${name}: products at ${step.toFixed(0)} of ${best.toFixed(0)} GFLOP/s, ${formatRatio(share)} (${GEMM_BOUND} asked, ${share >= GEMM_BOUND ? 'met' : 'MISSED'}); ${longest.join(', ')}`
  })
  const versions = Object.entries(peer).map(([name, version]) => `${name} ${version}`)
  process.stdout.write(
    `${machineText(machine)}; ${versions.join(', ')}\n\n${text}\n\n${gemm.join('\n')}\n`,
  )
  const file =
    flags.output ?? (flags.quick || flags.only ? undefined : join(resultsFolder, 'training.json'))
  if (file) writeFileSync(file, `${JSON.stringify({ machine, peer, rows, rates }, null, 2)}\n`)
}
