/** One of two models to compare, whatever the user named: its graph as it runs, and what a configuration says. */
import { basename, join } from 'node:path'
import { LimbeckError } from '../errors.ts'
import type { Graph } from '../graph/graph.ts'
import { nodeFiles } from '../hub/node-files.ts'
import { readOnnx } from '../onnx/read-onnx.ts'
import { runPasses } from '../passes/pass.ts'
import { inferenceRules } from '../passes/raise/inference-mode.ts'
import { rulePass } from '../passes/rule-pass.ts'
import { loadAny } from './any-model.ts'
import { type FindOptions, findModel } from './find-model.ts'
import { trains } from './foreign-facts.ts'
import { load, type OpenedModel, openModel } from './load.ts'
import { isOnnxFile } from './logical-graph.ts'
import { findModelFile } from './model-files.ts'
import { requireFile } from './require-file.ts'

export interface ComparedModel {
  /** What the user knows it by, and the file where a folder has several. */
  readonly label: string
  /** The graph that runs: of the file as it is, of a model folder as it is built. */
  readonly graph: Graph
  /** The ONNX file; absent where there is none. */
  readonly file: string | undefined
  /** Absent where no configuration speaks of it. */
  readonly model: OpenedModel | undefined
}

/** Opens a model folder, a folder of ONNX files, an ONNX file or a model of the Hub. */
export async function comparedModel(
  given: string,
  variant: string | undefined,
  options: Omit<FindOptions, 'weights' | 'variant'>,
): Promise<ComparedModel> {
  if (isOnnxFile(given)) {
    if (variant !== undefined) {
      throw new LimbeckError('usage', `${given}: one file has no variants.`, {
        hint: 'Name a variant of a folder only.',
      })
    }
    return ofFile(requireFile(given), given, configured(given))
  }
  const { path, kind } = await findModel(given, { ...options, variant, weights: 'any' })
  // a cache may hold ONNX files that this call did not ask for
  const file = kind === 'safetensors' && !variant ? undefined : findModelFile(path, variant)
  if (file) return ofFile(file, join(given, 'onnx', basename(file)), openModel(path))
  const model = load(path)
  return { label: given, graph: model.graph, file: undefined, model }
}

/** What a file's folder says of it, where it says anything that fits. */
function configured(file: string): OpenedModel | undefined {
  const model = loadAny(file)
  return model.dims ? openModel(file) : undefined
}

function ofFile(file: string, label: string, model: OpenedModel | undefined): ComparedModel {
  const read = readOnnx(file, nodeFiles)
  const pass = rulePass('inference-mode', 'Switches off what only training does.', inferenceRules)
  const graph = trains(read) ? runPasses(read, [pass]).graph : read
  return { label, graph, file, model }
}
