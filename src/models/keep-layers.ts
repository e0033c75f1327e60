/**
 * A checkpoint with some of its layers: their tensors are numbered anew and the configuration says how many
 * there are; all else stays, in the element type that it has (the recipe of MiniLM-L6, DistilBERT, LayerDrop).
 */
import type { Tensor } from '../graph/tensor.ts'
import type { ModelConfig } from './config.ts'
import type { Checkpoint } from './model-builder.ts'

/** `encoder.layer.3.…`, `transformer.layer.3.…`, `layers.3.…`; ALBERT's groups have no such number. */
const numbered = /^(.*?\blayers?\.)(\d+)(\..*)$/

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
    const [, before, layer, after] = numbered.exec(name) ?? []
    const place = layer === undefined ? undefined : places.get(Number(layer))
    if (layer === undefined) own.set(name, tensor)
    else if (place !== undefined) own.set(`${before}${place}${after}`, tensor)
  }
  return { file, tensors: own }
}
