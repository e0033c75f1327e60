/**
 * The schemes of `quantize`, one row each: what a user calls it, the ending of its file (as Transformers.js names
 * them, https://huggingface.co/docs/transformers.js/guides/dtypes), the settings that mean something to it and the
 * plan they come to. A new scheme is a row.
 */
import { LimbeckError } from '../errors.ts'
import type { WeightBits } from '../graph/graph.ts'
import type { Quantization } from '../passes/quantize.ts'
import type { BlockQuantizationOptions } from '../passes/quantize-blocks.ts'
import type { CalibrationMethod } from '../stats/calibrators.ts'
import type { Calibration } from './calibrate.ts'
import type { CodeMethod } from './calibrate-codes.ts'

/** Settings of all schemes together; which of them a scheme takes, its row says. */
export interface SchemeSettings {
  /** Weight range of dynamic INT8: 8 bits, or 7 where u8×s8 sums saturate (found from the CPU). */
  readonly weightBits?: WeightBits | undefined
  /** Dynamic INT8 with a range for each token, not for each batch. */
  readonly perToken?: boolean | undefined
  /** One scale for a whole weight, as Q8BERT has it, not one for each column. */
  readonly perTensor?: boolean | undefined
  /** SmoothQuant: inputs with outliers are divided, their weights multiplied; searched for on the data. */
  readonly smooth?: boolean | undefined
  /** How ranges are found from the data; default `percentile`. */
  readonly calibrate?: CalibrationMethod | undefined
  /** How static INT8 is written; default `fused` for this CPU, `qdq` for any. */
  readonly form?: 'fused' | 'qdq' | 'qoperator' | undefined
  /** Elements of a row that share a scale; default 32. */
  readonly block?: number | undefined
  /** No zero points: smaller by a little, less exact. */
  readonly symmetric?: boolean | undefined
  /**
   * `rtn`: to the nearest. By calibration data `gptq`: each rounding error made up for by the next; `awq`: loud
   * channels' weights multiplied before, ranges clipped; `awq-gptq`: both.
   */
  readonly method?: 'rtn' | CodeMethod | undefined
  /** 4 (default) computes with int8 activations, 0 with float32. */
  readonly accuracyLevel?: 0 | 4 | undefined
  /** Weights alone as half floats; computed in float32. */
  readonly storage?: boolean | undefined
}

/** What the settings of one file depend on. */
export interface SchemeContext {
  readonly target: 'portable' | 'cpu'
  /** Weight bits that this CPU can take. */
  readonly cpuBits: 7 | 8
  readonly exclude: readonly string[] | undefined
  /** Codes found by calibration. */
  readonly parts: BlockQuantizationOptions['parts']
  /** Ranges, and divisions of inputs, found by calibration. */
  readonly calibration?: Pick<Calibration, 'ranges' | 'smooth'> | undefined
}

export interface SchemeRow {
  /** Name of its variants. */
  readonly title: string
  /** Ending of the file's name: `model_q4`. */
  readonly suffix: string
  readonly settings: readonly (keyof SchemeSettings)[]
  plan(settings: SchemeSettings, context: SchemeContext): Quantization
}

const inBlocks = (
  bits: 4 | 8,
  settings: SchemeSettings,
  { exclude, parts }: SchemeContext,
): Extract<Quantization, { scheme: 'weight-only' }> => ({
  scheme: 'weight-only',
  bits,
  block: settings.block ?? 32,
  symmetric: settings.symmetric ?? false,
  accuracyLevel: settings.accuracyLevel ?? 4,
  method: settings.method ?? 'rtn',
  exclude,
  parts,
})

/** What a CPU widens to float32 to compute anyway: kept so, it rounds less often. */
const widened = [
  'Attention',
  'LayerNormalization',
  'RMSNormalization',
  'SimplifiedLayerNormalization',
]

const blockSettings = ['block', 'symmetric', 'method', 'accuracyLevel'] as const

