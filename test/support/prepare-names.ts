/** What a base model made ready for a task would be saved as. */
import type { DataOptions } from '../../src/fit/measured-text.ts'
import { openModelFolder } from '../../src/hub/model-folder.ts'
import { modelForTask } from '../../src/jobs/train-model.ts'

export async function prepareNames(folder: string, data: DataOptions) {
  const { model } = await modelForTask(openModelFolder(folder), data, 1)
  const parameters = [...model.graph.weights.values()].flatMap(({ parameter, tensor }) =>
    parameter ? [[parameter.name, [...tensor.shape]] as const] : [],
  )
  return { names: Object.fromEntries(parameters), config: model.config.json, made: model.made }
}
