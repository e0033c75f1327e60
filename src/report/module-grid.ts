/**
 * Layers of a model as a grid: a row for each numbered layer, a column for each module that layers have, under the
 * names that Transformers' papers use; and what stands outside of layers (embeddings, head) by itself.
 */
import { layerOf } from '../ops/layer-of.ts'

/** A module path's place; `layer` is absent outside of layers. */
export interface GridPlace {
  readonly path: string
  readonly layer?: string | undefined
  readonly column: string
}

export interface ModuleGrid {
  readonly layers: readonly string[]
  readonly columns: readonly string[]
  readonly cells: readonly GridPlace[]
}

/** What modules are called in the checkpoints of many families, by what they do; the first that fits. */
const roles: readonly (readonly [RegExp, string])[] = [
  [/qkv|c_attn/i, 'query, key, value'],
  [/(^|[._])q(uery)?(_lin|_proj)?($|\.)/, 'query'],
  [/(^|[._])k(ey)?(_lin|_proj)?($|\.)/, 'key'],
  [/(^|[._])v(alue)?(_lin|_proj)?($|\.)/, 'value'],
  [
    /^(.*\.)?(attn|attention|self_attn)\..*(output|out(_lin|_proj)?|o_proj|c_proj|wo|dense)\b/i,
    'attention output',
  ],
  [/intermediate|lin1|c_fc|fc1|\bwi\b|up_proj|gate/i, 'intermediate'],
  [/output|lin2|c_proj|fc2|\bwo\b|down_proj/i, 'output'],
]

const order = roles.map(([, name]) => name)

/** The grid of these module paths. */
export function moduleGrid(paths: readonly string[]): ModuleGrid {
  const places = paths.map((path) => {
    const layer = layerOf(path)
    const rest = path.slice(layer.length + 1)
    const isLayer = /\.\d+$/.test(layer) && rest !== ''
    return { path, rest, layer: isLayer ? layer : undefined }
  })
  const inside = [...new Set(places.flatMap(({ layer, rest }) => (layer ? [rest] : [])))]
  const named = new Map(inside.map((rest) => [rest, roles.find(([is]) => is.test(rest))?.[1]]))
  const titles = [...named.values()]
  // a name for two modules of a layer says too little
  const columnOf = (rest: string): string => {
    const name = named.get(rest)
    return name !== undefined && titles.filter((other) => other === name).length === 1 ? name : rest
  }
  const place = (column: string): number => {
    const known = order.indexOf(column)
    return known < 0 ? order.length : known
  }
  const numberOf = (layer: string): number => Number(layer.slice(layer.lastIndexOf('.') + 1))
  const layers = [...new Set(places.flatMap(({ layer }) => layer ?? []))]
  return {
    layers: layers.sort((a, b) => numberOf(a) - numberOf(b)),
    columns: [...new Set(inside.map(columnOf))].sort((a, b) => place(a) - place(b)),
    cells: places.map(({ path, rest, layer }) => ({
      path,
      layer,
      column: layer ? columnOf(rest) : path,
    })),
  }
}
