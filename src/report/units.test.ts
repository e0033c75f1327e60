import { expect, test } from 'vitest'
import {
  formatBytes,
  formatDrop,
  formatInterval,
  formatMetric,
  formatMs,
  formatNumber,
  formatParameters,
  formatPercent,
  formatRatio,
  formatSeconds,
} from './units.ts'

test('three significant digits', () => {
  const values = [0, 0.000012, 0.00123, 0.0999, 0.9996, 1.234, 12.34, 123.4, 999.7, 12345, -4.567]
  expect(values.map((value) => formatNumber(value))).toEqual([
    '0',
    '1.2e-5',
    '0.00123',
    '0.0999',
    '1.00',
    '1.23',
    '12.3',
    '123',
    '1,000',
    '12,345',
    '-4.57',
  ])
})

test('what is not known is no number', () => {
  expect(formatNumber(Number.NaN)).toBe('–')
  expect(formatNumber(null)).toBe('–')
  expect(formatMs(undefined)).toBe('–')
  expect(formatInterval({ low: 1, high: Number.POSITIVE_INFINITY })).toBe('1.00 to ∞')
  // as JSON gives it back
  expect(formatInterval(JSON.parse('{"low":1,"high":null}'))).toBe('1.00 to ∞')
})

test('units', () => {
  expect([812, 999_600, 3_814_000, 90_400_000, 1.23e9].map(formatBytes)).toEqual([
    '812 bytes',
    '1.00 MB',
    '3.81 MB',
    '90.4 MB',
    '1.23 GB',
  ])
  expect([0.8123, 56.49, 999.4, 999.7, 61_000].map(formatMs)).toEqual([
    '0.812 ms',
    '56.5 ms',
    '999 ms',
    '1.00 s',
    '1 min 01 s',
  ])
  expect([0.412, 12.34, 59.96, 125].map(formatSeconds)).toEqual([
    '0.41 s',
    '12.3 s',
    '1 min 00 s',
    '2 min 05 s',
  ])
  expect([3_771_404, 22_713_216, 350e6, 1.1e9].map(formatParameters)).toEqual([
    '3.77 M',
    '22.7 M',
    '350 M',
    '1.10 B',
  ])
  expect(formatRatio(2.4149)).toBe('2.41×')
})

test('a metric is written in its own way, and less than all never reads as all', () => {
  expect(formatMetric('accuracy', 0.9437)).toBe('94.4 %')
  expect(formatMetric('spearman', 0.82031)).toBe('0.8203')
  expect(formatPercent(0.9998)).toBe('99.98 %')
  expect(formatPercent(1)).toBe('100.0 %')
  expect(formatDrop('accuracy', 0.0012)).toBe('0.12 pt')
  expect(formatDrop('accuracy', -0)).toBe('0.00 pt')
  expect(formatDrop('spearman', -0.00121)).toBe('-0.0012')
})
