/**
 * `prune`: a model folder in, the folder of the model with some of its layers out, which Python's
 * transformers loads. It is compared with the graph from which the other layers were cut out, and measured
 * beside the model as it was.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { LimbeckError } from '../errors.ts'
import type { DataOptions } from '../fit/measured-text.ts'
import { companionNames } from '../hub/folder-names.ts'
import { openModelFolder } from '../hub/model-folder.ts'
import { nodeFiles, writeFilesWhole } from '../hub/node-files.ts'
import { withScratchFolder } from '../hub/scratch-folder.ts'
import { checkTarget, copyFiles, writeFolder } from '../hub/write-folder.ts'
import { describeModel } from '../models/build-model.ts'
import { checkpointWithLayers, configWithLayers } from '../models/keep-layers.ts'
import { keptLayers } from '../models/kept-layers.ts'
import { tensorReader } from '../onnx/materialize.ts'
import { writeOnnx } from '../onnx/write-onnx.ts'
import { writeCheckpoint } from '../onnx/write-safetensors.ts'
import { dropLayers } from '../passes/structure/drop-layers.ts'
import type { Progress } from '../report/progress.ts'
import type { Report } from '../report/report.ts'
import { findModel, type HubOptions } from './find-model.ts'
import { finishModel } from './finish-model.ts'
import { sha256 } from './lineage.ts'
import { type LoadedModel, load } from './load.ts'
import { requireFile } from './require-file.ts'
import { compareFiles, verificationFeeds } from './verify.ts'

export interface PruneOptions extends HubOptions {
  /** Hugging Face or sentence-transformers folder with safetensors weights, or `org/name` of the Hub. */
  readonly model: string
  /** Layers to keep: `every-second`, `first-N`, `last-N`, `spread-N`, or numbers from 0 such as `0,2,4`. */
  readonly layers: string
  /** Folder to write. */
  readonly output: string
  readonly overwrite?: boolean | undefined
  /** Data that both are judged by, before and after. */
  readonly dev?: DataOptions | undefined
  readonly maxLength?: number | undefined
  /** Seconds of latency measurement by number of threads; default 2, 0 for none. */
  readonly seconds?: number | undefined
  readonly seed?: number | undefined
  /** The command as typed, for the report. */
  readonly command?: string | undefined
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
  readonly report: Report
}

/**
 * Keeps some layers of a model. Writes `model.safetensors`, `config.json`, tokenizer, ONNX files, `limbeck.json`
 * and `report.html`.
 * @throws LimbeckError for layers that are not there, or a model that cannot do with them; nothing is
 *   written then.
 * @example
 * await prune({ model: './MiniLM-L12', layers: 'every-second', output: './MiniLM-L6' })
 */
export async function prune(options: PruneOptions): Promise<PruneResult> {
  const { overwrite, output, dev, layers: wanted } = options
  checkTarget(output, { overwrite })
  if (dev) requireFile(dev.file)
  const { path } = await findModel(options.model, options)
  const model = load(path)
  const { name, weightsFile } = model.folder
  const kept = keptLayers(wanted, model.dims.layers)
  const layers = [model.dims.layers, kept.length] as const
  const done = await writeFolder(output, { overwrite }, async (aside) => {
    const pruned = await pruneInto(aside, model, kept, options)
    const { maxAbsError } = pruned
    const base = { base: name, weights: await sha256(weightsFile) }
    const report = await finishModel(aside, {
      ...{ output: resolve(output), name, dev, origin: { role: 'source', name, model } },
      ...{ maxLength: options.maxLength, seconds: options.seconds, seed: options.seed },
      ...{ command: options.command, signal: options.signal, progress: options.progress },
      title: `${name} with ${layers[1]} of its ${layers[0]} layers`,
      facts: {
        recipe: { verb: 'prune', ...base, layers: kept, of: layers[0] },
        verified: { maxAbsError },
      },
    })
    return { ...pruned, report }
  })
  return { folder: resolve(output), kept, layers, ...done }
}

type Watch = Pick<PruneOptions, 'signal' | 'progress'>

/** Writes the checkpoint of a model with these layers alone, and compares it with the model's graph without the others. */
export async function pruneInto(
  folder: string,
  model: LoadedModel,
  kept: readonly number[],
  watch: Watch = {},
): Promise<Pick<PruneResult, 'parameters' | 'maxAbsError'>> {
  writeWithLayers(model.path, kept, folder)
  const pruned = load(folder)
  watch.progress?.step('Keeping layers').done(`${kept.join(', ')} of ${model.dims.layers}`)
  const maxAbsError = await compared(model, pruned, kept, watch)
  return { parameters: [model.parameters, pruned.parameters], maxAbsError }
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
  watch: Watch,
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
