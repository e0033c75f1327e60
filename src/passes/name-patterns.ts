/** Patterns of names (`*` for any text): which names they match, and which pattern matches nothing. */
import { LimbeckError, nearest } from '../errors.ts'
import type { Graph } from '../graph/graph.ts'

/** What patterns may name: module paths and parameters. */
export const graphNames = (graph: Graph): string[] => [
  ...graph.nodes.map(({ origin }) => origin),
  ...[...graph.weights.values()].map(({ parameter }) => parameter?.name ?? ''),
]

/** A pattern with `*` for any text, anchored at both ends. */
export function globPattern(text: string): RegExp {
  const escaped = text.split('*').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
  return new RegExp(`^${escaped.join('.*')}$`)
}

/** Says that a pattern matches nothing, and what is near. */
export function matchesNothing(
  text: string,
  names: readonly string[],
  option = '--exclude',
): LimbeckError {
  const layers = [...new Set(names)]
  const near = nearest(text.replaceAll('*', ''), layers)
  const some = layers.slice(0, 3).join(', ')
  return new LimbeckError(
    'usage',
    `${option} ${text} matches none of the model's ${layers.length} layers and parameters.`,
    { hint: near ? `Did you mean ${near}?` : `Layers are named like ${some}; * matches any text.` },
  )
}

/** Whether a name is excluded. @throws LimbeckError for a pattern that matches none of the names. */
export function namePatterns(
  exclude: readonly string[] | undefined,
  names: readonly string[],
): (name: string) => boolean {
  const patterns = (exclude ?? []).map(globPattern)
  const known = names.filter((name) => name !== '')
  const idle = patterns.findIndex((pattern) => !known.some((name) => pattern.test(name)))
  if (idle >= 0) throw matchesNothing(exclude![idle]!, known)
  return (name) => patterns.some((pattern) => pattern.test(name))
}
