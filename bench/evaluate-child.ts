/**
 * One evaluation in a process of its own: its times, its answer, and the most memory that it and its
 * engine's process ever held.
 */
import { readFileSync } from 'node:fs'
import { type EvaluateOptions, evaluate } from '../src/jobs/evaluate.ts'
import { residentMemory } from '../src/runtime/resident-memory.ts'
import { peakMemory } from './peak-memory.ts'

/** What the parent asks. */
export type EvaluateAsk = EvaluateOptions

/** What came of it; bytes and seconds. */
export interface EvaluateAnswer {
  /** From the first row read to the metrics; the model was loaded before. */
  readonly seconds: number
  readonly n: number
  readonly accuracy: number
  readonly hostPeak: number
  readonly enginePeak: number
}

/** High-water mark of the processes that this one started; 0 where the system does not tell. */
function peakOfChildren(): number {
  try {
    const children = readFileSync(`/proc/${process.pid}/task/${process.pid}/children`, 'utf8')
    const peaks = children.split(' ').filter(Boolean).map(peakMemory)
    return Math.max(0, ...peaks)
  } catch {
    return 0
  }
}

process.once('message', async (ask: EvaluateAsk) => {
  let enginePeak = 0
  const look = (): void => {
    enginePeak = Math.max(enginePeak, peakOfChildren())
  }
  const timer = setInterval(look, 50)
  const { seconds, n, metrics } = await evaluate(ask)
  clearInterval(timer)
  const accuracy = metrics.find(({ name }) => name === 'accuracy')?.value ?? Number.NaN
  const hostPeak = residentMemory().peak
  process.send!({ seconds, n, accuracy, hostPeak, enginePeak } satisfies EvaluateAnswer)
  process.disconnect()
})
