/**
 * The seam before the runtime: what runs a model, wherever it runs.
 *
 * `inline` engines block the event loop for the length of a run; `process` engines answer the same
 * contract from a child process, so that a host's event loop stays free and a hung run can be killed.
 */
import type { DataType, HostTensor } from '../graph/data-type.ts'

/** A graph input or output as the engine sees it; symbolic dimensions are strings. */
export interface Port {
  readonly name: string
  readonly dtype: DataType
  readonly shape: readonly (number | string)[]
}

/** Tensors by graph input or output name. */
export type Feeds = Readonly<Record<string, HostTensor>>

/** What one run may ask for. */
export interface RunOptions {
  /** Names of the outputs wanted; all of them when absent. */
  readonly outputs?: readonly string[]
  /** Cancels the run. An inline run under way cannot be stopped; a process engine dies with it. */
  readonly signal?: AbortSignal
  /** Milliseconds the run itself may take before its process is killed; ignored by inline engines. */
  readonly deadlineMs?: number
}

/** A loaded model. */
export interface Engine {
  readonly inputs: readonly Port[]
  readonly outputs: readonly Port[]
  /**
   * Runs the graph once; extra feeds are ignored, a missing one is an error. Calls made while a run
   * is under way wait their turn. `feeds` must not change until the promise settles.
   */
  run(feeds: Feeds, options?: RunOptions): Promise<Record<string, HostTensor>>
  /** Frees the session (and ends its process); waits for the runs asked for before. Idempotent. */
  release(): Promise<void>
}

/** An engine that also says how long it took, measured where the model runs. */
export interface TimedEngine extends Engine {
  /** `run`, with the milliseconds that ONNX Runtime took for it. */
  runTimed(
    feeds: Feeds,
    options?: RunOptions,
  ): Promise<{ readonly outputs: Record<string, HostTensor>; readonly ms: number }>
  /** Runs `runs` times in a row, drops the outputs and gives the milliseconds of each run. */
  time(feeds: Feeds, runs: number, options?: RunOptions): Promise<number[]>
}
