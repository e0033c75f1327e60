/**
 * `limbeck report` on a folder that `optimize` wrote of a small random BERT: all sections with figures that
 * belong together, the same in three formats; without its source; what it refuses; Ctrl-C.
 */
import {
  cpSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import type { ReportResult } from '../src/jobs/report.ts'
import type { Report } from '../src/report/report.ts'
import { contentsOf, dataSlice, limbeck, modelWith } from './support/command.ts'
import { scratchFolder } from './support/tensors.ts'

const cwd = scratchFolder()
const quick = ['--seconds', '0.1', '--threads', '1', '--lengths', '8']
const read = (...path: string[]): string => readFileSync(join(cwd, ...path), 'utf8')

beforeAll(async () => {
  modelWith(join(cwd, 'model'))
  dataSlice(join(cwd, 'dev.tsv'), 24)
  const args = ['optimize', 'model', '--shapes', '1x16', '--seconds', '0.1', '-o', 'out']
  const { code, stderr } = await limbeck(args, { cwd })
  expect(code, stderr).toBe(0)
})

describe('the whole report', () => {
  let result: ReportResult

  beforeAll(async () => {
    const rates = ['--price', '0.5', '--currency', 'USD', '--power', '100']
    const ended = await limbeck(
      [
        'report',
        'out',
        '--seconds',
        '0.1',
        '--threads',
        '1,2',
        '--lengths',
        '8,32',
        ...rates,
        '--json',
      ],
      { cwd },
    )
    expect(ended.code, ended.stderr).toBe(0)
    result = JSON.parse(ended.stdout) as ReportResult
  })

  it('measures every section', () => {
    const { details, variants } = result.report
    const names = variants.map(({ name }) => name)
    expect(details?.threads?.variants.map(({ name }) => name)).toEqual(names)
    expect(details?.threads?.variants[0]?.latency.map(({ threads }) => threads)).toEqual([1, 2])
    const ends = names.filter((name, i) => i === 0 || name === result.report.chosen)
    expect(details?.lengths?.variants.map(({ name }) => name)).toEqual(ends)
    expect(details?.lengths?.variants[0]?.latency.map(({ shape }) => shape)).toEqual([
      '1x8',
      '1x32',
    ])
    expect(details?.operators?.variants.map(({ name }) => name)).toEqual(ends)
  })

  it('operators: a MatMul or Gemm before, and no more time than the run', () => {
    for (const { operators, runMs } of result.report.details!.operators!.variants) {
      expect(operators.some(({ name }) => /MatMul|Gemm/.test(name))).toBe(true)
      const sum = operators.reduce((total, { ms }) => total + ms, 0)
      expect(sum).toBeGreaterThan(0)
      expect(sum).toBeLessThan(runMs * 1.2)
    }
  })

  it('bytes of the layers are the bytes of the files', () => {
    for (const { name, layers, graphBytes } of result.report.details!.layers!.variants) {
      const { file, bytes } = result.report.variants.find((variant) => variant.name === name)!
      const sum = layers.reduce((total, layer) => total + layer.bytes, graphBytes)
      expect(sum).toBe(bytes)
      if (file) expect(sum).toBe(statSync(join(cwd, 'out', file)).size)
      expect(layers.map((layer) => layer.name)).toContain('encoder.layer.0')
      expect(graphBytes).toBeLessThan(bytes / 4)
    }
  })

  it('costs follow from the latencies', () => {
    const { running, threads } = result.report.details!
    for (const { name, hours, price, kilowattHours } of running!.variants) {
      const { p50 } = threads!.variants.find((variant) => variant.name === name)!.latency[0]!
      expect(hours.value).toBeCloseTo(p50 / 3.6, 6)
      expect(price!.value).toBeCloseTo(hours.value * 0.5, 9)
      expect(kilowattHours!.value).toBeCloseTo(hours.value * 0.1, 9)
      expect(hours.interval.low).toBeLessThanOrEqual(hours.value)
    }
  })

  it('three files of the same data, which load nothing', () => {
    expect(result.files.map((file) => file.slice(join(cwd, 'out').length + 1)).sort()).toEqual([
      'report.html',
      'report.json',
      'report.md',
    ])
    expect(JSON.parse(read('out/report.json'))).toEqual(result.report)
    const page = read('out/report.html')
    expect(page.length).toBeLessThan(500_000)
    expect(page.replaceAll('http://www.w3.org/', '')).not.toMatch(
      /https?:\/\/|url\(|@import|<link|<script|\bsrc=/,
    )
    for (const title of ['Threads', 'Length of the text', 'Bytes by layer', 'A million requests']) {
      expect(page).toContain(`<h2>${title}</h2>`)
      expect(read('out/report.md')).toContain(`## ${title}\n`)
    }
  })

  it('the folder still runs, and nothing is left behind', async () => {
    const { code } = await limbeck(['run', 'out', 'where is my parcel?'], { cwd })
    expect(code).toBe(0)
    expect(contentsOf(join(cwd, 'tmp'))).toEqual({})
    expect(readdirSync(join(cwd, 'out')).filter((name) => name.endsWith('.tmp'))).toEqual([])
  })
})

it('takes accuracy anew on data that is given, and says beforehand how long it will take', async () => {
  const data = ['--data', 'dev.tsv', '--label', 'label']
  const { code, stderr } = await limbeck(
    ['report', 'out', ...quick, ...data, '-o', 'judged.json'],
    { cwd },
  )
  expect(code, stderr).toBe(0)
  expect(stderr).toMatch(/Report: measuring takes about \d+ s: threads 1; 8 tokens; operators/)
  const { data: used, variants, notes, chosen } = JSON.parse(read('judged.json')) as Report
  expect(used).toMatchObject({ file: 'dev.tsv', source: 'labelled', rows: 24, metric: 'accuracy' })
  expect(variants.map(({ quality }) => quality?.n)).toEqual(variants.map(() => 24))
  expect(variants[0]!.acceptance).toBeUndefined()
  expect(variants.slice(1).every(({ acceptance }) => acceptance)).toBe(true)
  expect(notes.join('\n')).toContain(`${chosen} was chosen before, on random tokens`)
})

it('without its source it says so, and shows the rest', async () => {
  cpSync(join(cwd, 'out'), join(cwd, 'alone'), { recursive: true })
  const lineage = JSON.parse(read('alone/limbeck.json')) as {
    report: { chosen: string; model: { folder: string } }
  }
  lineage.report.model.folder = 'gone'
  // the case in which nothing of the choice is left to look into
  lineage.report.chosen = 'fp32 as exported'
  writeFileSync(join(cwd, 'alone/limbeck.json'), JSON.stringify(lineage))
  const args = ['report', 'alone', ...quick, '--format', 'json']
  const { code, stderr } = await limbeck(args, { cwd })
  expect(code, stderr).toBe(0)
  const { details, notes, variants } = JSON.parse(read('alone/report.json')) as Report
  const names = variants.slice(1).map(({ name }) => name)
  expect(details!.threads!.variants.map(({ name }) => name)).toEqual(names)
  expect(details!.threads!.variants.every(({ latency }) => latency.every((r) => !r.vsSource))).toBe(
    true,
  )
  expect(details!.lengths ?? details!.operators).toBeUndefined()
  expect(notes).toContain(
    'The source gone is not there any more. What compares with it is left out; give its folder with --source.',
  )
})

describe('refuses', () => {
  it.each([
    ['a folder that is none', ['report', 'none'], 1, 'none: there is no such folder'],
    ['a model folder', ['report', 'model'], 2, 'Give a folder that limbeck optimize wrote'],
    ['more tokens than positions', ['report', 'out', '--lengths', '9999'], 2, 'takes at most'],
    ['an ending of no format', ['report', 'out', '-o', 'report.pdf'], 2, 'names no format'],
    [
      'a folder as a file',
      ['report', 'out', '-o', 'model', '--format', 'html'],
      2,
      'found a folder',
    ],
    [
      'a folder that is not there',
      ['report', 'out', '-o', 'no/r.html'],
      2,
      'there is no folder no',
    ],
    ['too many threads', ['report', 'out', '--threads', '100000'], 2, 'expected at most'],
    [
      'a source that is none',
      ['report', 'out', '--source', 'none'],
      1,
      'there is no such file or folder',
    ],
  ])('%s', async (_, args, exit, words) => {
    const { code, stdout, stderr } = await limbeck(args, { cwd })
    expect(stderr).toContain(words)
    expect(code).toBe(exit)
    expect(stdout).toBe('')
  })

  it('another source than the one that was optimized', async () => {
    modelWith(join(cwd, 'other'))
    const weights = readFileSync(join(cwd, 'other/model.safetensors'))
    weights[weights.length - 1]! ^= 1
    rmSync(join(cwd, 'other/model.safetensors'))
    writeFileSync(join(cwd, 'other/model.safetensors'), weights)
    const { code, stderr } = await limbeck(['report', 'out', '--source', 'other'], { cwd })
    expect(code).toBe(1)
    expect(stderr).toContain('its weights are not those that were optimized')
  })
})

it('Ctrl-C leaves the reports that were there', async () => {
  const before = contentsOf(join(cwd, 'out'))
  let sent = false
  const { code } = await limbeck(['report', 'out', '--seconds', '30'], {
    cwd,
    onStderr: (text, child) => {
      if (!sent && /Timing threads/.test(text)) sent = child.kill('SIGINT')
    },
  })
  expect(code).toBe(130)
  expect(contentsOf(join(cwd, 'out'))).toEqual(before)
  expect(contentsOf(join(cwd, 'tmp'))).toEqual({})
  expect(existsSync(join(cwd, 'out/report.html'))).toBe(true)
})
