/**
 * Mixed precision to an allowance: the one layer that INT8 ruins is left in fp32, and no other; a collapsed file is
 * told and not chosen. One unit of the last LayerNormalization is always zero, and the pooler's weights for it are
 * huge: fp32 never sees them, and every scale of the pooler is lost to them.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { type QuantizeOptions, quantize, type WriteResult } from '../src/jobs/export-model.ts'
import { dataSlice, modelWith } from './support/command.ts'
import { exampleWith, THIRTY } from './support/example-weights.ts'
import { scratchFolder } from './support/tensors.ts'

const folder = scratchFolder()
const file = join(folder, 'dev.tsv')
const model = join(folder, 'broken')
const given = {
  ...{ model, scheme: 'dynamic-int8', targets: ['cpu'], data: { file }, samples: 8 },
  ...{ output: join(folder, 'out'), overwrite: true },
} as const satisfies QuantizeOptions

beforeAll(() => {
  dataSlice(file, 48)
  const unit = 7
  const weights = exampleWith((set) => {
    set('encoder.layer.3.output.LayerNorm.weight', 0, (row) => row === unit)
    set('encoder.layer.3.output.LayerNorm.bias', 0, (row) => row === unit)
    set('pooler.dense.weight', THIRTY, (_, column) => column === unit)
  })
  modelWith(model, { 'model.safetensors': weights })
})

describe('quantize to an allowance', () => {
  let written: WriteResult

  beforeAll(async () => {
    written = await quantize({ ...given, maxDrop: '1pt' })
  })

  it('keeps the sabotaged layer in fp32, and meets the allowance', () => {
    const { raised, tried, chosen, by, source, why } = written.search!
    expect(raised.map(({ path, scheme }) => [path, scheme])).toEqual([['pooler.dense', 'fp32']])
    expect(by).toBe('accuracy')
    expect(tried.map(({ steps, accepted }) => [steps, accepted])).toEqual([
      [0, false],
      [1, true],
    ])
    expect(tried[0]!.value).toBeLessThan(source / 2)
    expect(chosen).toEqual([tried[1]])
    expect(source - chosen[0]!.value).toBeLessThanOrEqual(0.01)
    expect(chosen[0]!.bytes).toBeGreaterThan(tried[0]!.bytes)
    expect(why).toContain('1 layer has more bits')
  })

  it('tells of the mix in limbeck.json', () => {
    const told = JSON.parse(readFileSync(join(folder, 'out/limbeck.json'), 'utf8'))
    expect(told.search.raised[0].path).toBe('pooler.dense')
    expect(told.steps[0]).toMatchObject({
      name: 'mixed INT8 cpu',
      quantize: { scheme: 'mixed', overrides: [{ pattern: 'pooler.dense', to: 'fp32' }] },
    })
  })

  it('judges by the answers of fp32 where there are no labels, and stays with what is named', async () => {
    const texts = join(folder, 'texts.txt')
    const lines = readFileSync(file, 'utf8').trim().split('\n').slice(1)
    writeFileSync(texts, lines.map((line) => line.split('\t')[0]).join('\n'))
    const overrides = ['pooler.dense=int8-weights:block=16']
    const data = { file: texts }
    const { search } = await quantize({ ...given, data, overrides, maxDrop: '5%' })
    expect(search).toMatchObject({ by: 'same answers', source: 1, raised: [] })
  })

  it('says that nothing is allowed, with the nearest', async () => {
    // the pooler is not to be touched
    const overrides = ['pooler.dense=dynamic-int8']
    const exclude = ['encoder.*']
    const hopeless = quantize({ ...given, overrides, exclude, maxDrop: '1pt' })
    await expect(hopeless).rejects.toThrow(/No mix drops accuracy by at most 1pt from .* in fp32/)
  })

  it.each([
    [{ maxDrop: '1pt', data: undefined }, '--max-drop needs data'],
    [{ maxDrop: 'much' }, "expected '1%' or '0.5pt'"],
    [{ maxDrop: '1pt', scheme: 'fp16' }, 'one for the whole file'],
    [{ maxDrop: '1pt', mix: ['fp16'] }, '--mix fp16 is no scheme of single layers'],
    [{ mix: ['int4'] }, '--mix says how --max-drop searches'],
    [{ strict: true }, '--strict says how --max-drop searches'],
  ] as const)('refuses %j', async (options, message) => {
    await expect(quantize({ ...given, ...options })).rejects.toThrow(message)
  })
})
