/**
 * `export` and `quantize`: one model folder in, one folder with ONNX files out.
 */
import { join } from 'node:path'
import { LimbeckError } from '../errors.ts'
import type { DataOptions } from '../fit/measured-text.ts'
import { checkTarget, LIMBECK_FILE, writeFolder } from '../hub/write-folder.ts'
import type { Quantization } from '../passes/quantize.ts'
import type { Progress } from '../report/progress.ts'
import { hardware } from '../runtime/hardware.ts'
import { type BareFile, loadAny } from './any-model.ts'
import { type BuildResult, buildInChild } from './build-in-child.ts'
import { calibrate } from './calibrate.ts'
import { calibrateCodes } from './calibrate-codes.ts'
import type { NamedSizes } from './file-inputs.ts'
import { findModel, type HubOptions } from './find-model.ts'
import { checkFloat } from './foreign-facts.ts'
import { writeLineage } from './lineage.ts'
import type { LoadedModel } from './load.ts'
import { writeCompanions } from './model-files.ts'
import {
  type QuantizeScheme,
  type SchemeContext,
  type SchemeSettings,
  schemeRow,
} from './quantize-schemes.ts'
import type { VariantPlan } from './variants.ts'
import { verifyBuilt } from './verify.ts'

/** Which lowering a file is for. */
export type Target = 'portable' | 'cpu'

interface WriteOptions extends HubOptions {
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
  /** Texts of the kind that the model will see: `method: 'gptq'` needs them. */
  readonly data?: DataOptions | undefined
  /** Texts of the data that are used; default 128. */
  readonly samples?: number | undefined
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
  }[]
}

const names: Readonly<Record<Target, string>> = { portable: 'model', cpu: 'model_cpu' }

/**
 * Writes the model as fp32 ONNX: `onnx/model.onnx` (portable) and `onnx/model_cpu.onnx`.
 * @throws LimbeckError for bad input; the output folder is then untouched.
 */
export async function exportModel(options: ExportOptions): Promise<WriteResult> {
  const plans = targetsOf(options).map(
    (target): VariantPlan => ({
      name: `fp32 ${target}`,
      file: `onnx/${names[target]}.onnx`,
      lowering: target,
      externalData: options.externalData,
    }),
  )
  return write(options, () => plans)
}

/**
 * Writes the model with fewer bits, by a scheme of `quantizeSchemes`: for `dynamic-int8`
 * `onnx/model_quantized.onnx` (portable, 7-bit weights that no CPU saturates) and
 * `onnx/model_cpu_quantized.onnx`, for `int4` `onnx/model_q4.onnx` and `onnx/model_cpu_q4.onnx`.
 * @throws LimbeckError for bad input; the output folder is then untouched.
 */
export async function quantize(options: QuantizeOptions): Promise<WriteResult> {
  const row = schemeRow(options.scheme, options)
  const finds = options.method === 'gptq'
  const ranges = options.scheme === 'static-int8' || options.smooth === true
  const { data } = options
  if ((finds || ranges) && !data) {
    const what = finds ? '--method gptq' : options.smooth ? '--smooth' : '--scheme static-int8'
    const other = finds ? '--method rtn' : '--scheme dynamic-int8 --per-token'
    throw new LimbeckError('usage', `${what} needs calibration data, and there is none.`, {
      hint: `Name a file of texts with --data, or take ${other}, which needs none.`,
    })
  }
  if (!(finds || ranges) && (data || options.samples !== undefined)) {
    throw new LimbeckError('usage', `--data means nothing to --scheme ${options.scheme} here.`, {
      hint: 'Add --method gptq (int4, int8-weights) or --smooth (INT8), or leave the data out.',
    })
  }
  const contextOf = (
    target: Target,
    found: Partial<Pick<SchemeContext, 'parts' | 'calibration'>> = {},
  ): SchemeContext => ({
    target,
    cpuBits: cpuWeightBits(),
    exclude: options.exclude,
    parts: found.parts,
    calibration: found.calibration,
  })
  const targets = targetsOf(options)
  return write(options, async (model) => {
    const first = row.plan(options, contextOf(targets[0]!))
    const parts =
      finds && first?.scheme === 'weight-only'
        ? await calibrateCodes(withText(model), first, { ...options, data: data! })
        : undefined
    const calibration = ranges ? await calibrateRanges(options, data!) : undefined
    return targets.map(
      (target): VariantPlan => ({
        name: `${row.title} ${target}`,
        file: `onnx/${names[target]}_${row.suffix}.onnx`,
        lowering: target,
        quantize: row.plan(options, contextOf(target, { parts, calibration })),
        externalData: options.externalData,
      }),
    )
  })
}

