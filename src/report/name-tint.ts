/** The colour of a variant in the report's pictures, and the key to them. */
import { chosenOf, sourceOf } from './outcome.ts'
import type { Report } from './report.ts'
import type { Tint } from './shapes.ts'

/** Chosen, source or another. */
export const nameTint = (report: Report, name: string): Tint =>
  name === chosenOf(report).name ? 'chosen' : name === sourceOf(report).name ? 'source' : 'other'

/** Names with their colours. */
export const keyOf = (
  report: Report,
  variants: readonly { readonly name: string }[],
): { name: string; tint: Tint }[] =>
  variants.map(({ name }) => ({ name, tint: nameTint(report, name) }))
