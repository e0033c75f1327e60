/**
 * `--override GLOB=SCHEME:SETTING,…`: another scheme for the layers that a pattern names. The settings are those
 * of the command under the same names; what an override does not say, the command's own options say.
 *
 *     encoder.layer.0.*=fp32     *.query=dynamic-int8:per-token     word_embeddings=int4:block=64,symmetric
 */
import { LimbeckError } from '../errors.ts'
import type { QuantizeScheme, SchemeSettings } from './quantize-schemes.ts'
import { readSettings, schemesOfLayers } from './scheme-text.ts'

/** Another scheme for some layers; as text or as an object. */
export interface LayerOverrideOptions extends SchemeSettings {
  /** Module paths or parameter names; `*` matches any text. */
  readonly layers: string
  /** One that marks layers, or `fp32`. */
  readonly scheme: QuantizeScheme | 'fp32'
}

/** Reads an override. @throws LimbeckError `usage` naming what is not understood, with what is. */
export function parseOverride(text: string): LayerOverrideOptions {
  const refuse = (why: string, hint: string): LimbeckError =>
    new LimbeckError('usage', `--override ${text}: ${why}.`, { hint })
  const [, layers, scheme, list] = /^(.+?)=([a-z\d-]+)(?::(.*))?$/.exec(text) ?? []
  const schemes = ['fp32', ...schemesOfLayers]
  if (layers === undefined || scheme === undefined) {
    throw refuse(
      'expected a pattern and a scheme',
      "Such as 'encoder.layer.0.*=fp32' or '*.query=int4:block=64'.",
    )
  }
  if (!schemes.includes(scheme)) {
    throw refuse(`${scheme} is no scheme of single layers`, `Those are ${schemes.join(', ')}.`)
  }
  const known = scheme as LayerOverrideOptions['scheme']
  return { layers, scheme: known, ...readSettings(known, list, refuse) }
}
