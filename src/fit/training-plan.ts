/**
 * The steps of a run: which examples each takes. A pure function of lengths and settings, asked by the
 * number of the step, so that a run can begin anywhere.
 */
import { LimbeckError } from '../errors.ts'
import { epochBatches, type OrderOptions } from './training-order.ts'

export interface PlanOptions extends OrderOptions {
  /** Passes over the data; or `steps`. */
  readonly epochs?: number | undefined
  /** Updates of the weights. */
  readonly steps?: number | undefined
  /** Batches whose gradients are summed in one step. */
  readonly accumulate: number
}

/** One step. */
export interface PlannedStep {
  /** From 0. */
  readonly epoch: number
  /** Places of examples, batch by batch. */
  readonly batches: readonly (readonly number[])[]
}

export interface TrainingPlan {
  /** Updates of the whole run. */
  readonly steps: number
  /** Epochs that are begun. */
  readonly epochs: number
  /** Step `step`, from 0. */
  at(step: number): PlannedStep
  /** Steps after which an epoch ends. */
  readonly ends: readonly number[]
  /** Rows and tokens a row of the largest batch. */
  readonly largest: { readonly rows: number; readonly width: number }
  /** Most pairs of tokens of a batch: what attention scores. */
  readonly mostPairs: number
}

/** Plans a run over examples of these lengths. */
export function trainingPlan(lengths: readonly number[], options: PlanOptions): TrainingPlan {
  const { epochs, steps, accumulate } = options
  checkLimits({ epochs, steps, accumulate })
  const wanted = steps ?? Number.POSITIVE_INFINITY
  const ends: number[] = []
  let largest = { rows: 0, width: 0 }
  let mostPairs = 0
  while (ends.length < (epochs ?? Number.POSITIVE_INFINITY) && (ends.at(-1) ?? 0) < wanted) {
    const batches = epochBatches(lengths, ends.length, options)
    for (const batch of batches) {
      const width = batch.reduce((most, place) => Math.max(most, lengths[place]!), 0)
      mostPairs = Math.max(mostPairs, batch.length * width ** 2)
      if (batch.length * width > largest.rows * largest.width)
        largest = { rows: batch.length, width }
    }
    ends.push((ends.at(-1) ?? 0) + Math.ceil(batches.length / accumulate))
  }
  const known = new Map<number, ReturnType<typeof epochBatches>>()
  const batchesOf = (epoch: number) => {
    const batches = known.get(epoch) ?? epochBatches(lengths, epoch, options)
    if (!known.has(epoch)) known.clear()
    known.set(epoch, batches)
    return batches
  }
  const total = Math.min(wanted, ends.at(-1)!)
  return {
    steps: total,
    epochs: ends.length,
    largest,
    mostPairs,
    ends: ends.map((end) => Math.min(end, total)),
    at(step) {
      const epoch = ends.findIndex((end) => step < end)
      const first = (step - (ends[epoch - 1] ?? 0)) * accumulate
      return { epoch, batches: batchesOf(epoch).slice(first, first + accumulate) }
    },
  }
}

function checkLimits(limits: Pick<PlanOptions, 'epochs' | 'steps' | 'accumulate'>): void {
  for (const [name, value] of Object.entries(limits)) {
    if (value === undefined || (Number.isInteger(value) && value > 0)) continue
    throw new LimbeckError('usage', `--${name} ${value}: expected a positive integer.`)
  }
}

/** Evaluations that a run has at least. */
const LEAST_EVALUATIONS = 4

/**
 * Whether weights are judged after this many steps: every so many, or after each epoch and at the quarters of the
 * run that no epoch's end is near.
 */
export function evaluatesAt(
  { steps, ends }: Pick<TrainingPlan, 'steps' | 'ends'>,
  every?: number,
): (at: number) => boolean {
  if (every !== undefined) return (at) => at % every === 0
  const near = steps / (2 * LEAST_EVALUATIONS)
  const quarters = Array.from({ length: LEAST_EVALUATIONS - 1 }, (_, i) =>
    Math.ceil(((i + 1) * steps) / LEAST_EVALUATIONS),
  ).filter((quarter) => ends.every((end) => Math.abs(end - quarter) > near))
  const all = new Set([...ends, ...quarters])
  return (at) => all.has(at)
}
