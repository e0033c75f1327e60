/** One file as `inspect` shows it: its parts with work and time, and the memory of its activations. */
import type { Roofline } from '../bench/roofline.ts'
import type { Graph } from '../graph/graph.ts'
import type { Bindings } from '../graph/shape.ts'
import type { NodeWork } from '../ops/graph-work.ts'
import { plannedMemory } from '../ops/planned-memory.ts'
import type { PassRecord } from '../passes/pass.ts'
import type { KernelReport } from '../report/kernel-report.ts'
import type { Profile } from '../runtime/profile.ts'
import { type InspectedPart, inspectParts } from './inspect-parts.ts'

/** Peak memory of the activations of one run; bytes. */
export interface ActivationMemory {
  readonly planned: number
  /** Module path and operator that runs at the planned peak. */
  readonly at: string | undefined
  /** What the outputs of nodes really took at most. */
  readonly measured: number | undefined
  /** The same with what kernels take for themselves and what the allocator rounds up. */
  readonly withKernels: number | undefined
}

/** One file; times in milliseconds. */
export interface InspectedVariant {
  readonly name: string
  readonly bytes: number
  /** Median run, measured without the profiler. */
  readonly ms: number
  /** Of a profiled run, between and around its nodes. */
  readonly overheadMs: number
  readonly operators: readonly InspectedPart[]
  readonly layers: readonly InspectedPart[]
  readonly memory: ActivationMemory
  /** Of a quantized file: what ONNX Runtime made of it. */
  readonly kernels?: KernelReport | undefined
  /** What passes did on the way to the file; none for a file that was given. */
  readonly passes: readonly PassRecord[]
}

/** What is known of a file. */
export interface MeasuredVariant
  extends Pick<InspectedVariant, 'name' | 'bytes' | 'ms' | 'passes' | 'kernels'> {
  readonly graph: Graph
  readonly work: readonly NodeWork[]
  readonly profile: Profile
}

/** Joins the graph and the profile of a file. */
export function inspectVariant(
  { graph, work, profile, ...known }: MeasuredVariant,
  bindings: Bindings,
  roofline: Roofline,
): InspectedVariant {
  const { peakBytes, at } = plannedMemory(graph, bindings)
  return {
    ...known,
    overheadMs: Math.max(0, profile.runMs - profile.nodes.reduce((sum, { ms }) => sum + ms, 0)),
    operators: inspectParts('operator', work, profile, roofline),
    layers: inspectParts('layer', work, profile, roofline),
    memory: {
      planned: peakBytes,
      at: at && [at.origin, at.op].filter(Boolean).join('/'),
      measured: profile.activationBytes,
      withKernels: profile.arenaBytes,
    },
  }
}
