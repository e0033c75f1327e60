/**
 * Seconds and memory of a build, each run in a fresh process: from its start to its end as its parent sees
 * it, inside it from first to last byte, and the most memory it ever held.
 */
import { fork } from 'node:child_process'
import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { BuildPlan } from '../src/jobs/build-variants.ts'
import { median } from '../src/stats/index.ts'
import type { BuildAnswer, BuildAsk } from './build-child.ts'
import { root } from './places.ts'
import { rounded } from './race.ts'

/** Medians over the runs; the peak is the highest of them. */
export interface BuildTimes {
  /** Of the whole process, its start included. */
  readonly seconds: number
  readonly slowest: number
  /** Of the build inside it. */
  readonly inside?: number
  readonly peak: number
  /** Bytes written. */
  readonly bytes?: number
}

/** Builds the plan `runs` times. */
export async function measureBuild(plan: BuildPlan | undefined, runs: number): Promise<BuildTimes> {
  const answers: (BuildAnswer & { readonly whole: number })[] = []
  for (let run = 0; run < runs; run++) {
    const start = performance.now()
    const answer = await buildOnce({ plan })
    answers.push({ ...answer, whole: (performance.now() - start) / 1000 })
    if (plan) rmSync(plan.folder, { recursive: true, force: true })
  }
  const whole = answers.map((answer) => answer.whole)
  return {
    seconds: rounded(median(whole)),
    slowest: rounded(Math.max(...whole)),
    inside: rounded(median(answers.map(({ seconds }) => seconds))),
    peak: Math.max(...answers.map(({ peak }) => peak)),
    bytes: answers[0]!.bytes,
  }
}

/** Settles when the process has ended. */
function buildOnce(ask: BuildAsk): Promise<BuildAnswer> {
  const child = fork(join(import.meta.dirname, 'build-child.js'))
  return new Promise((resolve, reject) => {
    let answer: BuildAnswer | undefined
    child.once('message', (message: BuildAnswer) => {
      answer = message
    })
    child.once('error', reject)
    child.once('exit', (code) =>
      answer ? resolve(answer) : reject(new Error(`the build ended with ${code}`)),
    )
    child.send(ask)
  })
}

/**
 * The verb as a library call of the built package, without verification: load, build in a child process,
 * copy the tokenizer, write `limbeck.json`, rename. Undefined where the package has not been built.
 */
export async function measureVerb(
  model: string,
  output: string,
  runs: number,
): Promise<BuildTimes | undefined> {
  const entry = join(root, 'dist/index.js')
  if (!existsSync(entry)) return undefined
  const library = (await import(pathToFileURL(entry).href)) as typeof import('../src/index.ts')
  const seconds: number[] = []
  const peaks: number[] = []
  for (let run = 0; run < runs; run++) {
    const scheme = 'dynamic-int8'
    const targets = ['cpu'] as const
    const result = await library.quantize({ model, output, scheme, targets, verify: false })
    seconds.push(result.seconds)
    peaks.push(result.peakBytes)
    rmSync(output, { recursive: true, force: true })
  }
  return {
    seconds: rounded(median(seconds)),
    slowest: rounded(Math.max(...seconds)),
    peak: Math.max(...peaks),
  }
}
