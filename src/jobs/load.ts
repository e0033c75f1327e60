/**
 * Opens a model: what its folder says, and its logical graph where the weights are there.
 */
import { existsSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { loadTokenizer, type Tokenizer } from '../data/tokenizer.ts'
import { LimbeckError } from '../errors.ts'
import {
  type ConfigFolder,
  type ModelFolder,
  openConfigFolder,
  openModelFolder,
} from '../hub/model-folder.ts'
import {
  type BuiltModel,
  buildModel,
  describeModel,
  type ModelInfo,
} from '../models/build-model.ts'

/** A model known by its configuration: enough to run and measure its ONNX files. */
export interface OpenedModel extends ModelInfo {
  readonly folder: ConfigFolder
}

/** A model in memory: its graph, with weights still in their files. */
export interface LoadedModel extends BuiltModel {
  readonly folder: ModelFolder
  /** Parameters of the graph, tied ones once. */
  readonly parameters: number
}

/**
 * Loads a Hugging Face or sentence-transformers folder with safetensors weights.
 * @throws LimbeckError `file` or `input` naming file, tensor, expected and found.
 * @example
 * const model = load('./my-model')
 * console.log(model.task, model.parameters, model.graph.nodes.length)
 */
export function load(folder: string): LoadedModel {
  const opened = openModelFolder(folder)
  const built = buildModel(opened)
  let parameters = 0
  for (const { parameter, tensor } of built.graph.weights.values()) {
    if (parameter) parameters += tensor.shape.reduce((product, dim) => product * dim, 1)
  }
  return { ...built, folder: opened, parameters }
}

/** Opens the folder of a model, or of one of its ONNX files. */
export function openModel(path: string): OpenedModel {
  const folder = openConfigFolder(path.endsWith('.onnx') ? folderOfModelFile(path) : path)
  return { ...describeModel(folder.config, folder.pooling), folder }
}

/** The folder with `config.json` beside an ONNX file, or above its `onnx` folder. */
function folderOfModelFile(file: string): string {
  const beside = dirname(resolve(file))
  const folders = [beside, dirname(beside)]
  const found = folders.find((folder) => existsSync(join(folder, 'config.json')))
  if (found !== undefined) return found
  throw new LimbeckError('file', `${file}: no config.json beside it or in the folder above.`, {
    hint: 'What texts and answers mean stands in the model folder; bench and inspect take a bare file.',
  })
}

/** The folder's tokenizer. @throws LimbeckError when it has none. */
export const tokenizerOf = (model: OpenedModel): Promise<Tokenizer> =>
  loadTokenizer(model.folder.path, model.dims.vocab)
