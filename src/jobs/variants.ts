/**
 * The variants that Limbeck writes of a model: one table row each.
 *
 * `portable` files load in Transformers.js, browsers and any ONNX Runtime; `cpu` files use this machine's
 * best kernels. Names follow Transformers.js: `model.onnx`, `model_quantized.onnx`, and the CPU's own
 * under the base name `model_cpu`.
 */

import type { PassRecord } from '../passes/pass.ts'
import type { Lowering } from '../passes/pipelines.ts'
import type { Quantization } from '../passes/quantize.ts'

/** One file to write. */
export interface VariantPlan {
  readonly name: string
  /** Relative to the output folder. */
  readonly file: string
  readonly lowering: Lowering
  readonly quantize?: Quantization | undefined
  readonly externalData?: boolean | undefined
  /** Promises that every batch is padded on the right: attention then takes lengths, not a mask. */
  readonly padding?: 'right' | undefined
}

/** The source as an exporter writes it: the rival of all others, not kept in the output. */
export const sourcePlan: VariantPlan = {
  name: 'fp32 as exported',
  file: 'source/model.onnx',
  lowering: 'exported',
}

/** What a model was made from, as an exporter writes it: measured beside it, not kept. */
export const originPlans: Readonly<Record<'source' | 'teacher', VariantPlan>> = {
  source: { name: 'source', file: 'source/origin.onnx', lowering: 'exported' },
  teacher: { name: 'teacher', file: 'source/origin.onnx', lowering: 'exported' },
}

/** Files that run as others run them: with ONNX Runtime's defaults. */
export const isExported = (name: string): boolean =>
  name === sourcePlan.name || Object.hasOwn(originPlans, name)

/** Variants that `optimize` writes; the CPU's may use 8-bit weights where the CPU does not saturate. */
export function optimizePlans(cpuWeightBits: 7 | 8): VariantPlan[] {
  const scheme = 'dynamic-int8'
  return [
    { name: 'fp32 portable', file: 'onnx/model.onnx', lowering: 'portable' },
    { name: 'fp32 optimized', file: 'onnx/model_cpu.onnx', lowering: 'cpu' },
    {
      name: 'INT8 portable',
      file: 'onnx/model_quantized.onnx',
      lowering: 'portable',
      quantize: { scheme, weightBits: 7 },
    },
    {
      name: 'INT8',
      file: 'onnx/model_cpu_quantized.onnx',
      lowering: 'cpu',
      quantize: { scheme, weightBits: cpuWeightBits },
    },
  ]
}

/** Folder of the output that a student has for its own, and first word of its variants' names. */
export const STUDENT = 'student'

/** A variant as the student has it. */
export const ofStudent = (plan: VariantPlan): VariantPlan => ({
  ...plan,
  name: `${STUDENT} ${plan.name}`,
  file: `${STUDENT}/${plan.file}`,
})

export const isOfStudent = ({ name }: Pick<VariantPlan, 'name'>): boolean =>
  name.startsWith(`${STUDENT} `)

/** What writing a variant came to. */
export interface BuiltVariant {
  readonly name: string
  readonly file: string
  /** Model and external data together. */
  readonly bytes: number
  readonly files: readonly string[]
  readonly seconds: number
  readonly nodes: number
  readonly quantized: boolean
  /** Such as `int4`, where it is neither fp32 nor int8. */
  readonly precision?: string | undefined
  /** It computes in half floats, as its source does. */
  readonly half?: boolean | undefined
  readonly passes: readonly PassRecord[]
}
