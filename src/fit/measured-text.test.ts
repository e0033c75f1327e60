import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { createTokenizer } from '../data/tokenizer.ts'
import type { ModelInfo } from '../models/build-model.ts'
import { openTextStream, readMeasuredText } from './measured-text.ts'

const folder = mkdtempSync(join(tmpdir(), 'limbeck-text-'))
afterAll(() => rmSync(folder, { recursive: true }))

const write = (name: string, rows: readonly string[]): string => {
  const file = join(folder, name)
  writeFileSync(file, `${rows.join('\n')}\n`)
  return file
}

const tokenizer = createTokenizer({
  normalizer: { type: 'BertNormalizer', clean_text: true, lowercase: true },
  pre_tokenizer: { type: 'BertPreTokenizer' },
  model: {
    type: 'WordPiece',
    unk_token: '[UNK]',
    vocab: { '[UNK]': 0, good: 1, bad: 2, film: 3 },
  },
  decoder: null,
})
const model = {
  task: 'sequence-classification',
  labels: ['negative', 'positive'],
  problemType: undefined,
  dims: { vocab: 4 },
} as unknown as ModelInfo

/** A model that is always right about one word. */
const rowsFor = (ids: readonly number[]) => [[Float32Array.of(0, ids.includes(1) ? 1 : -1)]]

describe('openTextStream', () => {
  const rows = Array.from({ length: 9 }, (_, i) => (i % 3 ? 'bad film\t0' : 'good film\t1'))
  const data = { text: 'sentence', label: 'label' }

  test('reads as it is asked, from the start each time', async () => {
    const file = write('a.tsv', ['sentence\tlabel', ...rows])
    const stream = await openTextStream({ file, ...data }, model, tokenizer, 8)
    for (let time = 0; time < 2; time++) {
      const judge = stream.judge!()
      let index = 0
      for await (const example of stream.examples()) {
        const [text] = example.texts
        judge.add({ index: index++, example, rows: rowsFor(text!.ids) })
      }
      const [accuracy] = judge.result()
      expect([accuracy!.name, accuracy!.value, accuracy!.n]).toEqual(['accuracy', 1, 9])
    }
    const held = await readMeasuredText({ file, ...data }, model, tokenizer, 1)
    expect([held.examples.length, held.encodings.length, held.truncated]).toEqual([9, 9, 9])
  })

  test('what is read whole can be stopped, and says how far it is', async () => {
    const file = write('long.tsv', ['sentence\tlabel', ...Array(80).fill(rows).flat()])
    const controller = new AbortController()
    const told: number[] = []
    const onProgress = (done: number) => {
      told.push(done)
      // from outside, as Ctrl-C comes
      setImmediate(() => controller.abort())
    }
    const { signal } = controller
    const reading = readMeasuredText({ file, ...data }, model, tokenizer, 8, { signal, onProgress })
    await expect(reading).rejects.toMatchObject({ code: 'cancelled' })
    expect(told).toEqual([256])
  })

  test('a bad row is told when it is reached, by its line', async () => {
    const file = write('b.tsv', ['sentence\tlabel', ...rows, 'good film\tsplendid'])
    const stream = await openTextStream({ file, ...data }, model, tokenizer, 8)
    let read = 0
    const all = async () => {
      for await (const { texts } of stream.examples()) read += texts.length
    }
    await expect(all()).rejects.toThrow(/b\.tsv.*11.*splendid/)
    expect(read).toBe(9)
  })

  test('no example is an error, no label no judge', async () => {
    const file = write('c.tsv', ['sentence\tlabel'])
    const stream = await openTextStream({ file, ...data }, model, tokenizer, 8)
    await expect(stream.examples().next()).rejects.toThrow('c.tsv: expected rows of data')
    const bare = { file: write('d.txt', ['good', 'bad']), task: 'embeddings' }
    const text = await openTextStream(bare, model, tokenizer, 8)
    expect([text.source, text.judge]).toEqual(['text', undefined])
  })
})
