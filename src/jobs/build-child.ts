/** The process that `buildInChild` starts: takes one plan, writes its variants, answers and ends. */
import { readFileSync } from 'node:fs'
import { LimbeckError } from '../errors.ts'
import type { BuildMessage } from './build-in-child.ts'
import { type BuildPlan, buildVariants } from './build-variants.ts'

const answer = (message: BuildMessage, then: () => void = () => {}): void =>
  void process.send?.(message, undefined, {}, then)

// a parent that died has nobody to read the answer
process.once('disconnect', () => process.exit(1))
process.once('message', (plan: BuildPlan) => {
  try {
    const variants = buildVariants(plan, (name) => answer({ kind: 'variant', name }))
    answer({ kind: 'done', variants, peakBytes: peakMemory() }, () => process.exit(0))
  } catch (error) {
    const { message, stack } = error as Error
    const known = error instanceof LimbeckError ? error : undefined
    answer({ kind: 'error', code: known?.code, hint: known?.hint, message, stack }, () =>
      process.exit(1),
    )
  }
})

/** Linux counts a forked child's peak from its parent's; the kernel's own mark of this image does not. */
function peakMemory(): number {
  try {
    const [, kilobytes] = /VmHWM:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8')) ?? []
    if (kilobytes !== undefined) return Number(kilobytes) * 1024
  } catch {
    // no /proc here
  }
  return process.resourceUsage().maxRSS * 1024
}
