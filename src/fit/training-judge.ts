/**
 * What dev data says of weights under way: the task's metrics, or the loss where a task has none.
 */
import type { ModelInfo } from '../models/build-model.ts'
import type { Engine } from '../runtime/engine.ts'
import { stepOutputs } from '../train/write-update.ts'
import type { AnswerFeeds } from './given-answers.ts'
import { rowReader } from './model-rows.ts'
import { predictExamples } from './predict.ts'
import type { Judge, ReadyExample } from './ready-example.ts'
import { type FeedOptions, lengthOf, trainingFeeds } from './training-feeds.ts'
import { epochBatches } from './training-order.ts'
import type { Evaluation } from './training-progress.ts'
import type { TrainingExample } from './training-set.ts'

export interface JudgeOptions {
  readonly batchSize: number
  readonly padId: number
  readonly signal?: AbortSignal | undefined
  /** Told the texts done. */
  readonly onProgress?: ((done: number) => void) | undefined
}

/** By metrics. */
export async function judgeByMetrics(
  engine: Engine,
  examples: readonly ReadyExample[],
  judge: Judge,
  model: ModelInfo,
  options: JudgeOptions,
): Promise<Omit<Evaluation, 'step'>> {
  const running = predictExamples(engine, examples, { reader: rowReader(model), ...options })
  for await (const done of running) judge.add(done)
  const results = judge.result()
  const metrics = results.map(({ name, value }) => ({ name, value }))
  return { metrics, better: results[0]!.better }
}

/** By the loss, each example counting once; masks are the same every time. @param said what a teacher said. */
export async function judgeByLoss(
  engine: Engine,
  examples: readonly TrainingExample[],
  feeds: FeedOptions,
  { batchSize, signal, onProgress }: JudgeOptions,
  said?: AnswerFeeds,
): Promise<Omit<Evaluation, 'step'>> {
  let [sum, done] = [0, 0]
  const order = epochBatches(examples.map(lengthOf), 0, { seed: 0, batchSize })
  for (const [place, batch] of order.entries()) {
    const own = batch.map((at) => examples[at]!)
    const texts = trainingFeeds(own, [0, place], feeds)
    const all = { ...texts, ...said?.feeds(batch, texts.input_ids!.shape[1]!) }
    const outputs = await engine.run(all, {
      outputs: [stepOutputs.loss],
      ...(signal && { signal }),
    })
    sum += own.length * Number(outputs[stepOutputs.loss]!.data[0])
    done += own.length
    onProgress?.(done)
  }
  return { metrics: [{ name: 'loss', value: sum / done }], better: 'lower' }
}
