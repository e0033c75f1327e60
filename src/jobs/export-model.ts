/**
 * `export` and `quantize`: one model folder in, one folder with ONNX files out.
 */
import { join } from 'node:path'
import { LimbeckError } from '../errors.ts'
import type { DataOptions } from '../fit/measured-text.ts'
import { nodeFiles } from '../hub/node-files.ts'
import { checkTarget, LIMBECK_FILE, writeFolder } from '../hub/write-folder.ts'
import { readOnnx } from '../onnx/read-onnx.ts'
import type { KernelReport } from '../report/kernel-report.ts'
import type { MixSearch } from '../report/mix-search.ts'
import type { Progress } from '../report/progress.ts'
import { hardware } from '../runtime/hardware.ts'
import { type BareFile, loadAny } from './any-model.ts'
import { type BuildResult, buildInChild } from './build-in-child.ts'
import { badWeight } from './check-finite.ts'
import { checkMix, checkSearch } from './check-search.ts'
import type { Verification } from './compare-outputs.ts'
import { comparisonTexts } from './comparison-texts.ts'
import type { NamedSizes } from './file-inputs.ts'
import { findModel, type HubOptions } from './find-model.ts'
import { checkFloat, foreignNotes } from './foreign-facts.ts'
import { kernelNotes, verificationNotes } from './kernel-notes.ts'
import type { LayerOverrideOptions } from './layer-overrides.ts'
import { writeLineage } from './lineage.ts'
import type { LoadedModel } from './load.ts'
import { isOnnxFile, type Reading } from './logical-graph.ts'
import { writeCompanions } from './model-files.ts'
import { dataFinders, planner, readRequest, recipeOf } from './quantization-plan.ts'
import type { QuantizeScheme, SchemeSettings } from './quantize-schemes.ts'
import { ladderOf, searchMix } from './search-mix.ts'
import { type Simulated, simulatedSaturates } from './simulate.ts'
import type { VariantPlan } from './variants.ts'
import { verifyBuilt } from './verify.ts'

/** Which lowering a file is for. */
export type Target = 'portable' | 'cpu'

interface WriteOptions extends HubOptions, Reading {
  /** Model folder, ONNX file of any exporter, or `org/name` of the Hub. */
  readonly model: string
  /** Folder to write. */
  readonly output: string
  /** One or both; default both. */
  readonly targets?: readonly Target[] | undefined
  /** Weights beside the file (`.onnx_data`) whatever their size; by default above 1 GB. */
  readonly externalData?: boolean | undefined
  /** Of an ONNX file alone: sizes of dimensions that a shape does not give, by name. */
  readonly dims?: NamedSizes | undefined
  /** Skip the comparison with the source model (it is then said so in `limbeck.json`). */
  readonly verify?: boolean | undefined
  readonly overwrite?: boolean | undefined
  readonly signal?: AbortSignal | undefined
  readonly progress?: Progress | undefined
}

/** `export`: fp32 ONNX files. */
export type ExportOptions = WriteOptions

/** `quantize`: ONNX files of fewer bits. */
export interface QuantizeOptions extends WriteOptions, SchemeSettings {
  readonly scheme: QuantizeScheme
  /** Module paths or parameter names that stay fp32; `*` matches any text. */
  readonly exclude?: readonly string[] | undefined
  /** Other schemes for some layers, such as `*.query=int4:block=64`; later ones win. */
  readonly overrides?: readonly (string | LayerOverrideOptions)[] | undefined
  /** Texts of the kind that the model will see: methods other than `rtn` need them. */
  readonly data?: DataOptions | undefined
  /** Texts of the data that calibration and sensitivity use; default 128. */
  readonly samples?: number | undefined
  /**
   * Leaves the fewest layers in more bits that keep the drop of the data's metric within this: `1%` of it, or `0.5pt`.
   * Without labels, answers are compared with fp32.
   */
  readonly maxDrop?: string | undefined
  /** With `maxDrop`: only a drop that is proven to be allowed will do. */
  readonly strict?: boolean | undefined
  /** With `maxDrop`: schemes that a layer can have between `scheme` and fp32. */
  readonly mix?: readonly QuantizeScheme[] | undefined
  /** A CPU whose integer products are simulated as well, such as `avx2`. */
  readonly simulate?: string | undefined
}

/** What was written. */
export interface WriteResult extends BuildResult {
  /** Absolute path of the folder. */
  readonly folder: string
  readonly seconds: number
  /** Largest difference from the source, by variant; undefined where it was not compared. */
  readonly verified: readonly {
    readonly name: string
    readonly maxAbsError: number
    readonly cosine: number
    /** Of a quantized file: what ONNX Runtime made of its operators, and whether it is exact on other CPUs. */
    readonly kernels?: KernelReport | undefined
    /** The same on the CPU that was simulated. */
    readonly simulated?: Simulated<Verification> | undefined
  }[]
  /** What a user must know of the files, a sentence each. */
  readonly notes: readonly string[]
  /** How the layers of more bits were found, where a drop was allowed. */
  readonly search?: MixSearch | undefined
}

/** What a target's files begin with. */
export const fileNames: Readonly<Record<Target, string>> = { portable: 'model', cpu: 'model_cpu' }

/**
 * Writes the model as fp32 ONNX: `onnx/model.onnx` (portable) and `onnx/model_cpu.onnx`.
 * @throws LimbeckError for bad input; the output folder is then untouched.
 */
