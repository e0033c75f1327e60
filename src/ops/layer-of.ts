/**
 * The layer that a module path belongs to: up to its first number, `encoder.layer.3`, else its first part.
 */

/** Where nodes stand that no module asked for: what a pass added for the whole graph. */
export const NO_LAYER = '(graph)'

/**
 * The layer of a node's origin.
 * @example
 * layerOf('encoder.layer.3.attention.self.query') // encoder.layer.3
 * layerOf('pooler.dense') // pooler
 */
export function layerOf(origin: string): string {
  const parts = origin.split('.')
  const number = parts.findIndex((part) => /^\d+$/.test(part))
  return number > 0 ? parts.slice(0, number + 1).join('.') : parts[0] || NO_LAYER
}
