/**
 * The schemes of quantization, one row each: what its settings are, which pass does it, and whether that pass
 * annotates the logical graph or converts the lowered one. Schemes that annotate may stand side by side in one graph.
 */
import { annotateWeights } from './annotate-weights.ts'
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

/** A scheme of the whole graph, with its settings. */
type PlainQuantization = {
  readonly [S in Scheme]: { readonly scheme: S } & SchemeSettings[S]
}[Scheme]

/** A scheme that marks layers one by one, with its settings. */
export type LayerQuantization = Extract<
  PlainQuantization,
  { scheme: 'dynamic-int8' | 'static-int8' | 'weight-only' }
>

/** Several schemes in one graph. */
export interface MixedQuantization {
  readonly scheme: 'mixed'
  /** Of what no override names. */
  readonly base: LayerQuantization
  /** Later ones win. They are obeyed whatever the size of a weight. */
  readonly overrides: readonly LayerOverride[]
}

export interface LayerOverride {
  /** Module paths or parameter names; `*` matches any text. */
  readonly pattern: string
  readonly to: LayerQuantization | 'fp32'
}

/** A scheme with its settings, or a mix of them. */
export type Quantization = PlainQuantization | MixedQuantization

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

/** Whether a scheme marks layers one by one, so that others can stand beside it. */
export const marksLayers = (plan: Quantization): plan is LayerQuantization =>
  plan.scheme !== 'mixed' && rows[plan.scheme].place === 'before'

/** The passes of a scheme that stand at this place of a pipeline; what smooths goes before what annotates. */
export function quantizePasses(
  quantization: Quantization | undefined,
  place: 'before' | 'after',
): readonly Pass[] {
  if (!quantization) return []
  if (quantization.scheme === 'mixed') {
    return place === 'before' ? mixedPasses(quantization) : halving(quantization.base)
  }
  const { scheme, ...settings } = quantization
  const row = rows[scheme] as SchemeRow<Scheme>
  if (row.place !== place) return place === 'after' ? halving(quantization) : []
  return [...smoothing(quantization), row.pass(settings as SchemeSettings[Scheme])]
}

const smoothing = (plan: PlainQuantization): readonly Pass[] =>
  'smooth' in plan && plan.smooth ? [smoothLayers(plan.smooth)] : []

/** Few bits and half floats: what is left in float32 by the one is made half by the other. */
const halving = (plan: PlainQuantization): readonly Pass[] =>
  plan.scheme === 'weight-only' && plan.half ? [convertFloat16(plan.half)] : []

/** The last override marks first: what is marked is not marked again. Inputs are divided once, for all. */
function mixedPasses({ base, overrides }: MixedQuantization): readonly Pass[] {
  const plans = [base, ...overrides.flatMap(({ to }) => (to === 'fp32' ? [] : [to]))]
  const smooth = plans.map(smoothing).find((passes) => passes.length > 0) ?? []
  const kept: string[] = []
  const unsmoothed = <P extends LayerQuantization>(plan: P): P =>
    'smooth' in plan ? { ...plan, smooth: undefined } : plan
  const marking = overrides.toReversed().flatMap(({ pattern, to }) => {
    const only = [pattern]
    const exclude = [...kept]
    if (to !== 'fp32') {
      return quantizePasses({ ...unsmoothed(to), only, exclude, smallest: 1 }, 'before')
    }
    kept.push(pattern)
    return [keepFloat(only)]
  })
  const exclude = [...(base.exclude ?? []), ...kept]
  return [...smooth, ...marking, ...quantizePasses({ ...unsmoothed(base), exclude }, 'before')]
}

/** Marks nothing; tells of a pattern that names nothing, as all do. */
const keepFloat = (only: readonly string[]): Pass =>
  annotateWeights({
    only,
    name: 'keep-fp32',
    summary: 'Leaves layers in fp32 that an override names.',
    note: () => 'is to stay fp32',
  })
