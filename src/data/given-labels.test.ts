import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { scratchFolder } from '../../test/support/tensors.ts'
import { givenLabels } from './given-labels.ts'
import { labelMap } from './label-map.ts'

const names = ['negative', 'positive']

describe('givenLabels', () => {
  const scratch = scratchFolder()

  test('pairs, an object, a JSON file; classes by number or name', () => {
    const expected = new Map([
      ['neg', 0],
      ['a=b', 1],
    ])
    expect(givenLabels('neg=0, a=b=positive', names)).toEqual(expected)
    expect(givenLabels({ neg: 'negative', 'a=b': 1 }, names)).toEqual(expected)
    const path = join(scratch, 'map.json')
    writeFileSync(path, '\ufeff{"neg": 0, "a=b": "1"}')
    expect(givenLabels(path, names)).toEqual(expected)
  })

  test('what is none is refused', () => {
    expect(() => givenLabels('neg', names)).toThrow("expected label=class, got 'neg'")
    expect(() => givenLabels('neg=2', names)).toThrow(/'neg' is said to be "2", which is none of/)
    expect(() => givenLabels({ neg: -1 }, names)).toThrow(/\(or 0-1\)/)
    expect(() => givenLabels({}, names)).toThrow('expected labels and classes, got none')
    expect(() => givenLabels('none.json', names)).toThrow('cannot read label map none.json')
    const path = join(scratch, 'list.json')
    writeFileSync(path, '["neg"]')
    expect(() => givenLabels(path, names)).toThrow('expected an object of labels')
  })

  test.skipIf(process.platform === 'win32')('a pipe as a map is refused, not waited for', () => {
    const path = join(scratch, 'pipe.json')
    execFileSync('mkfifo', [path])
    expect(() => givenLabels(path, names)).toThrow('pipe.json: it is a pipe, socket or device')
    expect(() => givenLabels(scratchJson('['.repeat(300)), names)).toThrow('nested deeper')
  })

  const scratchJson = (text: string): string => {
    const path = join(scratch, 'deep.json')
    writeFileSync(path, text)
    return path
  }

  test('given labels go before names and numbers; others are known by name alone', () => {
    const map = labelMap(names, { classes: givenLabels('1=0,2=1', names), namesOnly: true })
    expect(['1', '2', 'Positive', '0'].map(map.find)).toEqual([0, 1, 1, undefined])
    expect([...map.found]).toEqual([
      ['1', 0],
      ['2', 1],
      ['Positive', 1],
    ])
  })
})