export async function exportModel(options: ExportOptions): Promise<WriteResult> {
  const plans = targetsOf(options).map(
    (target): VariantPlan => ({
      name: `fp32 ${target}`,
      file: `onnx/${fileNames[target]}.onnx`,
      lowering: target,
      externalData: options.externalData,
    }),
  )
  return write(options, () => ({ plans }))
}

/**
 * Writes the model with fewer bits, by a scheme of `quantizeSchemes`: for `dynamic-int8`
 * `onnx/model_quantized.onnx` (portable, 7-bit weights that no CPU saturates) and
 * `onnx/model_cpu_quantized.onnx`, for `int4` `onnx/model_q4.onnx` and `onnx/model_cpu_q4.onnx`.
 * @throws LimbeckError for bad input; the output folder is then untouched.
 */
export async function quantize(options: QuantizeOptions): Promise<WriteResult> {
  const { data, maxDrop } = options
  checkMix(options.mix)
  const between = ladderOf(options).slice(1, -1)
  const more = between.map((scheme) => ({ layers: '*', scheme }))
  const request = readRequest(options, more)
  checkSearch(options, request)
  const { row, finds, ranges } = request
  if ((finds || ranges) && !data) {
    const isStatic = options.scheme === 'static-int8' ? '--scheme static-int8' : 'static-int8'
    const what = finds ? `--method ${finds}` : options.smooth ? '--smooth' : isStatic
    const other = finds ? '--method rtn' : '--scheme dynamic-int8 --per-token'
    throw new LimbeckError('usage', `${what} needs calibration data, and there is none.`, {
      hint: `Name a file of texts with --data, or take ${other}, which needs none.`,
    })
  }
  if (!(finds || ranges || maxDrop) && (data || options.samples !== undefined)) {
    throw new LimbeckError('usage', `--data means nothing to --scheme ${options.scheme} here.`, {
      hint: 'Add --method gptq or awq (int4, int8-weights, q4f16), --smooth (INT8) or --max-drop, or leave the data out.',
    })
  }
  const planned = async (model: LoadedModel | BareFile) => {
    checkFloat(model)
    const bad = badWeight(model.graph, options.exclude)
    if (bad) throw bad
    const planOf = await planner(options, request, dataFinders(model, options, request), more)
    const targets = targetsOf(options)
    const found = maxDrop && (await searchMix(model, { ...options, maxDrop }, planOf, targets))
    const plans = targets.map((target): VariantPlan => {
      const quantize = planOf(target, found ? found.overrides : [])
      return {
        name: `${quantize.scheme === 'mixed' ? `mixed ${row.title}` : row.title} ${target}`,
        file: `onnx/${fileNames[target]}_${row.suffix}.onnx`,
        lowering: target,
        quantize,
        externalData: options.externalData,
      }
    })
    return { plans, search: found ? found.search : undefined }
  }
  return write(options, planned, options)
}

/** 7 where this CPU's u8×s8 products saturate, else 8. */
export const cpuWeightBits = (): 7 | 8 => (hardware().int8.saturates ? 7 : 8)

function targetsOf({ targets = ['portable', 'cpu'] }: WriteOptions): readonly Target[] {
  const unknown = targets.find((target) => !(target in fileNames))
  if (unknown === undefined) return targets
  throw new LimbeckError('usage', `--target ${unknown} is not known; known are portable, cpu.`)
}

interface Planned {
  readonly plans: readonly VariantPlan[]
  readonly search?: MixSearch | undefined
}

async function write(
  options: WriteOptions,
  planned: (model: LoadedModel | BareFile) => Planned | Promise<Planned>,
  { data, simulate }: Pick<QuantizeOptions, 'data' | 'simulate'> = {},
): Promise<WriteResult> {
  const { output, overwrite, signal, progress } = options
  const run = { signal, progress }
  const start = performance.now()
  if (simulate !== undefined) simulatedSaturates(simulate)
  checkTarget(output, { overwrite })
  const { path } = await findModel(options.model, options)
  const model = loadAny(path, options)
  const { plans, search } = await planned(model)
  return writeFolder(output, { overwrite }, async (folder) => {
    const step = progress?.step('Writing', plans.length)
    let begun = 0
    const built = await buildInChild(
      { model: model.path, folder, variants: plans, dequantize: model.dequantize },
      { signal, onVariant: (name) => step?.update(begun++, name) },
    )
    step?.done(`${plans.length} file${plans.length === 1 ? '' : 's'}`)
    const encodings = data && model.dims ? await comparisonTexts(model, data) : []
    const verified =
      options.verify === false
        ? []
        : await verifyBuilt(model, folder, built.variants, { ...run, encodings, simulate })
    const external = Object.fromEntries(
      built.variants
        .filter((variant) => variant.files.length > 1)
        .map((variant) => [variant.file.replace('onnx/', ''), 1]),
    )
    if (model.dims) writeCompanions(model, folder, external)
    await writeLineage(join(folder, LIMBECK_FILE), model, {
      ...(model.dequantize && { dequantized: true }),
      steps: plans.map(({ name, file, lowering, quantize: q }) => ({
        name,
        file,
        lowering,
        quantize: q ? recipeOf(q) : null,
      })),
      verified: verified.length > 0 ? verified : null,
      ...(search && { search }),
    })
    const told = isOnnxFile(path) ? foreignNotes(readOnnx(path, nodeFiles), options) : []
    const notes = [...told, ...verificationNotes(verified), ...kernelNotes(verified)]
    const seconds = (performance.now() - start) / 1000
    return { ...built, folder: output, seconds, verified, notes, ...(search && { search }) }
  })
}
