/**
 * How fast Limbeck's files are against their rivals, in one command: the table of ratios with their
 * intervals and bounds. A missed bound is said plainly and is no failure of the command.
 *
 *     npm run bench [-- --quick] [--only files,threads,texts,peers,limit] [--output FILE]
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { describeError } from '../src/errors.ts'
import { hardware } from '../src/runtime/index.ts'
import { describeMachine, type Machine, machineText } from './machine.ts'
import { type ModelFiles, makeModelFiles } from './model-files.ts'
import { resultsFolder, say, withTemporaryFolder } from './places.ts'
import { type Claim, claimsOf, claimsTable, type Entrant, entrantsOf, type Race } from './race.ts'
import { agreement, type RaceLength, raceModels, wantedOfModels } from './race-models.ts'
import { findPeers, preparePeers, racePeers, wantedOfPeers } from './race-peers.ts'
import { raceTexts, wantedOfTexts } from './race-texts.ts'
import { reachLimit } from './reach-limit.ts'

interface Results {
  machine: Machine
  claims: Claim[]
  entrants: Entrant[]
  /** Facts that are no ratios: agreement of outputs, rates, lengths. */
  facts: Record<string, unknown>
}

interface Stage {
  readonly files: ModelFiles
  readonly folder: string
  readonly length: RaceLength
  readonly peerRounds: number
  readonly results: Results
}

const { values: flags } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string' },
    output: { type: 'string' },
  },
})

function record({ results }: Stage, race: Race, claims: readonly Claim[]): void {
  results.claims.push(...claims)
  results.entrants.push(...entrantsOf(race))
}

const stages: Readonly<Record<string, (stage: Stage) => Promise<void>>> = {
  files: async (stage) => {
    const { candidates } = stage.files
    const race = await raceModels(candidates, { shape: '1x128', threads: 1 }, stage.length)
    record(stage, race, claimsOf(race, wantedOfModels))
    stage.results.facts.cosineWithTorchscript = await agreement(candidates, '1x128')
  },
  threads: async (stage) => {
    if (hardware().allottedCores < 2) return say('Skipped 2 threads: there is one core.')
    const { candidates } = stage.files
    const race = await raceModels(candidates, { shape: '1x128', threads: 2 }, stage.length)
    const wanted = wantedOfModels.map(({ ours, rival }) => ({ ours, rival }))
    record(stage, race, claimsOf(race, wanted))
  },
  texts: async (stage) => {
    const {
      race,
      tokens,
      agreement: cosines,
    } = await raceTexts(stage.files, stage.folder, stage.length)
    record(stage, race, claimsOf(race, wantedOfTexts))
    stage.results.facts.tokensOfTexts = tokens
    stage.results.facts.cosineWithTransformersJs = cosines
  },
  peers: async (stage) => {
    const found = await findPeers()
    if (typeof found === 'string') {
      say(`Skipped OpenVINO and CTranslate2: ${found}.`)
      stage.results.facts.peers = `skipped: ${found}`
      return
    }
    const peers = await preparePeers(found, stage.files, join(stage.folder, 'peers'))
    stage.results.facts.peers = found.versions
    for (const [shape, wanted] of Object.entries(wantedOfPeers)) {
      const race = await racePeers(peers, stage.files, shape, stage.peerRounds)
      record(stage, race, claimsOf(race, wanted))
    }
  },
  limit: async (stage) => {
    const { race, claim, ...rates } = await reachLimit(stage.files.int8, stage.folder, stage.length)
    record(stage, race, [claim])
    stage.results.facts.gigaOperationsPerSecond = rates
  },
}

const wanted = flags.only?.split(',') ?? Object.keys(stages)
const unknown = wanted.find((name) => !(name in stages))
if (unknown !== undefined) {
  say(`--only ${unknown} is not known; known are ${Object.keys(stages).join(', ')}.`)
  process.exit(2)
}

const shown = [...(flags.quick ? ['--quick'] : []), ...(flags.only ? ['--only', flags.only] : [])]
const machine = await describeMachine(
  ['npm run bench', ...(shown.length > 0 ? ['--', ...shown] : [])].join(' '),
)
const failed: string[] = []
const results: Results = { machine, claims: [], entrants: [], facts: {} }
await withTemporaryFolder(async (folder) => {
  say('Writing the files …')
  const files = await makeModelFiles(folder)
  const length = flags.quick ? { minRounds: 5, maxSeconds: 2 } : { minRounds: 30, maxSeconds: 60 }
  const stage: Stage = { files, folder, length, peerRounds: flags.quick ? 2 : 9, results }
  for (const name of wanted) {
    say(`Measuring ${name} …`)
    try {
      await stages[name]!(stage)
    } catch (error) {
      // the other groups took minutes: what they found is still told
      failed.push(`${name}: ${describeError(error)}`)
    }
  }
})

const bounded = results.claims.filter(({ met }) => met !== undefined)
const missed = bounded.filter(({ met }) => !met)
console.log(machineText(machine))
console.log(`\n${claimsTable(results.claims)}\n`)
for (const [name, fact] of Object.entries(results.facts)) {
  console.log(`${name}: ${JSON.stringify(fact)}`)
}
console.log(
  missed.length === 0
    ? `All ${bounded.length} bounds are met.`
    : `${missed.length} of ${bounded.length} bounds are MISSED.`,
)
for (const line of failed) say(`Not measured: ${line}`)
// a quick or partial run is no result
const whole = !flags.quick && flags.only === undefined && failed.length === 0
const output = flags.output ?? (whole ? join(resultsFolder, 'speed.json') : undefined)
if (output !== undefined) {
  mkdirSync(dirname(output), { recursive: true })
  writeFileSync(output, `${JSON.stringify(results, null, 2)}\n`)
}
process.exitCode = failed.length === 0 ? 0 : 1
