import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { scratchFolder } from '../../test/support/tensors.ts'
import { LimbeckError } from '../errors.ts'
import { sampleReport } from '../report/testing/sample-report.ts'
import { readOptimized } from './read-optimized.ts'

const scratch = scratchFolder()
let folders = 0

/** A folder with this `limbeck.json`, and the files that the sample names. */
function folderWith(content: unknown): string {
  const folder = join(scratch, `out-${folders++}`)
  mkdirSync(join(folder, 'onnx'), { recursive: true })
  for (const { file } of sampleReport.variants) if (file) writeFileSync(join(folder, file), '')
  const text = typeof content === 'string' ? content : JSON.stringify(content)
  writeFileSync(join(folder, 'limbeck.json'), text)
  return folder
}

/** The sample with the value at a path replaced. */
function changed(path: string, value: unknown): unknown {
  const report = structuredClone(sampleReport) as unknown as Record<string, never>
  const keys = path.split('.')
  const last = keys.pop()!
  const owner = keys.reduce((at, key) => at[key]!, report) as Record<string, unknown>
  owner[last] = value
  return { report }
}

const failure = (folder: string): LimbeckError => {
  try {
    readOptimized(folder)
  } catch (error) {
    if (error instanceof LimbeckError) return error
    throw error
  }
  throw new Error('it was read')
}

test('what optimize wrote is read', () => {
  const folder = folderWith({ report: sampleReport, source: { sha256: 'abc' } })
  const { report, sourceHash } = readOptimized(folder)
  expect(report).toEqual(JSON.parse(JSON.stringify(sampleReport)))
  expect(sourceHash).toBe('abc')
})

test('so are the files of a student', () => {
  const student = changed('variants.1.file', 'student/onnx/model_cpu.onnx')
  const folder = folderWith(student)
  mkdirSync(join(folder, 'student/onnx'), { recursive: true })
  writeFileSync(join(folder, 'student/onnx/model_cpu.onnx'), '')
  expect(readOptimized(folder).report.variants[1]!.file).toBe('student/onnx/model_cpu.onnx')
})

describe('what is not is refused in one sentence', () => {
  test.each([
    ['version', 2, 'expected report.version 1, found 2'],
    ['variants', [], 'expected a source and variants in its report, found 0'],
    ['variants', {}, 'report.variants to be a list'],
    [
      'variants.1.latency.0.p50',
      'fast',
      'report.variants.1.latency.0.p50 to be a number, found "fast"',
    ],
    ['variants.2', null, 'report.variants.2 to be an object, found null'],
    ['headline', undefined, 'report.headline to be an object, found nothing'],
    ['model.labels.0', 7, 'report.model.labels.0 to be a string, found 7'],
    [
      'variants.1.file',
      '../../etc/passwd',
      "'../../etc/passwd' of fp32 optimized is no file of its onnx folder",
    ],
    [
      'variants.1.file',
      '/etc/passwd',
      "'/etc/passwd' of fp32 optimized is no file of its onnx folder",
    ],
    ['variants.1.file', 'onnx/..', "'onnx/..' of fp32 optimized is no file"],
    ['variants.1.file', undefined, "'' of fp32 optimized is no file"],
  ])('%s: %j', (path, value, words) => {
    const { code, message, hint } = failure(folderWith(changed(path, value)))
    expect(code).toBe('input')
    expect(message).toContain(words)
    if (!path.endsWith('file')) expect(hint).toContain('limbeck optimize')
  })

  test.each([
    ['not JSON', '{', 'input'],
    ['a list', '[]', 'input'],
    ['of export', '{"version":1}', 'usage'],
    ['a report that is text', '{"report":"x"}', 'input'],
  ])('%s', (_, text, code) => {
    expect(failure(folderWith(text)).code).toBe(code)
  })

  test('no folder, and a file that is gone', () => {
    expect(failure(join(scratch, 'none')).message).toContain('there is no such folder')
    expect(failure(join(folderWith('{}'), 'onnx')).message).toContain('it has no limbeck.json')
    const { code, message } = failure(folderWith(changed('variants.1.file', 'onnx/gone.onnx')))
    expect(code).toBe('file')
    expect(message).toContain('gone.onnx: there is no such file')
  })
})
