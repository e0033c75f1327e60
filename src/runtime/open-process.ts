/**
 * An engine in a process of its own: the host's event loop stays free, a crash or a hung run costs
 * the child only, and its memory can be read and given back whole. A round trip costs a fraction of a
 * millisecond.
 */
import { basename, resolve } from 'node:path'
import { LimbeckError } from '../errors.ts'
import type { HostTensor } from '../graph/data-type.ts'
import type { Feeds, Port, RunOptions, TimedEngine } from './engine.ts'
import { Executor } from './executor.ts'
import type { ProcessMemory } from './executor-protocol.ts'
import { checkFeeds, checkOutputs } from './feeds.ts'
import { packTensors, unpackTensors } from './frames.ts'
import { checkSessionOptions, type SessionOptions } from './session-options.ts'

/** Options of a session in a process of its own. */
export interface ProcessOptions extends Omit<SessionOptions, 'externalData'> {
  /** Milliseconds a run may take unless it says otherwise; default: no limit. */
  readonly deadlineMs?: number
  /** Gives up loading the model. */
  readonly signal?: AbortSignal
}

/** A model in a process of its own. */
export interface ProcessEngine extends TimedEngine {
  /** Id of the process. */
  readonly pid: number | undefined
  /** Memory of the process; waits for the runs asked for before. */
  memory(): Promise<ProcessMemory>
}

/**
 * Loads the model at `path` in a child process. Cancelling a run under way, or missing its deadline,
 * kills the process: later runs are refused, and the engine must be opened anew.
 * @throws LimbeckError `usage` for unknown options, `input` for a model that ONNX Runtime refuses,
 *   `runtime` when the process cannot be started or dies.
 */
export async function openProcess(
  path: string,
  options: ProcessOptions = {},
): Promise<ProcessEngine> {
  const { deadlineMs, signal, ...session } = options
  checkSessionOptions(session)
  const executor = new Executor(basename(path))
  try {
    const ask = { op: 'open', model: resolve(path), options: session } as const
    const { header } = await executor.request(ask, [], { signal })
    return new ChildEngine(basename(path), executor, header, deadlineMs)
  } catch (error) {
    await executor.end()
    throw error
  }
}

class ChildEngine implements ProcessEngine {
  readonly inputs: readonly Port[]
  readonly outputs: readonly Port[]
  readonly #name: string
  readonly #executor: Executor
  readonly #deadlineMs: number | undefined
  #released: Promise<void> | undefined

  constructor(
    name: string,
    executor: Executor,
    ports: { readonly inputs: readonly Port[]; readonly outputs: readonly Port[] },
    deadlineMs: number | undefined,
  ) {
    this.#name = name
    this.#executor = executor
    this.#deadlineMs = deadlineMs
    this.inputs = ports.inputs
    this.outputs = ports.outputs
  }

  get pid(): number | undefined {
    return this.#executor.pid
  }

  async run(feeds: Feeds, options: RunOptions = {}): Promise<Record<string, HostTensor>> {
    return (await this.runTimed(feeds, options)).outputs
  }

  async runTimed(feeds: Feeds, options: RunOptions = {}) {
    const { tensors, parts, outputs } = this.#prepare(feeds, options)
    const ask = { op: 'run', tensors, outputs } as const
    const { header, body } = await this.#executor.request(ask, parts, this.#limits(options))
    return { outputs: unpackTensors(header.tensors, body), ms: header.ms }
  }

  async time(feeds: Feeds, runs: number, options: RunOptions = {}): Promise<number[]> {
    const { tensors, parts, outputs } = this.#prepare(feeds, options)
    const ask = { op: 'time', tensors, outputs, runs } as const
    return [...(await this.#executor.request(ask, parts, this.#limits(options))).header.times]
  }

  async memory(): Promise<ProcessMemory> {
    this.#checkOpen()
    return (await this.#executor.request({ op: 'memory' })).header
  }

  release(): Promise<void> {
    this.#released ??= this.#executor
      .request({ op: 'release' })
      // a process that is gone needs no release
      .catch(() => {})
      .then(() => this.#executor.end())
    return this.#released
  }

  #prepare(feeds: Feeds, { outputs }: RunOptions) {
    this.#checkOpen()
    return {
      ...packTensors(checkFeeds(this.#name, this.inputs, feeds)),
      outputs: checkOutputs(this.#name, this.outputs, outputs),
    }
  }

  #limits({ signal, deadlineMs = this.#deadlineMs }: RunOptions) {
    return { signal, deadlineMs }
  }

  #checkOpen(): void {
    if (this.#released) throw new LimbeckError('runtime', `${this.#name} has been released.`)
  }
}
