/**
 * The process whose time and memory `build.ts` measures: loads what a build needs, then builds the plan it
 * is sent, or nothing at all (the baseline that every Node process with these modules has).
 */

import type { BuildPlan } from '../src/jobs/build-variants.ts'
import { buildVariants } from '../src/jobs/build-variants.ts'
import { residentMemory } from '../src/runtime/resident-memory.ts'

/** Request: a plan, or none for the baseline. */
export interface BuildAsk {
  readonly plan: BuildPlan | undefined
}

/** Answer: seconds from first to last byte, and the most that was ever resident, in bytes. */
export interface BuildAnswer {
  readonly seconds: number
  readonly peak: number
  readonly bytes: number
}

process.once('message', ({ plan }: BuildAsk) => {
  const start = performance.now()
  const built = plan ? buildVariants(plan) : []
  const answer: BuildAnswer = {
    seconds: (performance.now() - start) / 1000,
    peak: residentMemory().peak,
    bytes: built.reduce((sum, { bytes }) => sum + bytes, 0),
  }
  process.send!(answer, undefined, {}, () => process.disconnect())
})
