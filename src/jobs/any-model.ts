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
import { checkDims, type NamedSizes } from './file-inputs.ts'
import { type LoadedModel, load } from './load.ts'
import { isOnnxFile, logicalGraph, type Reading } from './logical-graph.ts'
import { requireFile } from './require-file.ts'

/** What both kinds have. */
export interface AnyModel extends Reading {
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

/** How any model is loaded. */
export interface AnyOptions extends Reading {
  /** Sizes of dimensions of an ONNX file alone, by name. */
  readonly dims?: NamedSizes | undefined
}

/**
 * Loads a model folder, a file with a configuration that is understood, or a file alone.
 * @throws LimbeckError `usage` for options that mean nothing to that kind.
 */
export function loadAny(path: string, options: AnyOptions = {}): LoadedModel | BareFile {
  const { dims, dequantize } = options
  const reading = dequantize ? { dequantize } : {}
  const model = isOnnxFile(path) ? loadFile(path, reading) : load(path)
  if (dequantize && !isOnnxFile(path)) {
    throw new LimbeckError('usage', `--dequantize means nothing to the model folder ${path}.`, {
      hint: 'It makes floats of an ONNX file: name the file.',
    })
  }
  if (!dims) return model
  if (!model.dims) {
    checkDims(model.graph, dims)
    return { ...model, sizes: dims }
  }
  throw new LimbeckError(
    'usage',
    `--dim means nothing to ${path}: its configuration says its sizes.`,
    {
      hint: 'Leave it out; it is for ONNX files without config.json.',
    },
  )
}

function loadFile(path: string, reading: Reading): LoadedModel | BareFile {
  if (!hasConfig(requireFile(path))) {
    const why = `no config.json lies beside ${basename(path)} or above its onnx folder`
    return bareFile(path, why, reading)
  }
  try {
    return load(path, reading)
  } catch (error) {
    if (!(error instanceof LimbeckError) || error.code !== 'input') throw error
    // what is wrong with the file itself is said again
    return bareFile(path, error.message.replace(/\.$/, ''), reading)
  }
}

/** `config.json` beside an ONNX file, or above its `onnx` folder. */
function hasConfig(file: string): boolean {
  const beside = dirname(resolve(file))
  const folders = basename(beside) === 'onnx' ? [beside, dirname(beside)] : [beside]
  return folders.some((folder) => existsSync(join(folder, 'config.json')))
}

function bareFile(file: string, why: string, reading: Reading): BareFile {
  const path = resolve(file)
  const name = basename(path, '.onnx')
  const folder = { name, weightsFile: path, origin: undefined }
  return { path, why, graph: logicalGraph(path, reading).graph, folder, ...reading }
}

const BARE_FAMILY = 'ONNX file'

/** Whether a report is that of a file alone. */
export const isBare = ({ model }: { readonly model: Pick<ReportModel, 'family'> }): boolean =>
  model.family === BARE_FAMILY

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
    ...{ folder: given, name: folder.name, family: BARE_FAMILY, task: 'not known' },
    ...{ parameters, layers: layers.length, hidden, labels: [] },
  }
}
