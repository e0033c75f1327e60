/**
 * From what a user asks of `quantize` to the plan of each file: schemes and their settings, and what calibration
 * finds for them once, whatever the number of files.
 */
import { LimbeckError } from '../errors.ts'
import type { LayerOverride, LayerQuantization, Quantization } from '../passes/quantize.ts'
import { marksLayers } from '../passes/quantize.ts'
import type { BareFile } from './any-model.ts'
import { calibrate } from './calibrate.ts'
import { type CodeMethod, calibrateCodes, type FoundCodes } from './calibrate-codes.ts'
import { cpuWeightBits, type QuantizeOptions, type Target } from './export-model.ts'
import { type LayerOverrideOptions, parseOverride } from './layer-overrides.ts'
import type { LoadedModel } from './load.ts'
import {
  quantizeSchemes,
  type SchemeContext,
  type SchemeRow,
  type SchemeSettings,
  schemeRow,
} from './quantize-schemes.ts'
import { layerSchemes } from './scheme-text.ts'

/** A request, understood: nothing of the model or the data was looked at. */
export interface QuantizationRequest {
  readonly row: SchemeRow
  readonly overrides: readonly LayerOverrideOptions[]
  /** The scheme marks layers one by one. */
  readonly marksLayers: boolean
  /** Codes are to be found by calibration. */
  readonly finds: CodeMethod | undefined
  /** What else calibration is to find: ranges of activations, or divisions of inputs alone. */
  readonly ranges: 'activations' | 'divisions' | undefined
}

/** What of the options makes a plan. */
export type PlannedOptions = SchemeSettings &
  Pick<QuantizeOptions, 'scheme' | 'exclude' | 'overrides'>

/** Plans of one model's files. */
export type PlanOf = (
  target: Target,
  /** Beside those of the request, before them. */
  more?: readonly LayerOverrideOptions[],
) => Quantization

/** @throws LimbeckError `usage` for what does not go together. @param more schemes that may come to be used. */
export function readRequest(
  options: PlannedOptions,
  more: readonly LayerOverrideOptions[] = [],
): QuantizationRequest {
  const overrides = (options.overrides ?? []).map((each) =>
    typeof each === 'string' ? parseOverride(each) : each,
  )
  const parts = [...overrides, ...more].filter(({ scheme }) => scheme !== 'fp32')
  const others = parts.flatMap(({ scheme }) => (scheme === 'fp32' ? [] : [scheme]))
  const row = schemeRow(options.scheme, options, others)
  if (overrides.length + more.length > 0 && !layerSchemes.includes(options.scheme)) {
    throw new LimbeckError(
      'usage',
      `--scheme ${options.scheme} is one for the whole file: no layer can have another.`,
      { hint: `Take one of ${layerSchemes.join(', ')}; --exclude leaves layers out of any.` },
    )
  }
  const schemes = [options.scheme, ...others]
  const finds = options.method === 'rtn' ? undefined : options.method
  const smooth = options.smooth === true
  if (finds && smooth) {
    throw new LimbeckError('usage', `--smooth changes the weights that --method ${finds} rounds.`, {
      hint: 'Leave one of them out.',
    })
  }
  if (finds?.startsWith('awq') && schemes.includes('static-int8')) {
    throw new LimbeckError('usage', `--method ${finds} divides inputs whose ranges are fixed.`, {
      hint: 'Take --method gptq beside static-int8, or another scheme.',
    })
  }
  const ranges = schemes.includes('static-int8') ? 'activations' : smooth ? 'divisions' : undefined
  return { row, overrides, finds, ranges, marksLayers: layerSchemes.includes(options.scheme) }
}

/** What calibration finds, and how. */
export interface Finders {
  readonly calibration: () => Promise<NonNullable<SchemeContext['calibration']>>
  readonly codes: (how: BlockPlan, method: CodeMethod) => Promise<FoundCodes>
}

/** Of `--data`. */
export const dataFinders = (
  model: LoadedModel | BareFile,
  options: QuantizeOptions,
  { ranges }: QuantizationRequest,
): Finders => ({
  calibration: async () => {
    withText(model)
    return calibrateRanges(options, ranges === 'activations')
  },
  codes: (how, method) =>
    calibrateCodes(withText(model), how, { ...options, method, data: options.data! }),
})

