/**
 * Every option of every verb, once: its flag, its help, how its text becomes a value. Help pages and
 * documentation are written from this table, so that they cannot drift from what is parsed.
 */
import { LimbeckError } from '../errors.ts'
import { dataOptions } from './data-options.ts'
import { measurementOptions } from './measurement-options.ts'
import { modelOptions } from './model-options.ts'
import { outputOptions } from './output-options.ts'
import { studentOptions } from './student-options.ts'
import { trainOptions } from './train-options.ts'

export type { OptionGroup, OptionSpec } from './option-spec.ts'

export const optionTable = {
  ...dataOptions,
  ...measurementOptions,
  ...modelOptions,
  ...outputOptions,
  ...studentOptions,
  ...trainOptions,
}

export type OptionName = keyof typeof optionTable

type ValueOf<S> = S extends { readonly parse: (text: string, earlier?: never) => infer R }
  ? R
  : S extends { readonly flags: `${string}<${string}` }
    ? string
    : boolean

/** Values of the options of a verb; those of `R` are always there. */
export type OptionValues<N extends OptionName, R extends N = never> = {
  readonly [K in Exclude<N, R>]?: ValueOf<(typeof optionTable)[K]> | undefined
} & { readonly [K in R]: ValueOf<(typeof optionTable)[K]> }

/** Options of every verb that takes a model. */
export const hubOptionNames = ['revision', 'offline'] as const

/** Options that name a data file and its columns. */
export const dataOptionNames = [
  'text',
  'textPair',
  'label',
  'labelMap',
  'task',
  'encoding',
  'noHeader',
  'limit',
  'candidates',
  'hypothesis',
  'stride',
  'noAnswerThreshold',
] as const

/** Values of some options alone. */
export const picked = <T extends object, N extends keyof T>(
  values: T,
  names: readonly N[],
): Pick<T, N> =>
  Object.fromEntries(names.map((name) => [name, values[name]])) as unknown as Pick<T, N>

/** The data file and its columns, as jobs take them; undefined without a file. */
export function dataOf(file: string, values: OptionValues<(typeof dataOptionNames)[number]>) {
  const { noHeader, ...columns } = values
  return { file, ...columns, header: noHeader ? false : undefined }
}

/** Refuses options that say how data is read where there is none: they would do nothing. */
export function noData(
  values: OptionValues<(typeof dataOptionNames)[number]>,
  file = '--data',
): undefined {
  const given = dataOptionNames.find((name) => values[name] !== undefined)
  if (given === undefined) return undefined
  const flag = optionTable[given].flags.split(' ')[0]
  throw new LimbeckError('usage', `${flag} says how data is read, and there is no ${file}.`, {
    hint: `Name the file with ${file}.`,
  })
}
