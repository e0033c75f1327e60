/**
 * `prune`: a model folder in, the folder of the model with some of its layers out, which Python's
 * transformers loads. It is compared with the graph from which the other layers were cut out.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { LimbeckError } from '../errors.ts'
import { companionNames } from '../hub/folder-names.ts'
import { openModelFolder } from '../hub/model-folder.ts'
import { nodeFiles, writeFilesWhole } from '../hub/node-files.ts'
import { withScratchFolder } from '../hub/scratch-folder.ts'
import { checkTarget, copyFiles, LIMBECK_FILE, writeFolder } from '../hub/write-folder.ts'
import { describeModel } from '../models/build-model.ts'
import { checkpointWithLayers, configWithLayers } from '../models/keep-layers.ts'
import { keptLayers } from '../models/kept-layers.ts'
import { tensorReader } from '../onnx/materialize.ts'
import { writeOnnx } from '../onnx/write-onnx.ts'
import { writeCheckpoint } from '../onnx/write-safetensors.ts'
import { dropLayers } from '../passes/structure/drop-layers.ts'
import type { Progress } from '../report/progress.ts'
import { findModel, type HubOptions } from './find-model.ts'
import { writeLineage } from './lineage.ts'
import { type LoadedModel, load } from './load.ts'
import { compareFiles, verificationFeeds } from './verify.ts'

export interface PruneOptions extends HubOptions {
  /** Hugging Face or sentence-transformers folder with safetensors weights, or `org/name` of the Hub. */
  readonly model: string
  /** Layers to keep: `every-second`, `first-N`, `last-N`, `spread-N`, or numbers from 0 such as `0,2,4`. */
  readonly layers: string
  /** Folder to write. */
  readonly output: string
  readonly overwrite?: boolean | undefined
  readonly signal?: AbortSignal | undefined
  readonly progress?: Progress | undefined
}

export interface PruneResult {
  /** Absolute path of the folder written. */
  readonly folder: string
  /** Numbers of the layers that were kept, from 0. */
  readonly kept: readonly number[]
  /** Before and after. */
  readonly layers: readonly [number, number]
  readonly parameters: readonly [number, number]
  /** Largest difference from the model's graph with the other layers cut out. */
  readonly maxAbsError: number
}

/**
 * Keeps some layers of a model. Writes `model.safetensors`, `config.json` and the tokenizer.
 * @throws LimbeckError for layers that are not there, or a model that cannot do with them; nothing is
 *   written then.
 * @example
 * await prune({ model: './MiniLM-L12', layers: 'every-second', output: './MiniLM-L6' })
 */
export async function prune(options: PruneOptions): Promise<PruneResult> {
  const { overwrite, signal, progress } = options
  checkTarget(options.output, { overwrite })
  const { path } = await findModel(options.model, options)
  const model = load(path)
  const kept = keptLayers(options.layers, model.dims.layers)
  const done = await writeFolder(options.output, { overwrite }, async (aside) => {
    writeWithLayers(path, kept, aside)
    const pruned = load(aside)
    const step = progress?.step('Keeping layers')
    step?.done(`${kept.join(', ')} of ${model.dims.layers}`)
    const maxAbsError = await compared(model, pruned, kept, { signal, progress })
    await writeLineage(join(aside, LIMBECK_FILE), model, {
      recipe: { verb: 'prune', layers: kept, of: model.dims.layers },
      verified: { maxAbsError },
    })
    return { pruned, maxAbsError }
  })
  return {
    folder: resolve(options.output),
    kept,
    layers: [model.dims.layers, kept.length],
    parameters: [model.parameters, done.pruned.parameters],
    maxAbsError: done.maxAbsError,
  }
}

/** Writes the model of a folder with these layers alone. */
export function writeWithLayers(from: string, kept: readonly number[], folder: string): void {
  const { path, config, checkpoint, pooling } = openModelFolder(from)
  const { json } = configWithLayers(config, kept)
  const { layers } = describeModel({ ...config, json }, pooling).dims
  if (layers !== kept.length) {
    throw new LimbeckError(
      'input',
      `${config.file}: expected a model whose layers can be kept one by one, found one that applies them more than once.`,
    )
  }
  const { tensors } = checkpointWithLayers(checkpoint, kept)
  const reader = tensorReader(nodeFiles)
  mkdirSync(folder, { recursive: true })
  writeFilesWhole(folder, (open) => writeCheckpoint(tensors, open, { reader }))
  writeFileSync(join(folder, 'config.json'), `${JSON.stringify(json, null, 2)}\n`)
  copyFiles(path, folder, [...companionNames, '1_Pooling/config.json'])
}

/** The pruned model beside the graph with layers cut out. */
function compared(
  model: LoadedModel,
  pruned: LoadedModel,
  kept: readonly number[],
  watch: { signal?: AbortSignal | undefined; progress?: Progress | undefined },
): Promise<number> {
  const others = Array.from({ length: model.dims.layers }, (_, i) => i).filter(
    (layer) => !kept.includes(layer),
  )
  const cut = dropLayers(others).apply(model.graph)
  return withScratchFolder(async (scratch) => {
    const reader = tensorReader(nodeFiles)
    for (const [name, graph] of Object.entries({ cut, pruned: pruned.graph })) {
      writeFilesWhole(scratch, (open) => {
        const data = `${name}.onnx_data`
        writeOnnx(graph, open(`${name}.onnx`), {
          reader,
          externalData: { location: data, open: () => open(data), when: 'auto' },
        })
      })
    }
    const variant = { name: 'The pruned model', file: 'pruned.onnx', quantized: false }
    const feeds = verificationFeeds(model, [])
    const [found] = await compareFiles(join(scratch, 'cut.onnx'), scratch, [variant], feeds, watch)
    const { ok, maxAbsError } = found!
    if (ok) return maxAbsError
    throw new LimbeckError(
      'verify',
      `layers ${kept.join(', ')} of ${model.folder.path} answer otherwise at their new places (by up to ${maxAbsError.toPrecision(2)}).`,
      { hint: 'Its layers differ by their place; keep others, such as first-N.' },
    )
  })
}