export const quantizeSchemes = {
  'dynamic-int8': {
    title: 'INT8',
    suffix: 'quantized',
    settings: ['weightBits', 'perToken', 'perTensor', 'smooth'],
    plan: ({ weightBits, perToken, perTensor }, { target, cpuBits, exclude, calibration }) => ({
      scheme: 'dynamic-int8',
      exclude,
      weightBits: weightBits ?? (target === 'cpu' ? cpuBits : 7),
      ...(perToken && { activations: 'token' }),
      ...(perTensor && { granularity: 'tensor' }),
      smooth: calibration?.smooth,
    }),
  },
  'static-int8': {
    title: 'static INT8',
    suffix: 'static',
    settings: ['weightBits', 'perTensor', 'smooth', 'calibrate', 'form'],
    plan: ({ weightBits, perTensor, form }, { target, cpuBits, exclude, calibration }) => ({
      scheme: 'static-int8',
      exclude,
      weightBits: weightBits ?? (target === 'cpu' ? cpuBits : 7),
      ranges: calibration?.ranges ?? {},
      form: form === 'fused' ? 'cpu' : form,
      ...(perTensor && { granularity: 'tensor' }),
      smooth: calibration?.smooth,
    }),
  },
  'int8-weights': {
    title: 'INT8 weights',
    suffix: 'int8',
    settings: blockSettings,
    plan: (settings, context) => inBlocks(8, settings, context),
  },
  int4: {
    title: 'INT4',
    suffix: 'q4',
    settings: blockSettings,
    plan: (settings, context) => inBlocks(4, settings, context),
  },
  q4f16: {
    title: 'INT4 FP16',
    suffix: 'q4f16',
    settings: ['block', 'symmetric', 'method'],
    // of half floats and level 4, ONNX Runtime 1.30's CPU kernel gives wrong sums where its optimizer is off
    plan: (settings, context) => {
      const { exclude, target } = context
      return target === 'cpu'
        ? {
            ...inBlocks(4, settings, context),
            half: { exclude, block: [...widened, 'MatMulNBits'] },
          }
        : { ...inBlocks(4, { ...settings, accuracyLevel: 0 }, context), half: { exclude } }
    },
  },
  fp16: {
    title: 'FP16',
    suffix: 'fp16',
    settings: ['storage'],
    plan: ({ storage }, { exclude, target }) =>
      storage
        ? { scheme: 'float-storage', type: 'float16', exclude }
        : { scheme: 'float16', exclude, block: target === 'cpu' ? widened : [] },
  },
  bf16: {
    title: 'BF16',
    suffix: 'bf16',
    settings: [],
    plan: (_, { exclude }) => ({ scheme: 'float-storage', type: 'bfloat16', exclude }),
  },
} as const satisfies Record<string, SchemeRow>

export type QuantizeScheme = keyof typeof quantizeSchemes

/** Names of all schemes. */
export const quantizeSchemeNames = Object.keys(quantizeSchemes) as readonly QuantizeScheme[]

/** What a user calls each setting. */
export const flags: Readonly<Record<keyof SchemeSettings, string>> = {
  weightBits: '--weight-bits',
  perToken: '--per-token',
  perTensor: '--per-tensor',
  smooth: '--smooth',
  calibrate: '--calibrate',
  form: '--form',
  block: '--block',
  symmetric: '--symmetric',
  method: '--method',
  accuracyLevel: '--accuracy-level',
  storage: '--storage',
}

/** Block sizes that the kernels have. */
const blockSizes: readonly number[] = [16, 32, 64, 128, 256]

/** The row of a scheme. @throws LimbeckError for an unknown one, or a setting that means nothing to it. */
export function schemeRow(
  name: string,
  settings: SchemeSettings,
  /** Schemes of single layers beside it, which may take the settings. */
  others: readonly QuantizeScheme[] = [],
): SchemeRow {
  const rows: Readonly<Record<string, SchemeRow>> = quantizeSchemes
  const row = Object.hasOwn(rows, name) ? rows[name] : undefined
  if (!row) {
    throw new LimbeckError('usage', `--scheme ${name} is not known.`, {
      hint: `Known are ${quantizeSchemeNames.join(', ')}.`,
    })
  }
  const given = Object.keys(flags) as (keyof SchemeSettings)[]
  const takers = [row, ...others.map((other): SchemeRow => quantizeSchemes[other])]
  const takes = (key: keyof SchemeSettings) => takers.some((each) => each.settings.includes(key))
  const idle = given.find((key) => settings[key] !== undefined && !takes(key))
  if (idle) {
    const known = quantizeSchemeNames.filter((other) => rows[other]!.settings.includes(idle))
    throw new LimbeckError('usage', `${flags[idle]} means nothing to --scheme ${name}.`, {
      hint: `It belongs to ${known.join(', ')}.`,
    })
  }
  if (settings.block !== undefined && !blockSizes.includes(settings.block)) {
    throw new LimbeckError('usage', `--block ${settings.block} is no size that kernels have.`, {
      hint: `Sizes are ${blockSizes.join(', ')}.`,
    })
  }
  return row
}
