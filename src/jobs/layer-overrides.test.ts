/** What `--override` understands, and what it refuses by name. */
import { describe, expect, it } from 'vitest'
import { parseOverride } from './layer-overrides.ts'
import { layerSchemes } from './scheme-text.ts'

describe('parseOverride', () => {
  it.each([
    ['*.query=fp32', { layers: '*.query', scheme: 'fp32' }],
    ['a.b=int4:block=64,symmetric', { layers: 'a.b', scheme: 'int4', block: 64, symmetric: true }],
    [
      'a=b=int8-weights:accuracy-level=0',
      { layers: 'a=b', scheme: 'int8-weights', accuracyLevel: 0 },
    ],
    [
      'x=dynamic-int8:per-token=no,weight-bits=7',
      { layers: 'x', scheme: 'dynamic-int8', perToken: false, weightBits: 7 },
    ],
    ['x=static-int8', { layers: 'x', scheme: 'static-int8' }],
  ])('reads %s', (text, expected) => {
    expect(parseOverride(text)).toEqual(expected)
  })

  it.each([
    ['query', 'expected a pattern and a scheme'],
    ['=int4', 'expected a pattern and a scheme'],
    ['*=fp16', 'fp16 is no scheme of single layers'],
    ['*=int3', 'int3 is no scheme of single layers'],
    ['*=fp32:block=32', 'block=32 is no setting of fp32'],
    ['*=int4:per-token', 'per-token is no setting of int4'],
    ['*=int4:block=48', 'block=48 is no setting of int4'],
    ['*=int4:', 'an empty setting is no setting of int4'],
    ['*=dynamic-int8:per-token=perhaps', 'per-token=perhaps is no setting of dynamic-int8'],
  ])('refuses %s', (text, message) => {
    expect(() => parseOverride(text)).toThrow(message)
  })

  it('knows which schemes can stand beside others', () => {
    expect(layerSchemes).toEqual(['dynamic-int8', 'static-int8', 'int8-weights', 'int4', 'q4f16'])
    // half floats are a whole file's
    expect(() => parseOverride('*=q4f16')).toThrow('q4f16 is no scheme of single layers')
  })
})
