/**
 * Golden graphs: what becomes of a BERT classifier of two layers in every lowering, as text that is
 * reviewed when it changes, and the operators counted.
 *
 * Sizes are those of the fixture `bert-sequence-classification`, but 64 wide: narrower layers are not worth
 * 8 bits. Weights are made up, so that this runs everywhere.
 */
import { describe, expect, it } from 'vitest'
import { elementCount } from '../graph/data-type.ts'
import type { Graph } from '../graph/graph.ts'
import { printGraph } from '../graph/print.ts'
import { opKey } from '../graph/rewrite.ts'
import type { Tensor } from '../graph/tensor.ts'
import { buildModel } from '../models/build-model.ts'
import { tensorReader } from '../onnx/materialize.ts'
import { verifyGraph } from '../ops/verify.ts'
import { runPasses } from './pass.ts'
import { type Lowering, pipeline } from './pipelines.ts'

const json = {
  architectures: ['BertForSequenceClassification'],
  model_type: 'bert',
  hidden_act: 'gelu',
  hidden_size: 64,
  id2label: { 0: 'LABEL_0', 1: 'LABEL_1', 2: 'LABEL_2' },
  intermediate_size: 128,
  max_position_embeddings: 40,
  num_attention_heads: 4,
  num_hidden_layers: 2,
  type_vocab_size: 2,
  vocab_size: 120,
}

/** A checkpoint in which every name is found; its file is nowhere, since nothing is read. */
function everything(): Map<string, Tensor> {
  const tensors = new Map<string, Tensor>()
  let offset = 0
  const add = (name: string, ...shape: number[]) => {
    const length = 4 * elementCount(shape)
    const source = { kind: 'file', path: 'model.safetensors', offset, length } as const
    tensors.set(`bert.${name}`, { dtype: 'float32', shape, source })
    offset += length
  }
  const linear = (path: string, inSize: number, outSize: number) => {
    add(`${path}.weight`, outSize, inSize)
    add(`${path}.bias`, outSize)
  }
  const norm = (path: string) =>
    ['weight', 'bias'].forEach((name) => void add(`${path}.${name}`, 64))
  for (const [name, rows] of Object.entries({ word: 120, token_type: 2, position: 40 })) {
    add(`embeddings.${name}_embeddings.weight`, rows, 64)
  }
  norm('embeddings.LayerNorm')
  for (const i of [0, 1]) {
    const layer = `encoder.layer.${i}`
    for (const name of ['self.query', 'self.key', 'self.value', 'output.dense']) {
      linear(`${layer}.attention.${name}`, 64, 64)
    }
    linear(`${layer}.intermediate.dense`, 64, 128)
    linear(`${layer}.output.dense`, 128, 64)
    norm(`${layer}.attention.output.LayerNorm`)
    norm(`${layer}.output.LayerNorm`)
  }
  linear('pooler.dense', 64, 64)
  linear('classifier', 64, 3)
  return tensors
}

const { graph: logical } = buildModel({
  config: { file: 'config.json', json },
  checkpoint: { file: 'model.safetensors', tensors: everything() },
})
const { read } = tensorReader()
const quantize = { scheme: 'dynamic-int8', weightBits: 7 } as const
const lowered = (lowering: Lowering, int8: boolean): Graph =>
  verifyGraph(
    runPasses(logical, pipeline({ lowering, read, quantize: int8 ? quantize : undefined })).graph,
  )

/** How often each operator stands in a graph. */
function count(graph: Graph): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const node of graph.nodes) counts[opKey(node)] = (counts[opKey(node)] ?? 0) + 1
  return counts
}

it('logical: plain operators, two layers, one classifier', () => {
  expect(printGraph(verifyGraph(logical))).toMatchSnapshot()
  expect(count(logical)).toMatchObject({ MatMul: 18, Softmax: 2, LayerNormalization: 5, Gelu: 2 })
})

const linears = 14
describe.each<[Lowering, boolean, Record<string, number>]>([
  ['exported', false, { MatMul: linears + 4, LayerNormalization: 5, Transpose: 8 }],
  ['portable', false, { MatMul: 4, Gemm: linears, Softmax: 2, LayerNormalization: 5 }],
  ['cpu', false, { Attention: 2, MatMul: 0, Gemm: linears, LayerNormalization: 5 }],
  ['portable', true, { MatMulInteger: 13, Gemm: 1, MatMul: 4, DynamicQuantizeLinear: 10 }],
  [
    'cpu',
    true,
    {
      'com.microsoft::MatMulIntegerToFloat': 13,
      Attention: 2,
      Gemm: 1,
      MatMul: 0,
      DynamicQuantizeLinear: 10,
      LayerNormalization: 5,
    },
  ],
])('%s, INT8 %s', (lowering, int8, expected) => {
  const graph = lowered(lowering, int8)
  it('is the golden text', () => {
    expect(printGraph(graph)).toMatchSnapshot()
  })
  it('has the operators counted', () => {
    const counts = count(graph)
    const found = Object.keys(expected).map((op) => [op, counts[op] ?? 0])
    expect(Object.fromEntries(found)).toEqual(expected)
  })
  it('is its own lowering: simplifying again changes nothing', () => {
    const again = runPasses(graph, pipeline({ lowering: 'exported', read })).graph
    expect(printGraph(again)).toBe(printGraph(graph))
  })
  it('kept module paths on every node that computes', () => {
    const lost = graph.nodes.filter(
      (node) => node.origin === '' && !/Cast|Gather|Unsqueeze|Slice|Squeeze/.test(node.op),
    )
    expect(lost.map(opKey)).toEqual([])
  })
})

it('queries, keys and values share one DynamicQuantizeLinear in the first layer', () => {
  const graph = lowered('cpu', true)
  const readers = new Map<unknown, string[]>()
  for (const node of graph.nodes) {
    if (node.op !== 'MatMulIntegerToFloat') continue
    readers.set(node.inputs[0], [...(readers.get(node.inputs[0]) ?? []), node.origin])
  }
  const path = 'encoder.layer.0.attention.self'
  expect([...readers.values()]).toContainEqual(['query', 'key', 'value'].map((n) => `${path}.${n}`))
})
