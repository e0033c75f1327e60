/**
 * The schemes of quantization, one row each: what its settings are, which pass does it, and whether that pass
 * annotates the logical graph or converts the lowered one.
 */
import { convertFloat16, type Float16Options } from './convert-float16.ts'
import type { Pass } from './pass.ts'
import { type BlockQuantizationOptions, quantizeBlocks } from './quantize-blocks.ts'
import { type DynamicQuantization, quantizeDynamic } from './quantize-dynamic.ts'
import { quantizeStatic, type StaticQuantization } from './quantize-static.ts'
import { smoothLayers } from './smooth.ts'
import { type StorageOptions, storeFloat } from './store-float.ts'

/** Settings of each scheme. */
export interface SchemeSettings {
  'dynamic-int8': DynamicQuantization
  'static-int8': StaticQuantization
  'weight-only': BlockQuantizationOptions
  /** Half floats throughout. */
  float16: Float16Options
  /** Half floats in the file alone. */
  'float-storage': StorageOptions
}

export type Scheme = keyof SchemeSettings

/** A scheme with its settings. */
export type Quantization = {
  readonly [S in Scheme]: { readonly scheme: S } & SchemeSettings[S]
}[Scheme]

interface SchemeRow<S extends Scheme> {
  /** Before the lowering, as an annotation that it turns into kernels; or after all passes. */
  readonly place: 'before' | 'after'
  pass(settings: SchemeSettings[S]): Pass
}

const rows: { readonly [S in Scheme]: SchemeRow<S> } = {
  'dynamic-int8': { place: 'before', pass: quantizeDynamic },
  'static-int8': { place: 'before', pass: quantizeStatic },
  'weight-only': { place: 'before', pass: quantizeBlocks },
  float16: { place: 'after', pass: convertFloat16 },
  'float-storage': { place: 'after', pass: storeFloat },
}

/** Names of the known schemes. */
export const schemes = Object.keys(rows) as readonly Scheme[]

/** The passes of a scheme that stand at this place of a pipeline; what smooths goes before what annotates. */
export function quantizePasses(
  quantization: Quantization | undefined,
  place: 'before' | 'after',
): readonly Pass[] {
  if (!quantization) return []
  const { scheme, ...settings } = quantization
  const row = rows[scheme] as SchemeRow<Scheme>
  if (row.place !== place) return []
  const smooth = 'smooth' in settings && settings.smooth ? [smoothLayers(settings.smooth)] : []
  return [...smooth, row.pass(settings as SchemeSettings[Scheme])]
}
