import { setImmediate as later } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { collectGarbage } from '../../test/support/collect-garbage.ts'
import { argmax } from '../data/logits.ts'
import { metricMeter } from '../data/metrics.ts'
import type { Encoding } from '../data/tokenizer.ts'
import type { Engine } from '../runtime/engine.ts'
import { rowReader } from './model-rows.ts'
import { predict, predictExamples } from './predict.ts'

const options = {
  reader: rowReader({ task: 'sequence-classification', problemType: undefined }),
  batchSize: 32,
  padId: 0,
}

/** Logits of a text: 1 for the class that its first token names, of two; and its number of tokens. */
function fakeEngine(onRun?: (rows: number) => void): Engine {
  const port = (name: string) => ({ name, dtype: 'int64', shape: ['B', 'S'] }) as const
  return {
    inputs: [port('input_ids'), port('attention_mask')],
    outputs: [{ name: 'logits', dtype: 'float32', shape: ['B', 3] }],
    run: async ({ input_ids: ids, attention_mask: mask }) => {
      const [rows = 0, width = 0] = ids!.shape
      const data = new Float32Array(rows * 3)
      for (let row = 0; row < rows; row++) {
        const at = row * width
        data[row * 3 + Number((ids!.data as BigInt64Array)[at]!)] = 1
        const real = (mask!.data as BigInt64Array).subarray(at, at + width)
        data[row * 3 + 2] = -real.reduce((sum, bit) => sum + Number(bit), 0)
      }
      await later()
      onRun?.(rows)
      return { logits: { dtype: 'float32', shape: [rows, 3], data } }
    },
    release: async () => {},
  }
}

/** A text of class `label` with `length` tokens. */
const text = (label: number, length: number): Encoding => ({
  ids: [label, ...new Array<number>(length - 1).fill(7)],
  typeIds: new Array<number>(length).fill(0),
  truncated: 0,
})

test('each example gets the rows of its own texts, however they were batched', async () => {
  const examples = Array.from({ length: 5000 }, (_, i) => ({
    texts: Array.from({ length: 1 + (i % 3) }, (_, j) =>
      text((i + j) % 2, 1 + ((i * 31 + j) % 40)),
    ),
  }))
  const seen = new Set<number>()
  for await (const { index, example, rows } of predictExamples(fakeEngine(), examples, options)) {
    seen.add(index)
    expect(example).toBe(examples[index])
    for (const [j, { ids }] of example.texts.entries()) {
      expect([argmax(rows[j]![0]!), rows[j]![0]![2]]).toEqual([ids[0], -ids.length])
    }
  }
  expect(seen.size).toBe(5000)
  const encodings = examples.map(({ texts: [first] }) => first!)
  const rows = await predict(fakeEngine(), encodings, options)
  expect(rows.map(([row]) => row![2])).toEqual(encodings.map(({ ids }) => -ids.length))
})

test('200,000 texts are judged with a window of them in memory', async () => {
  const count = 200_000
  // what lives is known of every tenth text
  const born: WeakRef<Encoding>[] = []
  let [read, ran, mostAhead, mostAlive] = [0, 0, 0, 0]
  async function* reader() {
    for (let i = 0; i < count; i++) {
      const encoding = text(i % 2, 1 + ((i * 7919) % 60))
      if (i % 10 === 0) born.push(new WeakRef(encoding))
      read++
      // every fifth answer is wrong
      yield { texts: [encoding], expected: i % 5 === 0 ? 1 - (i % 2) : i % 2 }
    }
  }
  let checked = 0
  const engine = fakeEngine((rows) => {
    mostAhead = Math.max(mostAhead, read - ran)
    ran += rows
  })
  const meter = metricMeter('classification', 2)
  const done: number[] = []
  const onProgress = (texts: number) => done.push(texts)
  for await (const { index, example, rows } of predictExamples(engine, reader(), {
    ...options,
    onProgress,
  })) {
    meter.add(index, argmax(rows[0]![0]!.subarray(0, 2)), example.expected)
    if (ran < checked) continue
    checked += 40_000
    await collectGarbage()
    mostAlive = Math.max(mostAlive, 10 * born.filter((encoding) => encoding.deref()).length)
  }
  const [accuracy] = meter.result()
  expect([accuracy!.value, accuracy!.n]).toEqual([0.8, count])
  expect(done.at(-1)).toBe(count)
  // the window of 64 batches, and six batches under way
  const bound = (64 + 6) * 32
  expect(mostAhead).toBeGreaterThan(64 * 31)
  expect(mostAhead).toBeLessThanOrEqual(bound)
  // how long a suspended function's frame names the windows before it is the engine's to say; what is kept
  // by mistake would grow to all 200,000
  expect(mostAlive).toBeGreaterThan(0)
  expect(mostAlive).toBeLessThanOrEqual(3 * bound)
})
