/** Work of a run's steps: each batch by its own rows and padded width, shapes that come again counted once. */
import { lengthOf } from '../fit/training-feeds.ts'
import { trainingTask } from '../fit/training-task.ts'
import type { Graph } from '../graph/graph.ts'
import { graphFlops } from '../ops/graph-cost.ts'
import type { PreparedTraining } from './train-prepare.ts'

type Run = Pick<PreparedTraining, 'task' | 'plan' | 'data' | 'training'>

/** Operations of the first `steps` steps, padding included; a multiply-add is two. */
export function trainingFlops({ task, plan, data, training }: Run, steps: number): number {
  const { rows: each } = trainingTask(task)
  const lengths = data.training.examples.map(lengthOf)
  const batches = new Map<string, { rows: number; width: number; times: number }>()
  for (let step = 0; step < steps; step++) {
    for (const places of plan.at(step).batches) {
      const [rows, width] = [places.length, Math.max(...places.map((place) => lengths[place]!))]
      const key = `${rows}x${width}`
      batches.set(key, { rows, width, times: (batches.get(key)?.times ?? 0) + 1 })
    }
  }
  const ofBatch = graphFlops(training.accumulate ?? training.graph)
  let total = training.accumulate ? steps * updateOf(training.graph) : 0
  for (const { rows, width, times } of batches.values()) {
    const sizes = { batch_size: rows * each, sequence_length: width, pairs: rows, classes: 1 }
    total += times * ofBatch(sizes)
  }
  return total
}

/** The update alone, which sees no batch. */
const updateOf = (graph: Graph): number => graphFlops(graph)({})
