/** What a scheme comes to, and what is refused by name. */
import { describe, expect, it } from 'vitest'
import { quantizeSchemeNames, schemeRow } from './quantize-schemes.ts'

const context = { target: 'cpu', cpuBits: 8, exclude: undefined, parts: undefined } as const

describe('quantizeSchemes', () => {
  it('gives every scheme a file of its own', () => {
    const suffixes = quantizeSchemeNames.map((name) => schemeRow(name, {}).suffix)
    expect(new Set(suffixes).size).toBe(suffixes.length)
  })

  it('quantizes in asymmetric blocks of 32 unless told otherwise', () => {
    const plan = schemeRow('int4', {}).plan({}, context)
    expect(plan).toMatchObject({ bits: 4, block: 32, symmetric: false, accuracyLevel: 4 })
    const settings = { block: 128, symmetric: true, accuracyLevel: 0 } as const
    expect(schemeRow('int8-weights', settings).plan(settings, context)).toMatchObject({
      ...settings,
      bits: 8,
    })
  })

  it('takes the bits of the CPU for its file, 7 for the portable one', () => {
    const row = schemeRow('dynamic-int8', {})
    expect(row.plan({}, context)).toMatchObject({ weightBits: 8 })
    const portable = { ...context, target: 'portable' } as const
    expect(row.plan({}, portable)).toMatchObject({ weightBits: 7 })
    expect(row.plan({ weightBits: 8, perToken: true }, portable)).toMatchObject({
      weightBits: 8,
      activations: 'token',
    })
  })

  it.each([
    ['int3', {}, 'Known are dynamic-int8'],
    ['toString', {}, 'Known are dynamic-int8'],
    ['fp16', { block: 32 }, 'It belongs to int8-weights, int4, q4f16.'],
    ['int4', { perToken: true }, 'It belongs to dynamic-int8.'],
    ['int4', { block: 48 }, 'Sizes are 16, 32, 64, 128, 256.'],
  ])('%s with %j is refused with the alternatives', (name, settings, hint) => {
    expect(() => schemeRow(name, settings)).toThrow(
      expect.objectContaining({ hint: expect.stringContaining(hint) }),
    )
  })
})
