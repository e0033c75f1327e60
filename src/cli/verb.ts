/** What a verb of the command line is: words for its help, its options, and one call of the library. */
import type { Progress } from '../report/progress.ts'
import type { OptionName, OptionValues } from './options.ts'

/** How a result is shown as text. */
export interface View {
  /** Columns of the terminal; unlimited where there is none. */
  readonly width: number
  readonly color: boolean
}

/** A result, for people and for programs: the same facts. */
export interface Output {
  readonly json: unknown
  text(view: View): string
}

/** What a verb is called with. */
export interface Call<A, O> {
  readonly args: A
  readonly options: O
  /** Aborts on Ctrl-C. */
  readonly signal: AbortSignal
  readonly progress: Progress
  /** The command as typed. */
  readonly command: string
}

/** A positional argument: `<model>` is required, `[text]` may be absent. */
export interface ArgumentSpec {
  readonly name: string
  readonly help: string
}

export interface Verb {
  readonly arguments: readonly ArgumentSpec[]
  readonly options: readonly OptionName[]
  readonly required: readonly OptionName[]
  /** Command lines after `limbeck`. */
  readonly examples: readonly string[]
  run(call: Call<readonly string[], Readonly<Record<string, unknown>>>): Promise<Output>
}

/** Values of positional arguments, by the brackets of their names. */
export type ArgumentValues<A extends readonly ArgumentSpec[]> = {
  readonly [K in keyof A]: A[K]['name'] extends `[${string}` ? string | undefined : string
}

/** A verb whose `run` knows the types of its options. */
export interface TypedVerb<A extends readonly ArgumentSpec[], N extends OptionName, R extends N> {
  readonly arguments: A
  readonly options: readonly N[]
  readonly required?: readonly R[]
  readonly examples: readonly string[]
  run(call: Call<ArgumentValues<A>, OptionValues<N, R>>): Promise<Output>
}

/** Declares a verb. */
export const defineVerb = <
  const A extends readonly ArgumentSpec[],
  N extends OptionName,
  R extends N = never,
>(
  verb: TypedVerb<A, N, R>,
): Verb => ({ ...verb, required: verb.required ?? [] }) as unknown as Verb
