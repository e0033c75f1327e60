/** The training step that is timed: cross entropy, AdamW, clipping and dropout, as `limbeck train` makes it. */
import { trainingTask } from '../src/fit/training-task.ts'
import type { Graph } from '../src/graph/index.ts'
import { type TrainingStep, trainingStep } from '../src/train/training-step.ts'
import { randomModel } from './random-model.ts'
import {
  CLASSES,
  CLIP,
  configOf,
  DROPOUT as rate,
  type TrainingShape,
  widths,
} from './training-shape.ts'

export function trainingStepOf(shape: TrainingShape): { training: TrainingStep; judged: Graph } {
  const { rows, tokens, threads } = shape
  const judged = randomModel(configOf(shape), 'sequence-classification', CLASSES)
  const training = trainingStep({
    graph: judged,
    loss: (b, outputs) => trainingTask('text-classification').loss(b, outputs, {}),
    clip: CLIP,
    threads,
    dropout: {
      rates: {
        ...{ embeddings: rate, attention: rate, attentionOutput: rate, feedForward: rate },
        classifier: rate,
      },
      seed: 1,
      largest: Math.max(rows * tokens * widths.hidden, rows * tokens * tokens * widths.heads),
      layersOf: judged,
    },
  })
  return { training, judged }
}
