/**
 * Settings of a scheme as text, `block=64,symmetric`: the names are those of the options of `quantize`.
 */
import type { LimbeckError } from '../errors.ts'
import { marksLayers } from '../passes/quantize.ts'
import {
  flags,
  type QuantizeScheme,
  quantizeSchemeNames,
  quantizeSchemes,
  type SchemeContext,
  type SchemeSettings,
} from './quantize-schemes.ts'

const anyContext: SchemeContext = {
  target: 'cpu',
  cpuBits: 8,
  exclude: undefined,
  parts: undefined,
}

/** Schemes that can stand beside others in one file: those that mark layers one by one. */
export const layerSchemes: readonly QuantizeScheme[] = quantizeSchemeNames.filter((name) =>
  marksLayers(quantizeSchemes[name].plan({}, anyContext)),
)

/** Schemes of one layer alone: half floats are a whole file's. */
export const schemesOfLayers: readonly QuantizeScheme[] = layerSchemes.filter(
  (name) => !('half' in quantizeSchemes[name].plan({}, anyContext)),
)

/** How the text of a setting becomes its value; those that are not here belong to the whole command. */
const readers: Partial<Record<keyof SchemeSettings, (text: string | undefined) => unknown>> = {
  perToken: flag,
  perTensor: flag,
  symmetric: flag,
  weightBits: oneOf(4, 5, 6, 7, 8),
  block: oneOf(16, 32, 64, 128, 256),
  accuracyLevel: oneOf(0, 4),
}

/** `no` takes back what the command says. */
function flag(text: string | undefined): boolean | undefined {
  return text === undefined || text === 'no' ? text === undefined : undefined
}

function oneOf(...numbers: readonly number[]) {
  return (text: string | undefined): number | undefined =>
    numbers.find((number) => String(number) === text)
}

/** The settings in a text. @throws what `refuse` makes of a setting that the scheme has not, and of a hint. */
export function readSettings(
  scheme: QuantizeScheme | 'fp32',
  list: string | undefined,
  refuse: (why: string, hint: string) => LimbeckError,
): SchemeSettings {
  const settings: Record<string, unknown> = {}
  const taken = scheme === 'fp32' ? [] : quantizeSchemes[scheme].settings
  const names = new Map(
    (Object.keys(readers) as (keyof SchemeSettings)[])
      .filter((key) => (taken as readonly string[]).includes(key))
      .map((key) => [flags[key].slice(2), key]),
  )
  for (const part of list?.split(',') ?? []) {
    const [name, value] = part.trim().split('=', 2)
    const key = names.get(name!)
    const read = key && readers[key]!(value)
    if (read === undefined) {
      const known = [...names.keys()].join(', ') || 'none'
      throw refuse(
        `${part.trim() || 'an empty setting'} is no setting of ${scheme}`,
        `Its settings are ${known}.`,
      )
    }
    settings[key!] = read
  }
  return settings
}
