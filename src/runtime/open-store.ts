/**
 * A tensor store in a process of its own: what training keeps (weights, moments) lives there from step to
 * step, and only batches go in and numbers come out. Ctrl-C ends it at once, also in the middle of a run.
 */
import { resolve } from 'node:path'
import { LimbeckError } from '../errors.ts'
import type { HostTensor } from '../graph/data-type.ts'
import type { Engine, Feeds, Port, RunOptions } from './engine.ts'
import { Executor } from './executor.ts'
import type { ProcessMemory } from './executor-protocol.ts'
import { checkFeeds, checkOutputs } from './feeds.ts'
import { packTensors, unpackTensors } from './frames.ts'
import { checkSessionOptions, type SessionOptions } from './session-options.ts'
import type { Bindings, GraphPorts, StoreRun } from './tensor-store.ts'

/** A graph over the tensors of a store; as an engine it answers with its other outputs. */
export interface StoredGraph extends Engine {
  /** `run`, with the milliseconds of the run; see `StoreRun`. */
  step(
    feeds: Feeds,
    options?: StoreRun,
  ): Promise<{ readonly outputs: Record<string, HostTensor>; readonly ms: number }>
}

/** A store in a process of its own. */
export interface ProcessStore {
  readonly pid: number | undefined
  put(name: string, tensor: HostTensor): Promise<void>
  /** Sets float32 tensors of these shapes to zero. */
  zero(zeros: Readonly<Record<string, readonly number[]>>): Promise<void>
  get(name: string): Promise<HostTensor>
  /** Loads the graph at `path`; one that had the same name is released. */
  load(
    name: string,
    path: string,
    bindings: Bindings,
    options?: SessionOptions,
  ): Promise<StoredGraph>
  memory(): Promise<ProcessMemory>
  /** Ends the process, after what was asked for before. */
  end(): Promise<void>
}

/**
 * What glibc's allocator is told: memory that was freed is used again, not given back to the system. Each run
 * takes and frees as much as the store's tensors, and fresh pages cost a fifth of a training step.
 */
const keepsMemory = {
  MALLOC_MMAP_THRESHOLD_: String(2 ** 32),
  MALLOC_TRIM_THRESHOLD_: String(2 ** 32),
  MALLOC_TOP_PAD_: String(2 ** 26),
}

/**
 * Starts a store.
 * @param name what errors call it. @param signal ends its process at once, in the middle of a run too.
 */
export function openStore(name: string, signal?: AbortSignal): ProcessStore {
  const executor = new Executor(name, undefined, keepsMemory)
  const limits = { signal }
  return {
    pid: executor.pid,
    async put(tensor, value) {
      const { tensors, parts } = packTensors({ [tensor]: value })
      await executor.request({ op: 'put', name: tensor, tensors }, parts, limits)
    },
    async zero(zeros) {
      await executor.request({ op: 'zero', zeros }, [], limits)
    },
    async get(tensor) {
      const { header, body } = await executor.request({ op: 'get', name: tensor }, [], limits)
      return unpackTensors(header.tensors, body)[tensor]!
    },
    async load(graph, path, bindings, options = {}) {
      checkSessionOptions(options)
      const ask = { op: 'load', name: graph, model: resolve(path), bindings, options } as const
      const { header } = await executor.request(ask, [], limits)
      return new ChildGraph(graph, executor, header, signal)
    },
    memory: async () => (await executor.request({ op: 'memory' })).header,
    async end() {
      // a process that is gone needs no release
      await executor.request({ op: 'release' }).catch(() => {})
      await executor.end()
    },
  }
}

class ChildGraph implements StoredGraph {
  readonly inputs: readonly Port[]
  readonly outputs: readonly Port[]
  readonly #name: string
  readonly #executor: Executor
  readonly #signal: AbortSignal | undefined

  constructor(name: string, executor: Executor, ports: GraphPorts, signal?: AbortSignal) {
    this.#name = name
    this.#executor = executor
    this.inputs = ports.inputs
    this.outputs = ports.outputs
    this.#signal = signal
  }

  async step(feeds: Feeds, { outputs, unless }: StoreRun = {}) {
    const packed = packTensors(checkFeeds(this.#name, this.inputs, feeds))
    const wanted = checkOutputs(this.#name, this.outputs, outputs)
    const { tensors } = packed
    const ask = { op: 'step', graph: this.#name, tensors, outputs: wanted, unless } as const
    const { header, body } = await this.#executor.request(ask, packed.parts, {
      signal: this.#signal,
    })
    return { outputs: unpackTensors(header.tensors, body), ms: header.ms }
  }

  async run(feeds: Feeds, { outputs, signal }: RunOptions = {}) {
    if (signal?.aborted)
      throw new LimbeckError('cancelled', `The run of ${this.#name} was cancelled.`)
    return (await this.step(feeds, { outputs })).outputs
  }

  /** The store frees it, with itself. */
  async release(): Promise<void> {}
}
