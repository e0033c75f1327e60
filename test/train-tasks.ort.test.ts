/** Every task that a model can be trained for learns, from the files that its users have. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, it } from 'vitest'
import { Checkpoints } from '../src/fit/checkpoints.ts'
import { trainingTaskNames } from '../src/fit/training-task.ts'
import { hostArray } from '../src/graph/data-type.ts'
import { inlineValues } from '../src/graph/tensor.ts'
import { nodeFiles } from '../src/hub/node-files.ts'
import { mergeAdapters } from '../src/jobs/train-merge.ts'
import { prepareTraining } from '../src/jobs/train-prepare.ts'
import { runTraining } from '../src/jobs/train-run.ts'
import { trainSettings } from '../src/jobs/train-settings.ts'
import { materialize } from '../src/onnx/materialize.ts'
import { taskCases } from './support/task-cases.ts'
import { scratchFolder } from './support/tensors.ts'
import { writeTinyModel } from './support/tiny-model.ts'

const folder = scratchFolder()
let base: string
beforeAll(() => {
  base = writeTinyModel(join(folder, 'base'))
})

it('has a case for each task', () => {
  expect(Object.keys(taskCases)).toEqual(trainingTaskNames)
})

it.each(trainingTaskNames)('%s', async (task) => {
  const { file, metric, columns, labels } = taskCases[task]
  const path = join(folder, file[0])
  writeFileSync(path, file[1]())
  const options = { data: { file: path, ...columns }, dev: path, maxLength: 48 }
  const settings = trainSettings({
    ...{ steps: 48, batch: 16, learningRate: 5e-3, dropout: task === 'embeddings' ? 0.1 : 0 },
    ...{ threads: 1, evaluateEvery: 24, accumulate: task === 'regression' ? 2 : 1 },
    ...(task === 'pair-classification' && { ema: 0.9, maxTokens: 128, layerDecay: 0.9 }),
    ...(task === 'fill-mask' && { lora: 4, dropout: 0.1 }),
    ...(task === 'question-answering' && { recompute: true, dropout: 0.1 }),
    ...(task === 'token-classification' && { freeze: ['embeddings.*'], schedule: 'cosine' }),
  })
  const prepared = await prepareTraining(base, options, settings)
  expect(prepared.task).toBe(task)
  if (labels) expect(prepared.model.labels).toEqual(labels)
  const checkpoints = new Checkpoints(join(folder, `${task}.training`), { task })
  const { progress, weights } = await runTraining(prepared, { checkpoints, from: undefined })
  expect(progress.evaluations.map(({ metrics }) => metrics[0]!.name)).toEqual([metric, metric])
  const losses = progress.losses.map(({ loss }) => loss)
  const mean = (some: readonly number[]) => some.reduce((sum, loss) => sum + loss, 0) / some.length
  if (task === 'fill-mask') {
    const learned = await mergeAdapters(prepared.lora!, checkpoints.learned(weights), undefined)
    const query = 'bert.encoder.layer.1.attention.self.query.weight'
    const [before] = [...prepared.model.graph.weights.values()].filter(
      ({ parameter }) => parameter?.name === query,
    )
    const after = learned.get(query)!
    expect(after.shape).toEqual([32, 32])
    expect(inlineValues(after)).not.toEqual(
      hostArray('float32', materialize(before!.tensor, nodeFiles)),
    )
    expect([...learned.keys()].some((name) => name.includes('lora'))).toBe(false)
  }
  expect(mean(losses.slice(-8))).toBeLessThan(0.8 * mean(losses.slice(0, 8)))
})
