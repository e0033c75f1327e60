/** Sizes and work of published models, beside what their papers say. */
import { expect, it } from 'vitest'
import type { Tensor } from '../graph/tensor.ts'
import { buildModel } from '../models/build-model.ts'
import { sizesOf } from './results.ts'

/** Weights whose values nobody asks for. */
const make = (name: string, shape: readonly number[]): Tensor => ({
  dtype: 'float32',
  shape,
  source: { kind: 'file', path: name, offset: 0, length: 0 },
})

/** A classifier of BERT's family. */
function bert(layers: number, width: number, inner: number) {
  const json = {
    ...{ model_type: 'bert', architectures: ['BertForSequenceClassification'], hidden_act: 'gelu' },
    ...{ num_hidden_layers: layers, hidden_size: width, intermediate_size: inner },
    ...{ num_attention_heads: 12, vocab_size: 30_522, max_position_embeddings: 512 },
    ...{ type_vocab_size: 2, layer_norm_eps: 1e-12, num_labels: 2 },
  }
  const config = { file: 'config.json', json }
  const checkpoint = { file: 'none', tensors: new Map(), make, makesBase: true }
  return buildModel({ config, checkpoint, pooling: undefined }).graph
}

it.each([
  // parameters of BertModel as transformers counts them; FLOPs of Jiao et al. 2020, table 1
  ['BERT-base', bert(12, 768, 3072), 109_482_240, 768, 22.5e9],
  ['TinyBERT4', bert(4, 312, 1200), 14_350_248, 312, 1.2e9],
])('%s', (_, graph, base, width, flops) => {
  const sizes = sizesOf(graph, '1x128')
  const parameters = base + 2 * width + 2
  expect(sizes.parameters).toBe(parameters)
  expect(sizes.parametersWithoutEmbeddings).toBe(parameters - (30_522 + 512 + 2) * width)
  // the papers count products alone, to two digits
  expect(sizes.flops / flops).toBeGreaterThan(0.98)
  expect(sizes.flops / flops).toBeLessThan(1.06)
})
