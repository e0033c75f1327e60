/** Real encoders under heads drawn from a seed: models of every task, with answers that mean nothing. */
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { float32Tensor, type Tensor } from '../../src/graph/tensor.ts'
import { nodeFiles } from '../../src/hub/node-files.ts'
import { MemorySink } from '../../src/onnx/file-access.ts'
import { tensorReader } from '../../src/onnx/materialize.ts'
import { readSafetensors } from '../../src/onnx/read-safetensors.ts'
import { writeSafetensors } from '../../src/onnx/write-safetensors.ts'
import { randomFrom } from '../../src/stats/random.ts'

export interface RandomHead {
  /** Keys of config.json that change. */
  readonly config: Readonly<Record<string, unknown>>
  /** Tensors by name that are drawn from [-0.5, 0.5), in place of the encoder's where it has them. */
  readonly draw: Readonly<Record<string, readonly number[]>>
  readonly seed: number
  /** New names of the encoder's tensors; undefined leaves one out. */
  readonly rename?: (name: string) => string | undefined
  /** Where the tokenizer comes from; the encoder's folder by default. */
  readonly tokenizer?: string
}

const tokenizerFiles = ['tokenizer.json', 'tokenizer_config.json', 'special_tokens_map.json']

/** `id2label` and `label2id` of labels in order. */
export const namedLabels = (labels: readonly string[]) => ({
  id2label: Object.fromEntries(labels.entries()),
  label2id: Object.fromEntries(labels.map((label, id) => [label, id])),
})

/** Writes a model folder: the encoder of `source`, a drawn head. */
export function writeRandomHead(source: string, folder: string, head: RandomHead): string {
  mkdirSync(folder, { recursive: true })
  for (const name of tokenizerFiles) {
    const file = join(head.tokenizer ?? source, name)
    if (existsSync(file)) copyFileSync(file, join(folder, name))
  }
  const config = JSON.parse(readFileSync(join(source, 'config.json'), 'utf8')) as object
  writeFileSync(join(folder, 'config.json'), JSON.stringify({ ...config, ...head.config }))
  const tensors = new Map<string, Tensor>()
  const { rename = (name: string) => name } = head
  for (const [name, tensor] of readSafetensors(join(source, 'model.safetensors'), nodeFiles)
    .tensors) {
    const renamed = rename(name)
    if (renamed !== undefined) tensors.set(renamed, tensor)
  }
  const random = randomFrom(head.seed)
  for (const [name, shape] of Object.entries(head.draw)) {
    const count = shape.reduce((product, dim) => product * dim, 1)
    const values = Array.from({ length: count }, () => random.uniform() - 0.5)
    tensors.set(name, float32Tensor(values, [...shape]))
  }
  const sink = new MemorySink()
  writeSafetensors(tensors, sink, { reader: tensorReader(nodeFiles) })
  writeFileSync(join(folder, 'model.safetensors'), sink.bytes())
  return folder
}
