import { expect, test } from 'vitest'
import { float32Tensor } from '../graph/tensor.ts'
import { checkpointWithLayers, configWithLayers } from './keep-layers.ts'
import { keptLayers } from './kept-layers.ts'

test.each([
  ['every-second', 12, [0, 2, 4, 6, 8, 10]],
  // DistilBERT's, of scripts/extract_distilbert.py
  ['spread-6', 12, [0, 2, 4, 7, 9, 11]],
  ['spread-1', 6, [0]],
  ['first-2', 6, [0, 1]],
  ['last-2', 6, [4, 5]],
  ['0, 3,5', 6, [0, 3, 5]],
] as const)('%s of %d layers', (text, total, kept) => {
  expect(keptLayers(text, total)).toEqual(kept)
})

test.each([
  ['0,6', /no layer 6; the model has layers 0 to 5/],
  ['2,1', /rising order/],
  ['last-7', /the model has 6 layers/],
  ['first-0', /the model has 6 layers/],
  ['half', /expected every-second/],
])('%s is refused', (text, message) => {
  expect(() => keptLayers(text, 6)).toThrow(message)
})

test('tensors are numbered anew, the rest stays', () => {
  const tensor = (value: number) => float32Tensor([value], [1])
  const tensors = new Map([
    ['bert.embeddings.word_embeddings.weight', tensor(9)],
    ...[0, 1, 2, 3].map((i) => [`bert.encoder.layer.${i}.output.dense.bias`, tensor(i)] as const),
    ['albert.encoder.albert_layer_groups.0.albert_layers.0.ffn.bias', tensor(8)],
  ])
  const kept = checkpointWithLayers({ file: 'model', tensors }, [1, 3]).tensors
  expect([...kept]).toEqual([
    [
      'bert.embeddings.word_embeddings.weight',
      tensors.get('bert.embeddings.word_embeddings.weight'),
    ],
    [
      'bert.encoder.layer.0.output.dense.bias',
      tensors.get('bert.encoder.layer.1.output.dense.bias'),
    ],
    [
      'bert.encoder.layer.1.output.dense.bias',
      tensors.get('bert.encoder.layer.3.output.dense.bias'),
    ],
    [
      'albert.encoder.albert_layer_groups.0.albert_layers.0.ffn.bias',
      tensors.get('albert.encoder.albert_layer_groups.0.albert_layers.0.ffn.bias'),
    ],
  ])
  const json = { num_hidden_layers: 4, layer_types: ['a', 'b', 'c', 'd'], hidden_size: 8 }
  expect(configWithLayers({ file: 'config.json', json }, [1, 3]).json).toEqual({
    num_hidden_layers: 2,
    layer_types: ['b', 'd'],
    hidden_size: 8,
  })
})
