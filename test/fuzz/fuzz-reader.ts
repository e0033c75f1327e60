/**
 * Runs a reader over seeded mutations and holds it to its word: what it is given is read, or refused
 * with one sentence of ours; soon, in memory of the order of the input, and from the folder it was given.
 *
 * A case that never ends would stop its own clock with it, so a thread watches: it says the case's number
 * and ends the process. A case that is run alone is written down before it is read.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { LimbeckError } from '../../src/errors.ts'
import { root } from '../support/command.ts'
import { type Mutate, mutationOf } from './mutate-bytes.ts'

/** A reader under test. */
export interface FuzzedReader {
  readonly name: string
  /** Valid inputs. */
  readonly seeds: () => readonly Uint8Array[]
  readonly mutate: Mutate
  /** Reads a mutation, and hands what it read to the next stage. */
  readonly read: (bytes: Uint8Array) => unknown
}

/** What a run over many mutations saw. */
export interface FuzzResult {
  readonly reader: string
  readonly cases: number
  readonly accepted: number
  readonly refused: number
  /** CPU time of the slowest case. */
  readonly slowestMs: number
  /** Most memory that one case took more than the cases before it. */
  readonly peakMb: number
  /** What was wrong, with the number of its mutation. */
  readonly failures: readonly string[]
}

/** CPU time: other work on the machine does not count. */
const SLOW_MS = 2000
/** Wall time, so that it ends what waits; on a busy machine as well. */
const HANGS_MS = 60_000
const MEGABYTE = 2 ** 20
/** What an engine takes for itself while it reads a few kilobytes; its garbage is not collected at once. */
const FREE_BYTES = 96 * MEGABYTE
/** A decoded file, its text, its tree and a copy or two. */
const BYTES_PER_BYTE = 64

const folder = join(root, '.fuzz')

const watchdog = `
const { parentPort, workerData } = require('node:worker_threads')
const { writeSync } = require('node:fs')
const seen = new Int32Array(workerData.shared)
let last = -1, since = Date.now()
setInterval(() => {
  if (seen[1]) process.exit()
  if (seen[0] !== last) { last = seen[0]; since = Date.now() }
  if (Date.now() - since < workerData.limit) return
  writeSync(2, workerData.name + ': mutation ' + last + ' does not end\\n')
  process.kill(process.pid, 'SIGKILL')
}, 500)
`

/** Reads mutations `first`, `first + 1`, … and tells what came of them. */
export async function fuzzReader(
  reader: FuzzedReader,
  first: number,
  cases: number,
): Promise<FuzzResult> {
  const { name, mutate, read } = reader
  const seeds = reader.seeds()
  const shared = new SharedArrayBuffer(8)
  const seen = new Int32Array(shared)
  const watch = new Worker(watchdog, {
    eval: true,
    workerData: { shared, name, limit: HANGS_MS },
  })
  watch.unref()
  const failures: string[] = []
  let [accepted, slowestMs, peakBytes] = [0, 0, 0]
  try {
    for (let number = first; number < first + cases; number++) {
      Atomics.store(seen, 0, number)
      const bytes = mutationOf(mutate, seeds, number)
      const keep = (): void => {
        mkdirSync(folder, { recursive: true })
        writeFileSync(join(folder, `${name}-${number}`), bytes)
      }
      if (cases === 1) keep()
      const fail = (what: string): void => {
        keep()
        failures.push(`${name} ${number}: ${what}`)
      }
      const before = memory()
      const cpu = process.cpuUsage()
      try {
        await read(bytes)
        accepted++
      } catch (error) {
        const problem = problemOf(error)
        if (problem !== undefined) fail(problem)
      }
      const { user, system } = process.cpuUsage(cpu)
      const ms = (user + system) / 1000
      const taken = memory() - before
      slowestMs = Math.max(slowestMs, ms)
      peakBytes = Math.max(peakBytes, taken)
      if (ms > SLOW_MS) fail(`took ${Math.round(ms)} ms`)
      if (taken > FREE_BYTES + BYTES_PER_BYTE * bytes.length) {
        fail(`took ${Math.round(taken / MEGABYTE)} MB for ${bytes.length} bytes`)
      }
      if (failures.length >= 20) break
    }
  } finally {
    Atomics.store(seen, 1, 1)
    await watch.terminate()
  }
  return {
    reader: name,
    cases,
    accepted,
    refused: cases - accepted - failures.length,
    slowestMs: Math.round(slowestMs),
    peakMb: Math.round(peakBytes / MEGABYTE),
    failures,
  }
}

/** Memory in use, garbage included, so that what a case let go of at once still counts. */
function memory(): number {
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

/** What is wrong with an error; undefined for one sentence of ours. */
function problemOf(error: unknown): string | undefined {
  if (!(error instanceof LimbeckError)) return String((error as Error)?.stack ?? error)
  const { message } = error
  if (!message.endsWith('.')) return `no sentence: ${message.slice(0, 300)}`
  if (/[\n\r]/.test(message)) return `more than one line: ${JSON.stringify(message.slice(0, 300))}`
  if (message.length > 2000)
    return `a sentence of ${message.length} characters: ${message.slice(0, 100)}`
  return undefined
}
