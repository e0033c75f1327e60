// What an intent is to the generator: three lists of patterns by grammatical form, so that each
// fits every opener of its form, and the intents a customer easily mixes it up with. A pattern
// spells its wordings as `(a|b)`; each wording is one template, and `{slot}` takes a value later.

export interface Intent {
  /** What the customer wants to do; follows "i want to", "how do i". */
  want: readonly string[]
  /** What the desk should do; follows "can you", "please". */
  please: readonly string[]
  /** A whole clause that stands alone. */
  say: readonly string[]
  /** Neighbours most often mentioned, but not asked for, next to this intent. */
  near: readonly string[]
}

export type Form = 'want' | 'please' | 'say'

export const FORMS: readonly Form[] = ['want', 'please', 'say']

/** Every template of a pattern: "(a|b) c" gives "a c" and "b c". */
export function templatesOf(pattern: string): string[] {
  const choice = /\(([^()]*)\)/.exec(pattern)
  if (!choice) return [pattern]
  return choice[1]!.split('|').flatMap((word) => templatesOf(pattern.replace(choice[0], word)))
}
