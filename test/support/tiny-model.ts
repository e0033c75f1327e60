/** A base model of two narrow layers with drawn weights and the example's tokenizer: it trains in seconds. */
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { inlineTensor, type Tensor } from '../../src/graph/tensor.ts'
import { MemorySink } from '../../src/onnx/file-access.ts'
import { writeSafetensors } from '../../src/onnx/write-safetensors.ts'
import { normalFrom, randomFrom } from '../../src/stats/random.ts'
import { example } from './command.ts'

const [vocab, positions] = [2048, 64]

const configOf = (hidden: number, inner: number) => ({
  architectures: ['BertModel'],
  model_type: 'bert',
  vocab_size: vocab,
  hidden_size: hidden,
  num_hidden_layers: 2,
  num_attention_heads: 2,
  intermediate_size: inner,
  hidden_act: 'gelu',
  max_position_embeddings: positions,
  type_vocab_size: 2,
  layer_norm_eps: 1e-12,
  initializer_range: 0.02,
  hidden_dropout_prob: 0.1,
  attention_probs_dropout_prob: 0.1,
  pad_token_id: 0,
})

/** Shapes of a layer's matrices, by module. */
const matricesOf = (
  hidden: number,
  inner: number,
): Readonly<Record<string, readonly [number, number]>> => ({
  'attention.self.query': [hidden, hidden],
  'attention.self.key': [hidden, hidden],
  'attention.self.value': [hidden, hidden],
  'attention.output.dense': [hidden, hidden],
  'intermediate.dense': [inner, hidden],
  'output.dense': [hidden, inner],
})

/** Writes the folder; its tensors have no prefix, as `BertModel` saves them. */
export function writeTinyModel(
  folder: string,
  [hidden, inner]: readonly [number, number] = [32, 64],
): string {
  mkdirSync(folder, { recursive: true })
  for (const name of ['tokenizer.json', 'tokenizer_config.json', 'special_tokens_map.json']) {
    copyFileSync(join(example, name), join(folder, name))
  }
  writeFileSync(join(folder, 'config.json'), JSON.stringify(configOf(hidden, inner)))
  const normal = normalFrom(randomFrom(5))
  const tensors = new Map<string, Tensor>()
  const put = (name: string, shape: readonly number[], value: () => number): void => {
    const length = shape.reduce((product, dim) => product * dim, 1)
    tensors.set(name, inlineTensor('float32', shape, Float32Array.from({ length }, value)))
  }
  const norm = (name: string): void => {
    put(`${name}.weight`, [hidden], () => 1)
    put(`${name}.bias`, [hidden], () => 0)
  }
  const dense = (name: string, [out, width]: readonly [number, number]): void => {
    put(`${name}.weight`, [out, width], () => 0.15 * normal())
    put(`${name}.bias`, [out], () => 0.02 * normal())
  }
  for (const [name, rows] of Object.entries({ word: vocab, position: positions, token_type: 2 })) {
    put(`embeddings.${name}_embeddings.weight`, [rows, hidden], () => 0.3 * normal())
  }
  norm('embeddings.LayerNorm')
  for (const layer of [0, 1]) {
    for (const [name, shape] of Object.entries(matricesOf(hidden, inner)))
      dense(`encoder.layer.${layer}.${name}`, shape)
    norm(`encoder.layer.${layer}.attention.output.LayerNorm`)
    norm(`encoder.layer.${layer}.output.LayerNorm`)
  }
  dense('pooler.dense', [hidden, hidden])
  const sink = new MemorySink()
  writeSafetensors(tensors, sink)
  writeFileSync(join(folder, 'model.safetensors'), sink.bytes())
  return folder
}

const happy = ['thank', 'great', 'love', 'happy', 'good']
const unhappy = ['broken', 'late', 'wrong', 'refund', 'cancel']
const filler = ['my', 'order', 'is', 'the', 'account', 'please', 'today', 'it']

/** Rows of two classes that one word tells apart. */
export function writeToyData(file: string, rows: number, seed: number): string {
  const random = randomFrom(seed)
  const word = (list: readonly string[]) => list[random.below(list.length)]!
  const lines = Array.from({ length: rows }, () => {
    const good = random.below(2) === 1
    const words = Array.from({ length: 3 + random.below(9) }, () => word(filler))
    words[random.below(words.length)] = word(good ? happy : unhappy)
    return `${words.join(' ')}\t${good ? 'praise' : 'complaint'}`
  })
  writeFileSync(file, `text\tlabel\n${lines.join('\n')}\n`)
  return file
}
