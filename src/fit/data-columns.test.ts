import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { describeWith, realData } from '../../test/support/fixtures.ts'
import { scratchFolder } from '../../test/support/tensors.ts'
import { columnsText, dataColumns } from './data-columns.ts'

const classifier = {
  task: 'sequence-classification',
  labels: ['LABEL_0', 'LABEL_1'],
  problemType: undefined,
} as const
const regressor = { ...classifier, labels: ['LABEL_0'] }
const embedder = { ...classifier, task: 'feature-extraction', labels: [] } as const

describe('dataColumns', () => {
  const scratch = scratchFolder()
  const file = (name: string, content: string): string => {
    writeFileSync(join(scratch, name), content)
    return join(scratch, name)
  }

  test('names that are known are found, and said', async () => {
    const path = file('a.tsv', 'sentence\tlabel\nfine\t1\n')
    const columns = await dataColumns({ file: path }, classifier)
    expect(columns).toEqual({
      text: 'sentence',
      label: 'label',
      found: ['text', 'label'],
      header: true,
    })
    expect(columnsText(columns)).toBe("text 'sentence', label 'label'")
    expect(await dataColumns({ file: path, task: 'embeddings' }, classifier)).toMatchObject({
      text: 'sentence',
      found: ['text'],
    })
    expect(await dataColumns({ file: path }, embedder)).not.toHaveProperty('label')
  })

  test('columns by number mean a file without header, as before', async () => {
    const path = file('b.tsv', 'text\tlabel\n')
    expect(await dataColumns({ file: path, text: '1' }, classifier)).toEqual({
      text: 1,
      found: [],
      header: undefined,
    })
    const unnamed = dataColumns({ file: path, header: false }, classifier)
    await expect(unnamed).rejects.toThrow('cannot tell which column holds the text.')
  })

  test('JSONL and plain text', async () => {
    const path = file('c.jsonl', '{"premise": "a", "hypothesis": "b", "label": 0}\n')
    expect(await dataColumns({ file: path }, classifier)).toMatchObject({
      text: 'premise',
      textPair: 'hypothesis',
      label: 'label',
    })
    expect(await dataColumns({ file: file('d.txt', 'one\n') }, embedder)).toMatchObject({
      text: 'text',
    })
  })

  test('names that nobody knows are asked for', async () => {
    const path = file('e.csv', 'body,kind\nhello,1\n')
    await expect(dataColumns({ file: path }, classifier)).rejects.toMatchObject({
      message: `${path}: cannot tell which column holds the text; the columns are 'body', 'kind'.`,
      hint: 'Name it with --text, by name or number from 1.',
    })
  })

  test('CoLA has no header, its test file has one', async () => {
    const rows = "gj04\t1\t\tOur friends won't buy this.\ngj04\t0\t*\tThey drank the pub.\n"
    expect(await dataColumns({ file: file('cola.tsv', rows) }, classifier)).toEqual({
      text: 4,
      label: 2,
      found: ['text', 'label'],
      header: false,
    })
    const hidden = file('cola-test.tsv', 'index\tsentence\n0\tBill whistled past the house.\n')
    expect(await dataColumns({ file: hidden }, classifier)).toMatchObject({ found: ['text'] })
  })
})

describeWith(realData('text'), 'columns of published files', () => {
  const columnsOf = async (name: string, model: Parameters<typeof dataColumns>[1]) => {
    const { text, textPair, label, header } = await dataColumns(
      { file: realData(`text/${name}`), encoding: name.endsWith('label') ? 'latin1' : undefined },
      model,
    )
    return [text, textPair, label, header]
  }

  test.each([
    ['sst2/train.tsv', classifier, ['sentence', undefined, 'label', true]],
    ['sst2/test.tsv', classifier, ['sentence', undefined, undefined, true]],
    ['mrpc/dev.tsv', classifier, ['#1 String', '#2 String', 'Quality', true]],
    ['mrpc/test.tsv', classifier, ['#1 String', '#2 String', undefined, true]],
    ['stsb/dev.tsv', regressor, ['sentence1', 'sentence2', 'score', true]],
    ['stsb/dev.tsv', embedder, ['sentence1', 'sentence2', 'score', true]],
    ['stsb/original/sts-test.tsv', embedder, [6, 7, 5, false]],
    ['trec/TREC_10.label', classifier, ['text', undefined, 'label', true]],
  ] as const)('%s', async (name, model, expected) => {
    expect(await columnsOf(name, model)).toEqual(expected)
  })
})