/** @throws LimbeckError `usage` for a file alone: there is nothing to read text with. */
function withText(model: LoadedModel | BareFile): LoadedModel {
  if (model.dims) return model
  throw new LimbeckError('usage', `--data: ${model.why}, so there is nothing to read text with.`, {
    hint: 'Put config.json and the tokenizer beside the file.',
  })
}

const calibrateRanges = ({ calibrate: method, ...options }: QuantizeOptions, data: DataOptions) =>
  calibrate({
    ...{ model: options.model, revision: options.revision, offline: options.offline },
    ...{ data, samples: options.samples, smooth: options.smooth },
    ...{ method, weightBits: options.weightBits ?? cpuWeightBits() },
    ...{ signal: options.signal, progress: options.progress },
  })

/** 7 where this CPU's u8×s8 products saturate, else 8. */
export const cpuWeightBits = (): 7 | 8 => (hardware().int8.saturates ? 7 : 8)

function targetsOf({ targets = ['portable', 'cpu'] }: WriteOptions): readonly Target[] {
  const unknown = targets.find((target) => !(target in names))
  if (unknown === undefined) return targets
  throw new LimbeckError('usage', `--target ${unknown} is not known; known are portable, cpu.`)
}

async function write(
  options: WriteOptions,
  planned: (
    model: LoadedModel | BareFile,
  ) => readonly VariantPlan[] | Promise<readonly VariantPlan[]>,
): Promise<WriteResult> {
  const { output, overwrite, signal, progress } = options
  const start = performance.now()
  checkTarget(output, { overwrite })
  const { path } = await findModel(options.model, options)
  const model = loadAny(path, options.dims)
  const plans = await planned(model)
  if (plans.some((plan) => plan.quantize)) checkFloat(model.graph, model.path)
  return writeFolder(output, { overwrite }, async (folder) => {
    const step = progress?.step('Writing', plans.length)
    let begun = 0
    const built = await buildInChild(
      { model: model.path, folder, variants: plans },
      { signal, onVariant: (name) => step?.update(begun++, name) },
    )
    step?.done(`${plans.length} file${plans.length === 1 ? '' : 's'}`)
    const verified =
      options.verify === false
        ? []
        : await verifyBuilt(model, folder, built.variants, { signal, progress })
    const external = Object.fromEntries(
      built.variants
        .filter((variant) => variant.files.length > 1)
        .map((variant) => [variant.file.replace('onnx/', ''), 1]),
    )
    if (model.dims) writeCompanions(model, folder, external)
    await writeLineage(join(folder, LIMBECK_FILE), model, {
      steps: plans.map(({ name, file, lowering, quantize: q }) => ({
        name,
        file,
        lowering,
        quantize: q ? recipeOf(q) : null,
      })),
      verified: verified.length > 0 ? verified : null,
    })
    return { ...built, folder: output, seconds: (performance.now() - start) / 1000, verified }
  })
}

/** A plan as it is told: codes that were found are in the file. */
const recipeOf = (plan: Quantization): object =>
  plan.scheme === 'weight-only'
    ? { ...plan, parts: undefined, method: plan.parts ? 'gptq' : 'rtn' }
    : plan
