/**
 * The library as a program uses it: from its built entry, on the example, against the figures of its card.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { beforeAll, describe, expect, it } from 'vitest'
import type * as Library from '../src/index.ts'
import { example, root } from './support/command.ts'
import { scratchFolder } from './support/tensors.ts'

const { bench, describeError, evaluate, exportModel, LimbeckError, load, quantize, run, save } =
  (await import(pathToFileURL(join(root, 'dist/index.js')).href)) as typeof Library

const test = { file: join(example, 'test.tsv'), text: 'text', label: 'label' }
const scratch = scratchFolder()

/** Right answers on the test split, as the example's card says. */
function statedCorrect(): { correct: number; n: number } {
  const card = readFileSync(join(example, 'README.md'), 'utf8')
  const [, correct, n] = /^\| test +\| ([\d,]+) of ([\d,]+)/m.exec(card)!
  return { correct: Number(correct!.replace(',', '')), n: Number(n!.replace(',', '')) }
}

describe('the library', () => {
  const int8 = join(scratch, 'int8')

  beforeAll(async () => {
    const steps: string[] = []
    const { verified, variants, folder } = await quantize({
      model: example,
      output: int8,
      scheme: 'dynamic-int8',
      progress: {
        step: (title) => {
          steps.push(title)
          return { update: () => {}, done: () => {}, fail: () => {} }
        },
      },
    })
    expect(folder).toBe(int8)
    expect(steps).toEqual(['Writing', 'Verifying'])
    expect(variants.map(({ file }) => file)).toEqual([
      'onnx/model_quantized.onnx',
      'onnx/model_cpu_quantized.onnx',
    ])
    for (const { cosine } of verified) expect(cosine).toBeGreaterThan(0.99)
  })

  it('load: a model with its graph, labels and parameters', () => {
    const model = load(example)
    expect(model.task).toBe('sequence-classification')
    expect(model.family.type).toBe('bert')
    expect(model.labels).toHaveLength(20)
    expect(model.parameters).toBeGreaterThan(3.7e6)
    expect(model.graph.inputs.map(({ name }) => name)).toContain('input_ids')
  })

  it('save: a graph as a file that runs', async () => {
    const file = join(scratch, 'saved/model.onnx')
    const { bytes } = save(load(example).graph, file, { lowering: 'cpu' })
    expect(existsSync(file)).toBe(true)
    expect(bytes).toBeGreaterThan(15e6)
    const { rows } = await bench({ model: file, shapes: '1x16', threads: [1], seconds: 0.2 })
    expect(rows[0]!.entries[0]!.p50).toBeGreaterThan(0)
  })

  it('evaluate: fp32 has the accuracy of the card, INT8 is within 1 % of it', async () => {
    const stated = statedCorrect()
    const fp32 = await evaluate({ model: example, data: test })
    expect(fp32.file).toBe(example)
    expect(fp32.n).toBe(stated.n)
    const [accuracy] = fp32.metrics
    expect(accuracy!.name).toBe('accuracy')
    expect(Math.round(accuracy!.value * fp32.n)).toBe(stated.correct)
    expect(accuracy!.interval.low).toBeLessThan(accuracy!.value)
    for (const variant of ['model_quantized', 'model_cpu_quantized']) {
      const { metrics } = await evaluate({ model: int8, data: test, variant })
      expect(metrics[0]!.value, variant).toBeGreaterThan(accuracy!.value * 0.99)
    }
  })

  it('run: a text in, the answer out', async () => {
    const { answer, task, file, truncated } = await run({
      model: int8,
      text: 'where is my parcel right now?',
    })
    expect(task).toBe('text-classification')
    expect(file).toBe(join(int8, 'onnx/model_cpu_quantized.onnx'))
    expect(truncated).toBe(false)
    const labels = answer.kind === 'labels' ? answer.labels : []
    expect(labels[0]!.label).toBe('track_order')
    expect(labels.reduce((sum, { score }) => sum + score, 0)).toBeCloseTo(1, 4)
  })

  it('bench: rows for every shape and thread count, beside a rival', async () => {
    const { rows } = await bench({
      model: int8,
      vs: example,
      shapes: '1x16,2x32',
      threads: [1],
      seconds: 0.3,
    })
    expect(rows.map(({ shape }) => shape)).toEqual([
      { batch: 1, sequence: 16 },
      { batch: 2, sequence: 32 },
    ])
    for (const { entries } of rows) {
      expect(entries.map(({ name }) => name)).toEqual(['support-desk', 'int8'])
      expect(entries[1]!.vsRival!.speedup).toBeGreaterThan(0)
    }
  })

  it('rejects with one class of error, which says what to do', async () => {
    const error = await exportModel({ model: example, output: int8 }).catch((e: unknown) => e)
    expect(error).toBeInstanceOf(LimbeckError)
    expect(error).toMatchObject({ code: 'usage' })
    expect(describeError(error)).toMatch(/not empty\. Pass --overwrite to replace it/)
    await expect(quantize({ model: example, output: 'x', scheme: 'x' as never })).rejects.toThrow(
      '--scheme x is not known',
    )
  })

  it('takes the variant that optimize chose, and only a file of the folder', async () => {
    const choose = (file: string) =>
      writeFileSync(
        join(int8, 'limbeck.json'),
        JSON.stringify({ chosen: 'x', report: { variants: [{ name: 'x', file }] } }),
      )
    const fileOf = async () => (await run({ model: int8, text: 'hello' })).file
    choose('onnx/model_quantized.onnx')
    expect(await fileOf()).toBe(join(int8, 'onnx/model_quantized.onnx'))
    choose('../elsewhere.onnx')
    expect(await fileOf()).toBe(join(int8, 'onnx/model_cpu_quantized.onnx'))
  })

  it('stops when its signal does', async () => {
    const controller = new AbortController()
    const output = join(scratch, 'stopped')
    const job = exportModel({ model: example, output, signal: controller.signal })
    setTimeout(() => controller.abort(), 100)
    await expect(job).rejects.toMatchObject({ code: 'cancelled' })
    expect(existsSync(output)).toBe(false)
  })
})
