import { expect, it } from 'vitest'
import { lineDiff } from './line-diff.ts'

const lines = (text: string): string => text.split('').join('\n')

it('shows what went and what came, with its surroundings and places', () => {
  expect(lineDiff(lines('abcdefghij'), lines('abcdxfghij')).split('\n')).toEqual([
    '@@ -2,7 +2,7 @@',
    ...[' b', ' c', ' d', '-e', '+x', ' f', ' g', ' h'],
  ])
})

it('parts hunks that are far from each other', () => {
  const diff = lineDiff(lines('0123456789abcdef'), lines('012x456789abcdyf')).split('\n')
  expect(diff.filter((line) => line.startsWith('@@'))).toEqual([
    '@@ -1,7 +1,7 @@',
    '@@ -12,5 +12,5 @@',
  ])
})

it('compares by a key and shows the later text', () => {
  const key = (line: string): string => line.replaceAll(/\d+/g, '')
  expect(lineDiff('x1\nx2', 'x3\nx4', key)).toBe('')
  expect(lineDiff('a1\nb2', 'a7\nb9\nc', key)).toBe('@@ -1,2 +1,3 @@\n a7\n b9\n+c')
})

it('rebuilds the later text from any diff', () => {
  const before = Array.from({ length: 300 }, (_, i) => `${(i * 7919) % 83}`)
  const after = before
    .filter((_, i) => i % 5 !== 2)
    .flatMap((line, i) => (i % 9 ? [line] : [line, 'new']))
  const marks = lineDiff(before.join('\n'), after.join('\n')).split('\n')
  const came = marks.filter((line) => line.startsWith('+')).length
  const went = marks.filter((line) => line.startsWith('-')).length
  expect(after.length - before.length).toBe(came - went)
  expect([went, came]).toEqual([60, 27])
})

it('shows texts too large to compare as all out, all in', () => {
  const text = (mark: string) => Array.from({ length: 6000 }, (_, i) => `${mark}${i}`).join('\n')
  const diff = lineDiff(text('a'), text('b')).split('\n')
  expect(diff[0]).toBe('@@ -1,6000 +1,6000 @@')
  expect(diff).toHaveLength(12_001)
})
