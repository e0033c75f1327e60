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

/** A loaded model. */
export interface Engine {
  readonly inputs: readonly Port[]
  readonly outputs: readonly Port[]
  /** Runs the graph once; extra feeds are ignored, a missing one is an error. */
  run(feeds: Feeds): Promise<Record<string, HostTensor>>
  /** Frees the session (and ends its process); waits for a run under way. */
  release(): Promise<void>
}
