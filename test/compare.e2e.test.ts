/** The example against what is made of it: every tensor has its like, and INT8 is told from rounding. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { compare } from '../src/jobs/compare.ts'
import { exportModel, quantize } from '../src/jobs/export-model.ts'
import { dataSlice, example } from './support/command.ts'
import { scratchFolder } from './support/tensors.ts'

const folder = scratchFolder()
const data = { file: join(folder, 'dev.tsv'), limit: 12 }
const written = join(folder, 'written')
const int8 = join(folder, 'int8')

describe('compare with what was written', () => {
  beforeAll(async () => {
    dataSlice(data.file, 24)
    await exportModel({ model: example, output: written, targets: ['cpu'], verify: false })
    await quantize({
      ...{ model: example, output: int8, scheme: 'dynamic-int8' },
      ...{ targets: ['cpu'], verify: false },
    })
  })

  it('finds each tensor of the optimized file, equal but for rounding', async () => {
    const result = await compare({ a: example, b: written, data, threads: 1 })
    expect(result.b.file).toMatch(/model_cpu\.onnx$/)
    expect(result.tensors).toHaveLength(56)
    expect([result.a.unmatched, result.b.unmatched]).toEqual([[], []])
    expect([result.a.layers, result.b.layers]).toEqual([4, 4])
    expect(result.first).toBeUndefined()
    expect(Math.max(...result.tensors.map(({ relative }) => relative))).toBeLessThan(1e-4)
    // the last layer computes one token
    expect(result.tensors.filter(({ firstToken }) => firstToken).length).toBeGreaterThan(5)
    expect(result.answers).toMatchObject({ n: 12, agreement: { value: 1 } })
    expect(result.samples).toBe(12)
  })

  it('shows where INT8 adds its noise, on a page too', async () => {
    const output = join(folder, 'page.html')
    const result = await compare({ a: example, b: int8, data, output, threads: 1 })
    expect(result.tensors).toHaveLength(56)
    const { tensors } = result
    for (const { kind, name, added } of tensors) {
      if (kind === 'linear') expect(added!.relative, name).toBeGreaterThan(1e-4)
      if (kind === 'norm' || kind === 'sum') expect(added!.relative, name).toBeLessThan(1e-4)
    }
    const worst = result.worst.map((i) => tensors[i]!.added!.relative)
    expect(worst).toEqual(worst.toSorted((a, b) => b - a))
    expect(worst).toHaveLength(10)
    expect(readFileSync(output, 'utf8')).toContain(tensors[result.first!]!.name)
  })
})
