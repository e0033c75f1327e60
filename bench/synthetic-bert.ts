/**
 * A model folder of the shape of bert-base-uncased with random fp32 weights: 109.5 M parameters, 438 MB.
 * How long a build takes and what memory it needs depend on the sizes alone.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { bytesOf } from '../src/graph/data-type.ts'
import type { Tensor } from '../src/graph/tensor.ts'
import { nodeFiles, writeFilesWhole } from '../src/hub/node-files.ts'
import { tensorBytes, tensorReader } from '../src/onnx/materialize.ts'
import { writeSafetensors } from '../src/onnx/write-safetensors.ts'
import { randomFrom } from '../src/stats/index.ts'

const config = {
  architectures: ['BertModel'],
  model_type: 'bert',
  hidden_act: 'gelu',
  hidden_size: 768,
  intermediate_size: 3072,
  layer_norm_eps: 1e-12,
  max_position_embeddings: 512,
  num_attention_heads: 12,
  num_hidden_layers: 12,
  type_vocab_size: 2,
  vocab_size: 30522,
}

/** Writes the folder; gives the bytes of its weights. */
export function writeSyntheticBert(folder: string): number {
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'config.json'), `${JSON.stringify(config, null, 2)}\n`)
  const tensors = new Map<string, Tensor>()
  for (const [name, shape] of parameterShapes()) tensors.set(name, placeholder(shape))
  const noise = randomBytes()
  let at = 0
  const reader = {
    ...tensorReader(nodeFiles),
    // weights are drawn as they are written: no copy of the model is ever in memory
    stream: (tensor: Tensor, sink: { write(bytes: Uint8Array): void }) => {
      for (let left = tensorBytes(tensor); left > 0; ) {
        const piece = noise.subarray(at, at + left)
        sink.write(piece)
        left -= piece.length
        at = (at + piece.length) % noise.length
      }
    },
  }
  writeFilesWhole(folder, (open) =>
    writeSafetensors(tensors, open('model.safetensors'), { reader }),
  )
  return [...tensors.values()].reduce((sum, tensor) => sum + tensorBytes(tensor), 0)
}

const placeholder = (shape: readonly number[]): Tensor => ({
  dtype: 'float32',
  shape,
  source: { kind: 'inline', bytes: new Uint8Array(0) },
})

type Named = [name: string, shape: readonly number[]]

function parameterShapes(): Named[] {
  const { hidden_size: d, intermediate_size: f } = config
  const dense = (path: string, from: number, to: number): Named[] => [
    [`${path}.weight`, [to, from]],
    [`${path}.bias`, [to]],
  ]
  const norm = (path: string): Named[] => [
    [`${path}.weight`, [d]],
    [`${path}.bias`, [d]],
  ]
  const layers = Array.from({ length: config.num_hidden_layers }, (_, i) => `encoder.layer.${i}`)
  return [
    ['embeddings.word_embeddings.weight', [config.vocab_size, d]],
    ['embeddings.position_embeddings.weight', [config.max_position_embeddings, d]],
    ['embeddings.token_type_embeddings.weight', [config.type_vocab_size, d]],
    ...norm('embeddings.LayerNorm'),
    ...layers.flatMap((layer) => [
      ...['query', 'key', 'value'].flatMap((part) =>
        dense(`${layer}.attention.self.${part}`, d, d),
      ),
      ...dense(`${layer}.attention.output.dense`, d, d),
      ...norm(`${layer}.attention.output.LayerNorm`),
      ...dense(`${layer}.intermediate.dense`, d, f),
      ...dense(`${layer}.output.dense`, f, d),
      ...norm(`${layer}.output.LayerNorm`),
    ]),
    ...dense('pooler.dense', d, d),
  ]
}

/** A megabyte of values of a weight's size, repeated through the model. */
function randomBytes(): Uint8Array {
  const { uniform } = randomFrom(1)
  return bytesOf(Float32Array.from({ length: 1 << 18 }, () => (uniform() - 0.5) * 0.08))
}
