import { expect, it } from 'vitest'
import { normalFrom, randomFrom } from '../stats/random.ts'
import { denseLogits, sparseLogits } from './sparse-logits.ts'

const softmax = (logits: Float32Array, temperature: number): number[] => {
  const most = Math.max(...logits)
  const powers = Array.from(logits, (logit) => Math.exp((logit - most) / temperature))
  const sum = powers.reduce((total, power) => total + power, 0)
  return powers.map((power) => power / sum)
}

it.each([
  1, 2,
])('the highest keep their probabilities at T = %d, the rest its mass', (temperature) => {
  const normal = normalFrom(randomFrom(7))
  const row = Float32Array.from({ length: 1000 }, () => 3 * normal())
  const few = sparseLogits(row, 64, temperature)
  const back = new Float32Array(row.length)
  denseLogits(few, back)
  const [was, is] = [softmax(row, temperature), softmax(back, temperature)]
  const sorted = [...row].sort((a, b) => b - a)
  for (const [place, id] of few.classes.entries()) {
    expect(row[id]).toBe(sorted[place])
    expect(Math.abs(is[id]! / was[id]! - 1)).toBeLessThan(1e-6)
  }
  const kept = new Set(few.classes)
  const others = back.filter((_, id) => !kept.has(id))
  expect(new Set(others).size).toBe(1)
})

it('equal logits are taken in their order', () => {
  expect([...sparseLogits(Float32Array.of(1, 2, 2, 1), 2, 1).classes]).toEqual([1, 2])
})
