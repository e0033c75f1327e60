/**
 * An engine in this process. A run blocks the event loop for its whole length (ONNX Runtime computes
 * on the calling thread), so it is for scripts, tests and child processes; a server uses `openProcess`.
 */
import { basename } from 'node:path'
import type { InferenceSession } from 'onnxruntime-node'
import { LimbeckError } from '../errors.ts'
import type { HostTensor } from '../graph/data-type.ts'
import type { Feeds, Port, RunOptions, TimedEngine } from './engine.ts'
import { checkFeeds, checkOutputs } from './feeds.ts'
import { hardware } from './hardware.ts'
import { loadOrt, type Ort } from './ort.ts'
import { fromOrt, portsOf, toOrt } from './ort-tensor.ts'
import { type SessionOptions, toOrtOptions } from './session-options.ts'

/**
 * Loads a model (a path, or the bytes of an `.onnx` file) into this process.
 * @throws LimbeckError `usage` for unknown options, `input` for a model that ONNX Runtime refuses.
 * @example
 * const engine = await openInline('model.onnx', { threads: 1 })
 * const { logits } = await engine.run({ input_ids, attention_mask, token_type_ids })
 * await engine.release()
 */
export async function openInline(
  model: string | Uint8Array,
  options: SessionOptions = {},
): Promise<TimedEngine> {
  const name = typeof model === 'string' ? basename(model) : 'model'
  const { arch, threads } = hardware()
  const ortOptions = toOrtOptions(options, { arch, cores: threads })
  const ort = await loadOrt()
  let session: InferenceSession
  try {
    session = await ort.InferenceSession.create(model as string, ortOptions)
  } catch (error) {
    throw refused(`${typeof model === 'string' ? model : name}: ONNX Runtime cannot load it`, error)
  }
  try {
    return new InlineEngine(name, ort, session, options.profile !== undefined)
  } catch (error) {
    await session.release()
    throw error
  }
}

/** ONNX Runtime's words as the second half of ours, on one line. */
function refused(what: string, error: unknown): LimbeckError {
  const text = (error as Error).message.replace(/\s*\n\s*/g, ' ').trim()
  return new LimbeckError('input', `${what}: ${text}${text.endsWith('.') ? '' : '.'}`, {
    cause: error,
  })
}

class InlineEngine implements TimedEngine {
  readonly inputs: readonly Port[]
  readonly outputs: readonly Port[]
  readonly #name: string
  readonly #ort: Ort
  readonly #session: InferenceSession
  readonly #profiling: boolean
  #tail: Promise<unknown> = Promise.resolve()
  #released: Promise<void> | undefined

  constructor(name: string, ort: Ort, session: InferenceSession, profiling: boolean) {
    this.#name = name
    this.#ort = ort
    this.#session = session
    this.#profiling = profiling
    this.inputs = portsOf(name, session.inputMetadata)
    this.outputs = portsOf(name, session.outputMetadata)
  }

  async run(feeds: Feeds, options: RunOptions = {}): Promise<Record<string, HostTensor>> {
    return (await this.runTimed(feeds, options)).outputs
  }

  runTimed(feeds: Feeds, options: RunOptions = {}) {
    return this.#inTurn(async () => {
      const { result, ms } = await this.#once(feeds, options)
      const outputs = Object.entries(result).map(([name, value]) => [name, fromOrt(value)])
      return { outputs: Object.fromEntries(outputs) as Record<string, HostTensor>, ms }
    })
  }

  time(feeds: Feeds, runs: number, options: RunOptions = {}): Promise<number[]> {
    return this.#inTurn(async () => {
      const times: number[] = []
      while (times.length < runs) times.push((await this.#once(feeds, options)).ms)
      return times
    })
  }

  release(): Promise<void> {
    this.#released ??= this.#tail.then(async () => {
      if (this.#profiling) this.#session.endProfiling()
      await this.#session.release()
    })
    return this.#released
  }

  async #once(feeds: Feeds, { outputs, signal }: RunOptions) {
    if (signal?.aborted)
      throw new LimbeckError('cancelled', `The run of ${this.#name} was cancelled.`)
    const checked = checkFeeds(this.#name, this.inputs, feeds)
    const wanted = checkOutputs(this.#name, this.outputs, outputs)
    const tensors = Object.entries(checked).map(([name, tensor]) => [
      name,
      toOrt(this.#ort, tensor),
    ])
    const start = performance.now()
    try {
      const result = await this.#session.run(Object.fromEntries(tensors), wanted)
      return { result, ms: performance.now() - start }
    } catch (error) {
      throw refused(`${this.#name}: the run failed`, error)
    }
  }

  /** One after the other, so that a release waits and a time holds one run only. */
  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (this.#released) throw new LimbeckError('runtime', `${this.#name} has been released.`)
    const turn = this.#tail.then(work)
    this.#tail = turn.catch(() => {})
    return turn
  }
}
