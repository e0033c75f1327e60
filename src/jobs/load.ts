/**
 * Opens a model: what its folder says, and its logical graph where the weights are there.
 */
import { existsSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { loadTokenizer, type Tokenizer } from '../data/tokenizer.ts'
import { LimbeckError } from '../errors.ts'
import { rowReader, wantedOutputs } from '../fit/model-rows.ts'
import type { Graph } from '../graph/graph.ts'
import { type ConfigFolder, openConfigFolder, openModelFolder } from '../hub/model-folder.ts'
import {
  type BuiltModel,
  buildModel,
  describeModel,
  type ModelInfo,
} from '../models/build-model.ts'
import { isOnnxFile, logicalGraph, type Reading } from './logical-graph.ts'
import { requireFile } from './require-file.ts'

/** A model known by its configuration: enough to run and measure its ONNX files. */
export interface OpenedModel extends ModelInfo {
  readonly folder: ConfigFolder
}

/** A model in memory: its graph, with weights still in their files. */
export interface LoadedModel extends BuiltModel, Reading {
  readonly folder: ConfigFolder & {
    /** The weights' file, or the ONNX file. */
    readonly weightsFile: string
  }
  /** Parameters of the graph, tied ones once. */
  readonly parameters: number
  /** What it is built from: the model folder, or the ONNX file. */
  readonly path: string
}

/**
 * Loads a Hugging Face or sentence-transformers folder with safetensors weights, or an ONNX file of any
 * exporter with `config.json` beside it or above its `onnx` folder.
 * @throws LimbeckError `file` or `input` naming file, tensor, expected and found.
 * @example
 * const model = load('./my-model')
 * console.log(model.task, model.parameters, model.graph.nodes.length)
 */
export function load(path: string, reading?: Reading): LoadedModel {
  if (isOnnxFile(path)) {
    const { folder, ...info } = openModel(requireFile(path))
    const { graph } = logicalGraph(path, reading)
    checkOutputs(graph, info, path)
    const parameters = parametersOf(graph)
    return {
      ...info,
      ...reading,
      graph,
      parameters,
      path,
      folder: { ...folder, weightsFile: path },
    }
  }
  const folder = openModelFolder(path)
  const built = buildModel(folder)
  return { ...built, folder, parameters: parametersOf(built.graph), path: folder.path }
}

/** Parameters of a graph, tied ones once. */
function parametersOf(graph: Graph): number {
  let parameters = 0
  for (const { parameter, tensor } of graph.weights.values()) {
    if (parameter) parameters += tensor.shape.reduce((product, dim) => product * dim, 1)
  }
  return parameters
}

/** A file must take token ids and give what its configuration's task is read from. */
function checkOutputs(graph: Graph, info: ModelInfo, path: string): void {
  const names = graph.outputs.map(({ name }) => name)
  wantedOutputs(rowReader(info), names)
  if (graph.inputs.some(({ name }) => name === 'input_ids')) return
  throw new LimbeckError('input', `${path}: it has no input input_ids, which text models take.`)
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
