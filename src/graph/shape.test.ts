import { describe, expect, it } from 'vitest'
import { randomFrom } from '../stats/random.ts'
import {
  addDims,
  broadcastDims,
  type Dim,
  divDims,
  equalDims,
  evaluateDim,
  maxDims,
  minDims,
  mulDims,
  shapeText,
  subDims,
  symbolDim,
  unifyDims,
} from './shape.ts'

describe('symbolDim', () => {
  it('reads what exporters write and gives one canonical text', () => {
    expect(symbolDim('batch')).toBe('batch')
    expect(symbolDim(' past_length + sequence ')).toBe('past_length+sequence')
    expect(symbolDim('sequence + past_length')).toBe('past_length+sequence')
    expect(symbolDim('1 + 2*seq')).toBe('2*seq+1')
    expect(symbolDim('(seq+1)*(seq-1)')).toBe('seq*seq-1')
    expect(symbolDim('s0**2')).toBe('s0*s0')
    expect(symbolDim('(s0//2)')).toBe('floor(s0/2)')
    expect(symbolDim('floor((3*s0+1)/2)')).toBe('floor((s0+1)/2)+s0')
    expect(symbolDim('Max(1, s0)')).toBe('max(1,s0)')
    expect(symbolDim('Min(s0, s0 + 4)')).toBe('s0')
    expect(symbolDim('42')).toBe(42)
  })

  it('keeps any other text as one symbol and never throws', () => {
    for (const text of ['', '   ', '-1', '?', 'batch size', "it's", '(', '💥', '1e400', '))((']) {
      const dim = symbolDim(text)
      if (typeof dim === 'string') expect(symbolDim(dim)).toBe(dim)
      else expect(dim).toBeNull()
    }
    expect(symbolDim('batch size')).toBe("'batch size'")
    expect(evaluateDim(symbolDim('batch size'), { 'batch size': 3 })).toBe(3)
    expect(symbolDim('('.repeat(5000))).toMatch(/^'/)
    expect(symbolDim('-'.repeat(900))).toMatch(/^'/)
    expect(symbolDim('toString')).toBe('toString')
    expect(evaluateDim('toString', {})).toBeUndefined()
    const random = randomFrom(3)
    const alphabet = "ab1+-*/(),' \\."
    for (let i = 0; i < 2000; i++) {
      let text = ''
      for (let n = random.below(14); n >= 0; n--) text += alphabet[random.below(alphabet.length)]
      const dim = symbolDim(text)
      if (typeof dim === 'string') expect(symbolDim(dim)).toBe(dim)
    }
  })
})

describe('arithmetic', () => {
  it('divides exactly where it can', () => {
    expect(divDims('384*batch*seq', 'batch*seq')).toBe(384)
    expect(divDims('384*batch*seq', 'seq')).toBe('384*batch')
    expect(divDims('batch*seq+batch', 'seq+1')).toBe('batch')
    expect(divDims('seq', 2)).toBe('floor(seq/2)')
    expect(divDims('batch', 'seq')).toBe('floor(batch/seq)')
    expect(divDims('seq', 0)).toBeNull()
  })

  it('gives up rather than being wrong', () => {
    expect(mulDims(2 ** 40, 2 ** 40)).toBeNull()
    expect(mulDims(`${2 ** 40}*a`, `${2 ** 40}*b`)).toBeNull()
    let wide: Dim = 'a0'
    for (let i = 1; i < 100; i++) wide = addDims(wide, `a${i}`)
    expect(wide).toBeNull()
    expect(addDims(null, 1)).toBeNull()
    expect(mulDims(null, 0)).toBe(0)
  })

  it('knows equal, unequal and unknown', () => {
    expect(equalDims('seq', 'seq')).toBe(true)
    expect(equalDims('seq', 'seq+1')).toBe(false)
    expect(equalDims('seq', -1)).toBe(false)
    expect(equalDims('seq', 0)).toBeUndefined()
    expect(equalDims('batch', 'seq')).toBeUndefined()
    expect(equalDims('batch', 4)).toBeUndefined()
    expect(equalDims(null, null)).toBeUndefined()
    expect(unifyDims('batch', 4)).toBe(4)
    expect(unifyDims(null, 'batch')).toBe('batch')
    expect(unifyDims(3, 4)).toBeUndefined()
  })

  it('broadcasts', () => {
    expect(broadcastDims(1, 'seq')).toBe('seq')
    expect(broadcastDims('seq', 'seq')).toBe('seq')
    expect(broadcastDims('seq', 8)).toBe(8)
    expect(broadcastDims(2, 3)).toBeUndefined()
    expect(broadcastDims('b', 'a')).toBe('broadcast(a,b)')
    expect(broadcastDims('broadcast(a,b)', 'a')).toBe('broadcast(a,b)')
    expect(broadcastDims(null, 'a')).toBeNull()
    expect(broadcastDims('seq', minDims(512, 'seq'))).toBe('seq')
  })

  it('agrees with numbers on random expressions', () => {
    const random = randomFrom(7)
    const operations: ((a: Dim, b: Dim, x: number, y: number) => [Dim, number])[] = [
      (a, b, x, y) => [addDims(a, b), x + y],
      (a, b, x, y) => [subDims(a, b), x - y],
      (a, b, x, y) => [mulDims(a, b), x * y],
      (a, b, x, y) => [divDims(a, b), Math.floor(x / y)],
      (a, b, x, y) => [minDims(a, b), Math.min(x, y)],
      (a, b, x, y) => [maxDims(a, b), Math.max(x, y)],
    ]
    let checked = 0
    for (let run = 0; run < 3000; run++) {
      const bindings = { a: 1 + random.below(9), b: 1 + random.below(9), c: 1 + random.below(9) }
      const pick = (): [Dim, number] => {
        const name = (['a', 'b', 'c'] as const)[random.below(3)]!
        const number = 1 + random.below(6)
        return random.below(3) === 0 ? [number, number] : [name, bindings[name]]
      }
      let [dim, value] = pick()
      for (let step = 0; step < 4; step++) {
        const [other, number] = pick()
        ;[dim, value] = operations[random.below(operations.length)]!(dim, other, value, number)
        if (value < 0) break // sizes: what follows assumes symbols and atoms are not negative
      }
      if (dim === null || value < 0) continue
      checked++
      expect(evaluateDim(dim, bindings), `${dim} at ${JSON.stringify(bindings)}`).toBe(value)
      if (typeof dim === 'string') expect(symbolDim(dim)).toBe(dim)
    }
    expect(checked).toBeGreaterThan(1500)
  })
})

it('writes shapes', () => {
  expect(shapeText(['batch', null, 384])).toBe('[batch, ?, 384]')
  expect(shapeText(undefined)).toBe('?')
})
