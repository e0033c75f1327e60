/** What decides a run's trajectory to the bit: the recipe that its output carries and its checkpoints check. */
import type { RunIdentity } from '../fit/checkpoints.ts'
import type { ModelFolder } from '../hub/model-folder.ts'
import { ortVersion } from '../runtime/ort.ts'
import { limbeckVersion, sha256 } from './lineage.ts'
import type { TrainDataOptions } from './train-data.ts'
import type { ModelForTask } from './train-model.ts'
import type { TrainSettings } from './train-settings.ts'

/** The recipe of a run, by name. */
export async function runIdentity(
  folder: ModelFolder,
  { task, model, columns }: ModelForTask,
  { data, dev }: TrainDataOptions,
  settings: TrainSettings,
  maxLength: number,
): Promise<RunIdentity> {
  const { file, task: _, ...reading } = data
  return {
    verb: 'train',
    base: folder.name,
    weights: await sha256(folder.weightsFile),
    task,
    labels: model.labels,
    columns: columns && { text: columns.text, pair: columns.textPair, label: columns.label },
    reading,
    data: await sha256(file),
    dev: dev === undefined ? undefined : await sha256(dev),
    maxLength,
    ...settings,
    limbeck: limbeckVersion,
    onnxruntime: await ortVersion(),
  }
}
