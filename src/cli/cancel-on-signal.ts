/**
 * Ctrl-C: the first asks the job to stop, which leaves the old output or the new one; the second ends the
 * process at once.
 */
import { LimbeckError } from '../errors.ts'

/** Exit codes of a process that a signal ended: 128 and its number. */
const exitCodes = { SIGINT: 130, SIGTERM: 143 } as const

export interface Cancellation {
  readonly signal: AbortSignal
  /** Exit code once cancelled. */
  readonly exitCode: number | undefined
  /** Stops listening. */
  release(): void
}

/** What of `process` this needs. */
export interface SignalSource {
  on(event: string, listener: () => void): unknown
  off(event: string, listener: () => void): unknown
  exit(code: number): void
}

/** Listens for signals until released. @param say is told what a further signal will do. */
export function cancelOnSignal(source: SignalSource, say: (text: string) => void): Cancellation {
  const controller = new AbortController()
  let exitCode: number | undefined
  const listeners = Object.entries(exitCodes).map(([name, code]) => {
    const listener = (): void => {
      if (exitCode !== undefined) {
        source.exit(exitCode)
        return
      }
      exitCode = code
      say('Stopping; once more stops at once.')
      controller.abort(new LimbeckError('cancelled', 'Cancelled.'))
    }
    source.on(name, listener)
    return [name, listener] as const
  })
  return {
    signal: controller.signal,
    get exitCode() {
      return exitCode
    },
    release() {
      for (const [name, listener] of listeners) source.off(name, listener)
    },
  }
}
