/**
 * The schemes of quantization, one row each: what its settings are and which pass annotates a graph by them.
 */
import type { Pass } from './pass.ts'
import { type BlockQuantizationOptions, quantizeBlocks } from './quantize-blocks.ts'
import { type DynamicQuantization, quantizeDynamic } from './quantize-dynamic.ts'
import { quantizeStatic, type StaticQuantization } from './quantize-static.ts'

/** Settings of each scheme. */
export interface SchemeSettings {
  'dynamic-int8': DynamicQuantization
  'static-int8': StaticQuantization
  'weight-only': BlockQuantizationOptions
}

export type Scheme = keyof SchemeSettings

/** A scheme with its settings. */
export type Quantization = {
  readonly [S in Scheme]: { readonly scheme: S } & SchemeSettings[S]
}[Scheme]

const annotations: { readonly [S in Scheme]: (settings: SchemeSettings[S]) => Pass } = {
  'dynamic-int8': quantizeDynamic,
  'static-int8': quantizeStatic,
  'weight-only': quantizeBlocks,
}

/** Names of the known schemes. */
export const schemes = Object.keys(annotations) as readonly Scheme[]

/** The pass that annotates a graph. */
export const quantizePass = ({ scheme, ...settings }: Quantization): Pass =>
  (annotations[scheme] as (settings: unknown) => Pass)(settings)
