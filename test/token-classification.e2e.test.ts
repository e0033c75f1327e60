/** Named entities end to end: all-MiniLM-L6-v2 under a seeded random head, over WNUT-17. */
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { float32Tensor, type Tensor } from '../src/graph/tensor.ts'
import { nodeFiles } from '../src/hub/node-files.ts'
import { evaluate } from '../src/jobs/evaluate.ts'
import { exportModel } from '../src/jobs/export-model.ts'
import { run } from '../src/jobs/run.ts'
import { MemorySink } from '../src/onnx/file-access.ts'
import { tensorReader } from '../src/onnx/materialize.ts'
import { readSafetensors } from '../src/onnx/read-safetensors.ts'
import { writeSafetensors } from '../src/onnx/write-safetensors.ts'
import { randomFrom } from '../src/stats/random.ts'
import { describeWith, realData } from './support/fixtures.ts'
import { scratchFolder } from './support/tensors.ts'

const encoder = realData('models/all-minilm-l6-v2')
const types = ['person', 'location', 'group', 'creative-work', 'corporation', 'product']
const labels = ['O', ...types.flatMap((type) => [`B-${type}`, `I-${type}`])]

/** The encoder as BertForTokenClassification, its head drawn from a seed. */
function writeTagger(folder: string): void {
  mkdirSync(folder)
  for (const name of ['tokenizer.json', 'tokenizer_config.json', 'special_tokens_map.json']) {
    copyFileSync(join(encoder, name), join(folder, name))
  }
  const config = JSON.parse(readFileSync(join(encoder, 'config.json'), 'utf8'))
  const named = {
    architectures: ['BertForTokenClassification'],
    id2label: Object.fromEntries(labels.entries()),
    label2id: Object.fromEntries(labels.map((label, id) => [label, id])),
  }
  writeFileSync(join(folder, 'config.json'), JSON.stringify({ ...config, ...named }))
  const random = randomFrom(17)
  const draw = (count: number) => Array.from({ length: count }, () => random.uniform() - 0.5)
  const base = readSafetensors(join(encoder, 'model.safetensors'), nodeFiles).tensors
  const tensors = new Map<string, Tensor>()
  for (const [name, tensor] of base) {
    if (!name.startsWith('pooler.')) tensors.set(`bert.${name}`, tensor)
  }
  const width = config.hidden_size as number
  const weight = float32Tensor(draw(labels.length * width), [labels.length, width])
  tensors.set('classifier.weight', weight)
  tensors.set('classifier.bias', float32Tensor(draw(labels.length)))
  const sink = new MemorySink()
  writeSafetensors(tensors, sink, { reader: tensorReader(nodeFiles) })
  writeFileSync(join(folder, 'model.safetensors'), sink.bytes())
}

describeWith(encoder, 'a tagger of WNUT-17', () => {
  const scratch = scratchFolder()
  const model = join(scratch, 'tagger')
  const output = join(scratch, 'out')
  const file = realData('text/wnut17/emerging.test.annotated')

  beforeAll(async () => {
    writeTagger(model)
    await exportModel({ model, output })
  })

  test('eval gives entity scores and token accuracy with intervals over sentences', async () => {
    const data = { file, task: 'token-classification', limit: 300 }
    const [portable, cpu] = await Promise.all(
      ['model', 'model_cpu'].map((variant) => evaluate({ model: output, variant, data })),
    )
    expect(portable!.task).toBe('token-classification')
    expect(portable!.n).toBe(300)
    const names = portable!.metrics.map(({ name }) => name)
    expect(names).toEqual(['entity-f1', 'entity-precision', 'entity-recall', 'token-accuracy'])
    for (const { value, interval } of portable!.metrics) {
      expect(value).toBeGreaterThan(0)
      expect(value).toBeLessThan(0.5)
      expect(interval.low).toBeLessThanOrEqual(value)
      expect(interval.high).toBeGreaterThanOrEqual(value)
    }
    // the same logits but for rounding: at most a handful of words change their tag
    const accuracy = (result: typeof cpu) => result!.metrics[3]!.value
    expect(Math.abs(accuracy(portable) - accuracy(cpu))).toBeLessThan(0.002)
  })

  test('a .conll file alone says the task, and a tag the model has not is named with its line', async () => {
    const path = join(scratch, 'two.conll')
    writeFileSync(path, 'Ada\tB-person\n\nLovelace\tI-person\n')
    const result = await evaluate({ model: output, data: { file: path } })
    expect([result.n, result.task]).toEqual([2, 'token-classification'])
    writeFileSync(path, 'Ada\tB-person\nLovelace\tI-animal\n')
    const bad = evaluate({ model: output, data: { file: path } })
    await expect(bad).rejects.toThrow(/two\.conll:2: unknown label 'I-animal'/)
    const other = { file: path, task: 'text-classification', label: '2' }
    await expect(evaluate({ model: output, data: other })).rejects.toThrow(
      /text-classification does not fit a token-classification model/,
    )
  })

  test('run gives entities whose offsets cut them out of the text', async () => {
    const text = '😀 Café Müller moved to 東京, near Kōenji'
    const { answer, task } = await run({ model: output, text })
    expect(task).toBe('token-classification')
    if (answer.kind !== 'entities') throw new Error(`expected entities, got ${answer.kind}`)
    expect(answer.entities.length).toBeGreaterThan(1)
    const characters = Array.from(text)
    for (const { text: words, label, score, start, end } of answer.entities) {
      expect(types).toContain(label)
      expect(characters.slice(start, end).join('')).toBe(words)
      expect(score).toBeGreaterThan(1 / labels.length)
      expect(score).toBeLessThanOrEqual(1)
    }
  })
})
