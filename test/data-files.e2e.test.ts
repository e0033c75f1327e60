/** Data sets as people have them: `limbeck eval` without naming a column, over GLUE's shapes and Parquet. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parquetWriteBuffer } from 'hyparquet-writer'
import { beforeAll, expect, test } from 'vitest'
import { exportModel } from '../src/jobs/export-model.ts'
import { limbeck } from './support/command.ts'
import { describeWith, realData } from './support/fixtures.ts'
import { scratchFolder } from './support/tensors.ts'

const classifier = realData('models/minilm-l6-sst2')
const embedder = realData('models/all-minilm-l6-v2')

describeWith(classifier, 'eval finds the columns', () => {
  const scratch = scratchFolder()
  const rows = readFileSync(realData('text/sst2/dev.tsv'), 'utf8').split('\n').slice(1, 65)
  const cells = rows.map((row) => row.split('\t') as [string, string])

  beforeAll(async () => {
    await exportModel({ model: classifier, output: join(scratch, 'sst2') })
    await exportModel({ model: embedder, output: join(scratch, 'minilm') })
  })

  const evaluate = async (model: string, data: string, ...more: readonly string[]) => {
    const { code, stdout, stderr } = await limbeck(['eval', model, '--data', data, ...more], {
      cwd: scratch,
    })
    expect(code, stderr).toBe(0)
    return { stdout, stderr }
  }

  test('CoLA: no header; Matthews is printed, and what was read', async () => {
    const lines = cells.map(
      ([text, label]) => `gj04\t${label}\t${label === '0' ? '*' : ''}\t${text}`,
    )
    writeFileSync(join(scratch, 'cola.tsv'), `${lines.join('\n')}\n`)
    const { stdout, stderr } = await evaluate('sst2', 'cola.tsv')
    expect(stderr).toContain('Reading cola.tsv')
    expect(stdout).toMatch(/Matthews +0?\.\d+/i)
    expect(stdout).toContain('columns: text column 4, label column 2')
    expect(stdout).toContain('labels: 0 → negative, 1 → positive')
  })

  test('MRPC: pairs, accuracy and F1', async () => {
    const file = realData('text/mrpc/dev.tsv')
    const { stdout } = await evaluate('sst2', file, '--limit', '40')
    expect(stdout).toMatch(/^accuracy/im)
    expect(stdout).toMatch(/^F1 /m)
    expect(stdout).toContain("text '#1 String', second text '#2 String', label 'Quality'")
    expect(stdout).toContain('40 examples (pair-classification)')
  })

  test('STS-B: Pearson and Spearman, in both of its shapes alike', async () => {
    const json = async (file: string) => {
      const { stdout } = await evaluate('minilm', file, '--limit', '64', '--json')
      return JSON.parse(stdout) as { metrics: { name: string; value: number }[]; columns: object }
    }
    const glue = await json(realData('text/stsb/dev.tsv'))
    const original = await json(realData('text/stsb/original/sts-dev.tsv'))
    expect(glue.metrics.map(({ name }) => name)).toEqual(['spearman', 'pearson'])
    expect(glue.metrics[0]!.value).toBeGreaterThan(0.6)
    expect(original.metrics).toEqual(glue.metrics)
    expect(original.columns).toMatchObject({ text: 6, textPair: 7, label: 5 })
  })

  test('Parquet with class names, TSV and JSON give the same answers', async () => {
    const features = { label: { names: ['positive', 'negative'], _type: 'ClassLabel' } }
    const texts = cells.map(([text]) => text)
    const parquet = parquetWriteBuffer({
      columnData: [
        { name: 'sentence', data: texts, type: 'STRING' },
        // the file numbers its classes the other way round
        { name: 'label', data: cells.map(([, label]) => BigInt(1 - Number(label))), type: 'INT64' },
      ],
      kvMetadata: [{ key: 'huggingface', value: JSON.stringify({ info: { features } }) }],
    })
    writeFileSync(join(scratch, 'dev.parquet'), new Uint8Array(parquet))
    writeFileSync(join(scratch, 'dev.tsv'), `sentence\tlabel\n${rows.join('\n')}\n`)
    const json = cells.map(([review, label]) => ({ review, label: label === '1' ? 'pos' : 'neg' }))
    writeFileSync(join(scratch, 'dev.json'), JSON.stringify(json))
    const metrics = async (file: string, ...more: readonly string[]) => {
      const { stdout } = await evaluate('sst2', file, '--json', ...more)
      return (JSON.parse(stdout) as { metrics: unknown }).metrics
    }
    const expected = await metrics('dev.tsv')
    expect(await metrics('dev.parquet')).toEqual(expected)
    expect(await metrics('dev.json', '--label-map', 'neg=0,pos=positive')).toEqual(expected)
  })
})
