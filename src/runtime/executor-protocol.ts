/** What a host and its executor process say to each other; tensors travel in the body of the frame. */
import { type ErrorCode, LimbeckError } from '../errors.ts'
import type { Port } from './engine.ts'
import type { PackedTensor } from './frames.ts'
import type { SessionOptions } from './session-options.ts'
import type { Bindings, GraphPorts, StoreRun } from './tensor-store.ts'

/** Memory of an executor process, in bytes. */
export interface ProcessMemory {
  /** Resident before the model: Node and ONNX Runtime alone. */
  readonly baseline: number
  /** Resident once the model was loaded. */
  readonly afterLoad: number
  /** Resident now. */
  readonly rss: number
  /** The most that was ever resident. */
  readonly peak: number
}

/** Each operation: what is asked and what is answered. */
export interface Operations {
  /** Loads a model; the first request. */
  open: {
    ask: { readonly model: string; readonly options: SessionOptions }
    answer: { readonly inputs: readonly Port[]; readonly outputs: readonly Port[] }
  }
  run: {
    ask: { readonly tensors: readonly PackedTensor[]; readonly outputs?: readonly string[] }
    answer: { readonly tensors: readonly PackedTensor[]; readonly ms: number }
  }
  /** Runs several times and answers with the milliseconds alone. */
  time: {
    ask: Operations['run']['ask'] & { readonly runs: number }
    answer: { readonly times: readonly number[] }
  }
  /** Keeps the one tensor of the body under a name; see `TensorStore`. */
  put: {
    ask: { readonly name: string; readonly tensors: readonly PackedTensor[] }
    answer: object
  }
  /** Keeps float32 tensors of zeros, or makes them that. */
  zero: {
    ask: { readonly zeros: Readonly<Record<string, readonly number[]>> }
    answer: object
  }
  /** Gives a kept tensor. */
  get: {
    ask: { readonly name: string }
    answer: { readonly tensors: readonly PackedTensor[] }
  }
  /** Loads a graph over kept tensors. */
  load: {
    ask: {
      readonly name: string
      readonly model: string
      readonly bindings: Bindings
      readonly options: SessionOptions
    }
    answer: GraphPorts
  }
  /** Runs a graph over kept tensors. */
  step: {
    ask: { readonly graph: string; readonly tensors: readonly PackedTensor[] } & StoreRun
    answer: { readonly tensors: readonly PackedTensor[]; readonly ms: number }
  }
  memory: { ask: object; answer: ProcessMemory }
  /** Frees the session; the host then closes the stream, on which the process ends. */
  release: { ask: object; answer: object }
}

/** The name of an operation. */
export type Operation = keyof Operations

/** A request's header. */
export type Ask<O extends Operation = Operation> = { readonly op: O } & Operations[O]['ask']

/** An error as it crosses the process boundary. */
export interface PlainError {
  readonly code: ErrorCode | 'internal'
  readonly message: string
  readonly hint?: string
}

/** An error in plain data. */
export function toPlainError(error: unknown): PlainError {
  if (error instanceof LimbeckError) {
    const { code, message, hint } = error
    return { code, message, ...(hint !== undefined && { hint }) }
  }
  return { code: 'internal', message: error instanceof Error ? error.message : String(error) }
}

/** The error behind plain data. */
export function fromPlainError({ code, message, hint }: PlainError): Error {
  if (code === 'internal') return new Error(message)
  return new LimbeckError(code, message, hint === undefined ? {} : { hint })
}
