/**
 * `--override GLOB=SCHEME:SETTING,…`: another scheme for the layers that a pattern names. The settings are those
 * of the command under the same names; what an override does not say, the command's own options say.
 *
 *     encoder.layer.0.*=fp32     *.query=dynamic-int8:per-token     word_embeddings=int4:block=64,symmetric
 */
import { LimbeckError } from '../errors.ts'
import { marksLayers } from '../passes/quantize.ts'
import {
  flags,
  type QuantizeScheme,
  quantizeSchemeNames,
  quantizeSchemes,
  type SchemeContext,
  type SchemeSettings,
} from './quantize-schemes.ts'

/** Another scheme for some layers; as text or as an object. */
export interface LayerOverrideOptions extends SchemeSettings {
  /** Module paths or parameter names; `*` matches any text. */
  readonly layers: string
  /** One that marks layers, or `fp32`. */
  readonly scheme: QuantizeScheme | 'fp32'
}

const anyContext: SchemeContext = {
  target: 'cpu',
  cpuBits: 8,
  exclude: undefined,
  parts: undefined,
}

/** Of one layer alone: half floats are a whole file's. */
const isOfLayers = (name: QuantizeScheme): boolean => {
  const plan = quantizeSchemes[name].plan({}, anyContext)
  return marksLayers(plan) && !('half' in plan)
}

/** Schemes that can stand beside others in one file: those that mark layers one by one. */
export const layerSchemes: readonly QuantizeScheme[] = quantizeSchemeNames.filter((name) =>
  marksLayers(quantizeSchemes[name].plan({}, anyContext)),
)

/** How the text of a setting becomes its value; those that are not here belong to the whole command. */
const readers: Partial<Record<keyof SchemeSettings, (text: string | undefined) => unknown>> = {
  perToken: flag,
  symmetric: flag,
  weightBits: oneOf(7, 8),
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

/** Reads an override. @throws LimbeckError `usage` naming what is not understood, with what is. */
export function parseOverride(text: string): LayerOverrideOptions {
  const refuse = (why: string, hint: string): LimbeckError =>
    new LimbeckError('usage', `--override ${text}: ${why}.`, { hint })
  const [, layers, scheme, list] = /^(.+?)=([a-z\d-]+)(?::(.*))?$/.exec(text) ?? []
  const schemes = ['fp32', ...layerSchemes.filter(isOfLayers)]
  if (layers === undefined || scheme === undefined) {
    throw refuse(
      'expected a pattern and a scheme',
      "Such as 'encoder.layer.0.*=fp32' or '*.query=int4:block=64'.",
    )
  }
  if (!schemes.includes(scheme)) {
    throw refuse(`${scheme} is no scheme of single layers`, `Those are ${schemes.join(', ')}.`)
  }
  const settings: Record<string, unknown> = {}
  const taken = scheme === 'fp32' ? [] : quantizeSchemes[scheme as QuantizeScheme].settings
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
  return { layers, scheme: scheme as LayerOverrideOptions['scheme'], ...settings }
}
