/**
 * What a run will need, before it begins: two sets of every tensor that a step writes, gradients, weights that
 * stay, and activations of the largest batch, planned by the order of the step's graph.
 */
import { freemem, totalmem } from 'node:os'
import { LimbeckError } from '../errors.ts'
import type { TrainingPlan } from '../fit/training-plan.ts'
import { elementCount } from '../graph/data-type.ts'
import type { Graph } from '../graph/graph.ts'
import { plannedMemory } from '../ops/planned-memory.ts'
import { formatBytes } from '../report/units.ts'
import type { TrainingStep } from '../train/training-step.ts'

/** Node, ONNX Runtime and its code. */
const PROCESS_BYTES = 120e6
/** What the arena rounds up and what kernels take for themselves. */
const ARENA = 1.15

export interface TrainingMemory {
  /** Parameters that learn, and those that do not. */
  readonly trained: number
  readonly frozen: number
  /** Bytes of both sets of weights and moments. */
  readonly state: number
  readonly activations: number
  readonly total: number
}

/** Estimates a run's memory, in bytes. @param rows of the model's batch for each example. */
export function trainingMemory(
  training: TrainingStep,
  { largest }: TrainingPlan,
  rowsEach: number,
): TrainingMemory {
  const bytesOf = (kinds?: string) =>
    training.state
      .filter(({ kind }) => kinds === undefined || kind === kinds)
      .reduce((sum, { shape }) => sum + 4 * elementCount(shape), 0)
  const weights = bytesOf('parameter')
  const main = training.accumulate ?? training.graph
  const rows = largest.rows * rowsEach
  const bindings = {
    ...{ batch_size: rows, sequence_length: largest.width },
    ...{ pairs: largest.rows, classes: 1 },
  }
  // the plan counts what a step writes as activations, too: the second set holds it
  const { peakBytes } = plannedMemory(main, bindings)
  const frozen = frozenBytes(main)
  const activations = ARENA * peakBytes
  const state = 2 * bytesOf()
  return {
    trained: weights / 4,
    frozen: frozen / 4,
    state,
    activations,
    total: PROCESS_BYTES + state + frozen + activations,
  }
}

const frozenBytes = ({ weights }: Graph): number =>
  [...weights.values()].reduce(
    (sum, { parameter, tensor }) => (parameter ? sum + 4 * elementCount(tensor.shape) : sum),
    0,
  )

/** @throws LimbeckError `runtime` where a run cannot fit in what this process may use. */
export function checkMemory(need: TrainingMemory, limit: number = memoryLimit()): void {
  if (need.total <= limit) return
  throw new LimbeckError(
    'runtime',
    `training needs about ${formatBytes(need.total)} (${formatBytes(need.state)} weights and moments, ${formatBytes(need.activations)} activations), and there are ${formatBytes(limit)}.`,
    {
      hint: 'Give a smaller --batch with --accumulate, a --max-tokens, a smaller --max-length, or --freeze layers.',
    },
  )
}

/** What this process may use: the container's limit, else the machine's memory. */
function memoryLimit(): number {
  // 0, or more than there is, where nothing limits
  const constrained = process.constrainedMemory()
  return constrained > 0 ? Math.min(totalmem(), constrained) : totalmem()
}

/** The estimate as a line. */
export const memoryText = (need: TrainingMemory): string =>
  `${formatBytes(need.total)}: ${formatBytes(need.state)} weights and moments, ${formatBytes(need.activations)} activations; ${formatBytes(freemem())} are free`
