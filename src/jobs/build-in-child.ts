/**
 * Builds variants in a child process, so that progress and Ctrl-C live while passes run.
 *
 * The plan goes out and the result comes back as structured clones over the process's own channel; errors keep their
 * code and hint. A cancelled build is killed: it writes aside, so nothing half-written has a final name.
 */
import { fork } from 'node:child_process'
import { type ErrorCode, LimbeckError } from '../errors.ts'
import { builtEntry } from '../runtime/built-entry.ts'
import type { BuildPlan } from './build-variants.ts'
import type { BuiltVariant } from './variants.ts'

/** Messages of the child. */
export type BuildMessage =
  | { readonly kind: 'variant'; readonly name: string }
  | { readonly kind: 'done'; readonly variants: BuiltVariant[]; readonly peakBytes: number }
  | {
      readonly kind: 'error'
      readonly code: ErrorCode | undefined
      readonly message: string
      readonly hint: string | undefined
      readonly stack: string | undefined
    }

export interface BuildOptions {
  readonly signal?: AbortSignal | undefined
  /** Told the name of each variant as it begins. */
  readonly onVariant?: ((name: string) => void) | undefined
}

/** What a build in a child process came to. */
export interface BuildResult {
  readonly variants: readonly BuiltVariant[]
  /** Largest resident memory of the child, bytes. */
  readonly peakBytes: number
}

/** Runs the plan in a process of its own. */
export function buildInChild(plan: BuildPlan, options: BuildOptions = {}): Promise<BuildResult> {
  const { signal, onVariant } = options
  const cancelled = (): LimbeckError => new LimbeckError('cancelled', 'cancelled.')
  if (signal?.aborted) return Promise.reject(cancelled())
  const child = fork(builtEntry(import.meta.url, './build-child'), {
    execArgv: [],
    // a plan may hold codes that calibration found
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  return new Promise((resolve, reject) => {
    const kill = (): void => void child.kill('SIGKILL')
    const settle = (end: () => void): void => {
      signal?.removeEventListener('abort', kill)
      end()
    }
    signal?.addEventListener('abort', kill, { once: true })
    child.on('message', (message: BuildMessage) => {
      if (message.kind === 'variant') onVariant?.(message.name)
      else if (message.kind === 'done') settle(() => resolve(message))
      else settle(() => reject(asError(message)))
    })
    child.on('error', (cause) =>
      settle(() =>
        reject(new LimbeckError('runtime', 'the build process could not start.', { cause })),
      ),
    )
    child.on('exit', (code, name) =>
      settle(() =>
        reject(
          signal?.aborted
            ? cancelled()
            : new LimbeckError(
                'runtime',
                `the build process ended early (${name ?? `exit code ${code}`}).`,
                {
                  hint: 'It may have run out of memory: close other programs and try again.',
                },
              ),
        ),
      ),
    )
    child.send(plan)
  })
}

function asError(message: Extract<BuildMessage, { kind: 'error' }>): Error {
  if (message.code !== undefined) {
    return new LimbeckError(message.code, message.message, {
      ...(message.hint !== undefined && { hint: message.hint }),
    })
  }
  const error = new Error(message.message)
  if (message.stack) error.stack = message.stack
  return error
}
