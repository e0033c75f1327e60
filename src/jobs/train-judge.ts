/** How weights under way are judged on dev data: by the task's metrics, or by the loss. */
import type { AnswerFeeds } from '../fit/given-answers.ts'
import type { MeasuredText } from '../fit/measured-text.ts'
import { rowReader, wantedOutputs } from '../fit/model-rows.ts'
import { judgeByLoss, judgeByMetrics } from '../fit/training-judge.ts'
import type { Evaluation } from '../fit/training-progress.ts'
import type { TrainingSet } from '../fit/training-set.ts'
import { type TrainingTask, trainingTask } from '../fit/training-task.ts'
import type { Graph, Value } from '../graph/graph.ts'
import type { Engine } from '../runtime/engine.ts'
import { extendGraph } from '../train/extend-graph.ts'
import type { WriteLoss } from '../train/training-step.ts'
import { stepOutputs } from '../train/write-update.ts'
import { BATCH_SIZE } from './evaluate.ts'
import type { TrainData } from './train-data.ts'
import type { ModelForTask, TrainedModel } from './train-model.ts'

/** Judges an engine that runs `judgedGraph`. */
export type JudgeWeights = (engine: Engine) => Promise<Omit<Evaluation, 'step'>>

/** A loss that dev data is judged by. */
export type JudgeLoss = (...given: Parameters<WriteLoss>) => Value

/** How a run is judged; undefined without dev data. */
export function judgeOf(
  { task, model }: ModelForTask,
  { dev, feeds, tokenizer }: TrainData,
  said?: AnswerFeeds,
): JudgeWeights | undefined {
  if (!dev) return undefined
  const options = { batchSize: BATCH_SIZE, padId: tokenizer.padId }
  if (trainingTask(task).judgedByLoss) {
    return (engine) => judgeByLoss(engine, (dev as TrainingSet).examples, feeds, options, said)
  }
  const { examples, judge } = dev as MeasuredText
  return (engine) => judgeByMetrics(engine, examples, judge!(), model, options)
}

/** The forward run with the outputs that are judged. @param taught the loss by which a teacher judges. */
export function judgedGraph(model: TrainedModel, task: TrainingTask, taught?: JudgeLoss): Graph {
  const { graph } = model
  const row = trainingTask(task)
  const outputs = Object.fromEntries(graph.outputs.map(({ name, value }) => [name, value]))
  if (row.judgedByLoss) {
    const bare = { ...graph, outputs: [] }
    const write: JudgeLoss = taught ?? ((b) => row.loss(b, outputs, {}))
    return extendGraph(bare, (b) => b.output(stepOutputs.loss, write(b, outputs, graph))).graph
  }
  const wanted = wantedOutputs(rowReader(model), Object.keys(outputs))
  return { ...graph, outputs: graph.outputs.filter(({ name }) => wanted.includes(name)) }
}
