/**
 * A checkpoint with some of its layers: their tensors are numbered anew and the configuration says how many
 * there are; all else stays, in the element type that it has (the recipe of MiniLM-L6, DistilBERT, LayerDrop).
 */
import type { Tensor } from '../graph/tensor.ts'
import type { ModelConfig } from './config.ts'
import type { Checkpoint } from './model-builder.ts'

/** `encoder.layer.3.…`, `transformer.layer.3.…`, `layers.3.…`; ALBERT's groups have no such number. */
const numbered = /^(.*?\blayers?\.)(\d+)(\..*)$/

/** Number of the layer that a parameter is of; undefined for others. */
export function layerOf(name: string): number | undefined {
  const layer = numbered.exec(name)?.[2]
  return layer === undefined ? undefined : Number(layer)
}

/** The parameter's name in another layer. */
export const withLayer = (name: string, layer: number | undefined): string =>
  layer === undefined ? name : name.replace(numbered, `$1${layer}$3`)

/** Keys of `config.json` that count layers. */
const counts: readonly string[] = ['num_hidden_layers', 'n_layers']

/** The configuration with these layers alone. */
export function configWithLayers(
  { file, json }: ModelConfig,
  kept: readonly number[],
): ModelConfig {
  const { layer_types: types } = json
  const changed = Object.fromEntries(
    counts.filter((key) => json[key] !== undefined).map((key) => [key, kept.length]),
  )
  const own = Array.isArray(types) ? { layer_types: kept.map((layer) => types[layer]) } : {}
  return { file, json: { ...json, ...changed, ...own } }
}

/** The tensors with these layers alone. */
export function checkpointWithLayers(
  { file, tensors }: Checkpoint,
  kept: readonly number[],
): Checkpoint {
  const places = new Map(kept.map((layer, place) => [layer, place]))
  const own = new Map<string, Tensor>()
  for (const [name, tensor] of tensors) {
    const layer = layerOf(name)
    const place = layer === undefined ? undefined : places.get(layer)
    if (layer === undefined || place !== undefined) own.set(withLayer(name, place), tensor)
  }
  return { file, tensors: own }
}