/**
 * Calibrates what the request needs, and gives the plan of each target's file.
 * @param more schemes that may come to be used.
 */
export async function planner(
  options: PlannedOptions,
  { row, overrides, finds, ranges }: QuantizationRequest,
  finders: Finders,
  more: readonly LayerOverrideOptions[] = [],
): Promise<PlanOf> {
  const calibration = ranges ? await finders.calibration() : undefined
  const codes = new Map<string, FoundCodes>()
  const planned = (target: Target, each: SchemeRow, settings: SchemeSettings) => {
    const context = { target, cpuBits: cpuWeightBits(), exclude: undefined, calibration }
    const plan = each.plan(settings, { ...context, parts: undefined })
    return plan.scheme === 'weight-only' ? { ...plan, ...codes.get(codesKey(plan)) } : plan
  }
  const override = (target: Target, { layers, scheme, ...own }: LayerOverrideOptions) => {
    if (scheme === 'fp32') return { pattern: layers, to: scheme }
    const each: SchemeRow = quantizeSchemes[scheme]
    const inherited = Object.fromEntries(each.settings.map((key) => [key, options[key]]))
    return { pattern: layers, to: planned(target, each, { ...inherited, ...own }) }
  }
  const planOf: PlanOf = (target, added = []) => {
    const base = { ...planned(target, row, options), exclude: options.exclude }
    const all = [...added, ...overrides].map((each) => override(target, each))
    if (all.length === 0 || !marksLayers(base)) return base
    return { scheme: 'mixed', base, overrides: all as readonly LayerOverride[] }
  }
  if (finds) {
    // AWQ divides inputs, once: codes of other blocks are the nearest of the weights that this leaves
    const plans = blockPlans(planOf('cpu', more)).slice(0, finds === 'gptq' ? undefined : 1)
    for (const how of plans) codes.set(codesKey(how), await finders.codes(how, finds))
  }
  return planOf
}

type BlockPlan = Extract<LayerQuantization, { scheme: 'weight-only' }>

/** Codes are found anew for each of these. */
const codesKey = ({ bits, block, symmetric }: BlockPlan): string =>
  [bits, block, symmetric].join('/')

/** The ways of a plan to cut weights into blocks, each once. */
function blockPlans(plan: Quantization): BlockPlan[] {
  const parts =
    plan.scheme === 'mixed' ? [plan.base, ...plan.overrides.map(({ to }) => to)] : [plan]
  const blocks = parts.flatMap((part) =>
    part !== 'fp32' && part.scheme === 'weight-only' ? [part] : [],
  )
  return [...new Map(blocks.map((part) => [codesKey(part), part])).values()]
}

/** A plan as it is told: codes that were found are in the file. */
export function recipeOf(plan: Quantization): object {
  if (plan.scheme === 'mixed') {
    const told = ({ pattern, to }: LayerOverride) => ({
      pattern,
      to: to === 'fp32' ? to : recipeOf(to),
    })
    return { ...plan, base: recipeOf(plan.base), overrides: plan.overrides.map(told) }
  }
  return plan.scheme === 'weight-only' ? { ...plan, parts: undefined } : plan
}

/** @throws LimbeckError `usage` for a file alone: there is nothing to read text with. */
export function withText(model: LoadedModel | BareFile): LoadedModel {
  if (model.dims) return model
  throw new LimbeckError('usage', `--data: ${model.why}, so there is nothing to read text with.`, {
    hint: 'Put config.json and the tokenizer beside the file.',
  })
}

const calibrateRanges = ({ calibrate: method, ...options }: QuantizeOptions, ranges: boolean) =>
  calibrate({
    ...{ model: options.model, revision: options.revision, offline: options.offline },
    dequantize: options.dequantize,
    ...{ data: options.data!, samples: options.samples, smooth: options.smooth, ranges },
    outputs: options.form === 'qoperator' || undefined,
    ...{ method, weightBits: options.weightBits ?? cpuWeightBits() },
    ...{ signal: options.signal, progress: options.progress },
  })
