/**
 * How fast texts become ids: our tokenizer against `@huggingface/tokenizers`, which it stands on, over
 * SST-2's training sentences, with special tokens and at most 128 tokens; in turn, in rounds.
 *
 *     npm run bench:tokenize [-- --quick] [--output FILE]
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { Tokenizer as Library } from '@huggingface/tokenizers'
import { speedupByRound, timeInterleaved } from '../src/bench/index.ts'
import { readTable } from '../src/data/read-table.ts'
import { createTokenizer, type Tokenizer } from '../src/data/tokenizer.ts'
import { type Cell, textTable } from '../src/report/table.ts'
import { formatCount, formatMs, formatNumber, formatRatio } from '../src/report/units.ts'
import { median } from '../src/stats/index.ts'
import { describeMachine, machineText } from './machine.ts'
import { resultsFolder, say, sentencesFile, sst2Model } from './places.ts'
import { rounded } from './race.ts'

const MAX_LENGTH = 128
/** Least speed of `encode` as a share of the library's. */
const BOUND = 0.8

const { values: flags } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, output: { type: 'string' } },
})
const machine = await describeMachine(`npm run bench:tokenize${flags.quick ? ' -- --quick' : ''}`)
const json = readJson('tokenizer.json')
const config = readJson('tokenizer_config.json')
const library = new Library(json, config)
const texts: string[] = []
const rows = readTable(sentencesFile, { text: 'sentence' }, { header: true })
for await (const { cells } of rows) texts.push(String(cells.text))
if (flags.quick) texts.length = 5000

/** The library has no truncation: the last token is put behind what stays. */
function libraryIds(text: string): number[] {
  const { ids } = library.encode(text)
  return ids.length > MAX_LENGTH ? [...ids.slice(0, MAX_LENGTH - 1), ids.at(-1)!] : ids
}

type Encode = (tokenizer: Tokenizer, text: string) => readonly number[]
const encode: Encode = (tokenizer, text) =>
  tokenizer.encode(text, undefined, { maxLength: MAX_LENGTH }).ids
const withOffsets: Encode = (tokenizer, text) =>
  tokenizer.encodeWithOffsets(text, { maxLength: MAX_LENGTH }).ids

const names = {
  library: '@huggingface/tokenizers, encode',
  ours: 'encode',
  fresh: 'encode, no word met before',
  offsets: 'encodeWithOffsets',
} as const

const open = (): Tokenizer => createTokenizer(json, config)
const tokenizer = open()
const differing = texts.filter((text) => encode(tokenizer, text).join() !== libraryIds(text).join())
say(`Timing ${formatCount(texts.length)} sentences …`)
const pass = (run: (text: string) => unknown) => async () => {
  const start = performance.now()
  for (const text of texts) run(text)
  return [performance.now() - start]
}
const fresh = async () => {
  // opening is not timed
  const empty = open()
  return pass((text) => encode(empty, text))()
}
const timings = await timeInterleaved(
  [
    { name: names.library, run: pass(libraryIds) },
    { name: names.ours, run: pass((text) => encode(tokenizer, text)) },
    { name: names.fresh, run: fresh },
    { name: names.offsets, run: pass((text) => withOffsets(tokenizer, text)) },
  ],
  { warmup: 1, minRounds: flags.quick ? 2 : 12, maxRounds: 40, maxSeconds: flags.quick ? 2 : 40 },
)
const rival = timings.find(({ name }) => name === names.library)!
// a file's own words are met for the first time too: that is what is held against the bound
const results = timings.map(({ name, rounds }) => {
  const ms = median(rounds.flat())
  const { speedup, interval } = speedupByRound(rival.rounds, rounds)
  const held = name === names.fresh || name === names.ours
  return {
    name,
    ms: rounded(ms),
    textsPerSecond: Math.round((1000 * texts.length) / ms),
    speedup: rounded(speedup),
    interval: { low: rounded(interval.low), high: rounded(interval.high) },
    ...(held && { bound: BOUND, met: speedup >= BOUND }),
  }
})
const verdict = (met: boolean | undefined): Cell =>
  met === undefined ? '' : { text: met ? 'met' : 'MISSED', tone: met ? 'good' : 'bad' }
const { text: table } = textTable({
  columns: [
    { title: `${formatCount(texts.length)} sentences` },
    ...(['time', 'texts/s', 'speed [95 %]', 'bound', ''] as const).map(
      (title) => ({ title, align: 'right' }) as const,
    ),
  ],
  rows: results.map(({ name, ms, textsPerSecond, speedup, interval, bound, met }) => [
    name,
    formatMs(ms),
    formatCount(textsPerSecond),
    `${formatRatio(speedup)} [${formatNumber(interval.low)}, ${formatNumber(interval.high)}]`,
    bound === undefined ? '' : formatRatio(bound),
    verdict(met),
  ]),
})
console.log(`${machineText(machine)}\n\n${table}\n`)
console.log(
  differing.length === 0
    ? 'The ids of all sentences are the same.'
    : `The ids of ${formatCount(differing.length)} sentences DIFFER, the first: ${differing[0]}`,
)
const output = flags.output ?? (flags.quick ? undefined : join(resultsFolder, 'tokenize.json'))
if (output !== undefined) {
  mkdirSync(dirname(output), { recursive: true })
  const facts = { texts: texts.length, differing: differing.length, results }
  writeFileSync(output, `${JSON.stringify({ machine, ...facts }, null, 2)}\n`)
}

function readJson(name: string): Record<string, unknown> {
  return JSON.parse(readFileSync(join(sst2Model, name), 'utf8'))
}
