import { mkdtempSync, readdirSync, rmSync, truncateSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { AnswerFile, type AnswerTable, writeAnswers } from './answer-file.ts'

const folder = mkdtempSync(join(tmpdir(), 'limbeck-test-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const table: AnswerTable = { rows: 3, width: 4 }
const values = Float32Array.from({ length: 12 }, (_, i) => Math.sin(i) * 5)
async function* inParts() {
  yield values.slice(0, 8)
  yield values.slice(8)
}
const write = async (name: string, kept: AnswerTable) => {
  const file = join(folder, name)
  await writeAnswers(file, kept, 'key', inParts())
  return file
}

describe('a file of answers', () => {
  it('gives back what was written, from any row', async () => {
    const open = AnswerFile.open(await write('whole', table), table, 'key')!
    expect(open.rows(0, 3)).toEqual(values)
    expect(open.rows(1, 1)).toEqual(values.slice(4, 8))
    open.close()
  })

  it('keeps the highest of many', async () => {
    const sparse = { ...table, sparse: { top: 2, temperature: 1 } }
    const open = AnswerFile.open(await write('sparse', sparse), sparse, 'key')!
    const row = open.rows(2, 1)
    open.close()
    const own = values.slice(8)
    const [first, second] = [...own].sort((a, b) => b - a)
    own.forEach((value, id) => {
      if (value === first || value === second) expect(row[id]).toBe(value)
      else expect(row[id]).toBeLessThan(second!)
    })
  })

  it('of another key, another form or damaged is as none', async () => {
    const file = await write('other', table)
    expect(AnswerFile.open(file, table, 'another')).toBeUndefined()
    expect(AnswerFile.open(file, { rows: 4, width: 3 }, 'key')).toBeUndefined()
    truncateSync(file, 100)
    expect(AnswerFile.open(file, table, 'key')).toBeUndefined()
    expect(AnswerFile.open(join(folder, 'absent'), table, 'key')).toBeUndefined()
  })

  it('leaves nothing where the teacher fails', async () => {
    // biome-ignore lint/correctness/useYield: it fails at once
    const failing = async function* (): AsyncGenerator<Float32Array> {
      throw new Error('stopped')
    }
    const before = readdirSync(folder)
    await expect(writeAnswers(join(folder, 'never'), table, 'key', failing())).rejects.toThrow()
    expect(readdirSync(folder)).toEqual(before)
  })
})
