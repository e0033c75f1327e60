/**
 * A model to work on, whether or not a configuration says what it is: an ONNX file alone has a graph, and
 * inputs are made up from that.
 */
import { existsSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { LimbeckError } from '../errors.ts'
import type { Graph } from '../graph/graph.ts'
import type { HubOrigin } from '../hub/hub-cache.ts'
import type { TextDims } from '../models/family.ts'
import { encoderLayers } from '../passes/structure/encoder-layers.ts'
import type { ReportModel } from '../report/report.ts'
import type { NamedSizes } from './file-inputs.ts'
import { type LoadedModel, load } from './load.ts'
import { isOnnxFile, logicalGraph } from './logical-graph.ts'
import { requireFile } from './require-file.ts'

/** What both kinds have. */
export interface AnyModel {
  readonly path: string
  readonly graph: Graph
  readonly folder: {
    readonly name: string
    readonly weightsFile: string
    readonly origin: HubOrigin | undefined
  }
  /** Absent where no configuration says them. */
  readonly dims?: TextDims | undefined
  /** Sizes of dimensions of an ONNX file, given by name. */
  readonly sizes?: NamedSizes | undefined
}

/** A file without a configuration. */
export interface BareFile extends AnyModel {
  readonly dims?: undefined
  /** Why no configuration speaks of it. */
  readonly why: string
}

/** Loads a model folder, a file with a configuration that is understood, or a file alone. */
export function loadAny(path: string, sizes?: NamedSizes): LoadedModel | BareFile {
  if (!isOnnxFile(path)) return load(path)
  if (!hasConfig(requireFile(path))) {
    const why = `no config.json lies beside ${basename(path)} or above its onnx folder`
    return bareFile(path, why, sizes)
  }
  try {
    return load(path)
  } catch (error) {
    if (!(error instanceof LimbeckError) || error.code !== 'input') throw error
    // what is wrong with the file itself is said again
    return bareFile(path, error.message.replace(/\.$/, ''), sizes)
  }
}

/** `config.json` beside an ONNX file, or above its `onnx` folder. */
function hasConfig(file: string): boolean {
  const beside = dirname(resolve(file))
  const folders = basename(beside) === 'onnx' ? [beside, dirname(beside)] : [beside]
  return folders.some((folder) => existsSync(join(folder, 'config.json')))
}

function bareFile(file: string, why: string, sizes: NamedSizes | undefined): BareFile {
  const path = resolve(file)
  const name = basename(path, '.onnx')
  const folder = { name, weightsFile: path, origin: undefined }
  return { path, why, graph: logicalGraph(path).graph, folder, sizes }
}

/** What a report says of a file alone. */
export function bareReport(given: string, { graph, folder }: BareFile): ReportModel {
  const layers = encoderLayers(graph)
  let parameters = 0
  for (const { tensor } of graph.weights.values()) {
    if (tensor.dtype.includes('float')) parameters += tensor.shape.reduce((n, dim) => n * dim, 1)
  }
  const norm = layers[0]?.attentionNorm?.inputs[1]
  const hidden = norm ? (graph.weights.get(norm)?.tensor.shape[0] ?? 0) : 0
  return {
    ...{ folder: given, name: folder.name, family: 'ONNX file', task: 'not known' },
    ...{ parameters, layers: layers.length, hidden, labels: [] },
  }
}
