import { describe, expect, test } from 'vitest'
import { textsOf } from './run.ts'

const nothing = [undefined, undefined] as const

describe('textsOf', () => {
  test('texts in order or by name, or one of each', () => {
    expect(textsOf(['a', 'b'], nothing)).toEqual(['a', 'b'])
    expect(textsOf(['a', undefined], nothing)).toEqual(['a', undefined])
    expect(textsOf(nothing, ['q', 'c'])).toEqual(['q', 'c'])
    expect(textsOf(['q', undefined], [undefined, 'c'])).toEqual(['q', 'c'])
  })

  test('an empty text is one', () => {
    expect(textsOf(['', undefined], nothing)).toEqual(['', undefined])
  })

  test('a text given twice is misuse, and so is none', () => {
    const cases = [
      [
        ['a', undefined],
        ['q', undefined],
        '--question or --query and a text cannot both be given.',
      ],
      [['a', 'b'], [undefined, 'c'], '--context and a second text cannot both be given.'],
      [nothing, nothing, 'expected a text, got none.'],
      [nothing, [undefined, 'c'], 'expected a text, got none.'],
    ] as const
    for (const [inOrder, byName, message] of cases) {
      expect(() => textsOf(inOrder, byName)).toThrow(
        expect.objectContaining({ code: 'usage', message }),
      )
    }
  })
})
