/** What a search for a mix of schemes is refused for, before anything of the model or the data is read. */
import { LimbeckError } from '../errors.ts'
import { parseMaxDrop } from '../stats/acceptance.ts'
import type { QuantizeOptions } from './export-model.ts'
import type { QuantizationRequest } from './quantization-plan.ts'
import { layerSchemes } from './scheme-text.ts'

/** @throws LimbeckError `usage` for a scheme that no single layer can have. */
export function checkMix(mix: readonly string[] = []): void {
  const known: readonly string[] = layerSchemes
  const unknown = mix.find((scheme) => !known.includes(scheme))
  if (unknown === undefined) return
  throw new LimbeckError('usage', `--mix ${unknown} is no scheme of single layers.`, {
    hint: `Those are ${known.join(', ')}; fp32 is always the last.`,
  })
}

/** @throws LimbeckError `usage` for a search that lacks something, or that nobody asked for. */
export function checkSearch(
  { maxDrop, strict, mix, data, scheme }: QuantizeOptions,
  request: QuantizationRequest,
): void {
  if (maxDrop === undefined) {
    const idle = mix ? '--mix' : strict && '--strict'
    if (!idle) return
    throw new LimbeckError('usage', `${idle} says how --max-drop searches, and it is not there.`, {
      hint: 'Add --max-drop 1% and the --data to judge by.',
    })
  }
  parseMaxDrop(maxDrop)
  if (!data) {
    throw new LimbeckError('usage', '--max-drop needs data to judge by, and there is none.', {
      hint: 'Name a file with --data: its labels judge, or, without labels, nearness to fp32.',
    })
  }
  if (request.marksLayers) return
  throw new LimbeckError(
    'usage',
    `--scheme ${scheme} is one for the whole file: no layer can stay.`,
    {
      hint: 'Take dynamic-int8, static-int8, int8-weights or int4.',
    },
  )
}
