/**
 * Building from a configuration and a checkpoint: heads and their outputs, names in the wild, ties, and
 * one sentence for each thing that does not fit. Weights are made up; sizes are the smallest that work.
 */
import { describe, expect, it } from 'vitest'
import { LimbeckError } from '../errors.ts'
import { elementCount } from '../graph/data-type.ts'
import { inlineTensor, type Tensor } from '../graph/tensor.ts'
import { verifyGraph } from '../ops/verify.ts'
import { buildModel, families } from './build-model.ts'
import type { Pooling } from './pooling.ts'

const json = {
  model_type: 'bert',
  num_hidden_layers: 1,
  hidden_size: 4,
  num_attention_heads: 2,
  intermediate_size: 6,
  vocab_size: 10,
  max_position_embeddings: 8,
}

/** Shapes of the base model's parameters, without the prefix. */
function shapesOf(): Map<string, number[]> {
  const shapes = new Map<string, number[]>([
    ['embeddings.word_embeddings.weight', [10, 4]],
    ['embeddings.token_type_embeddings.weight', [2, 4]],
    ['embeddings.position_embeddings.weight', [8, 4]],
  ])
  const linear = (path: string, inSize: number, outSize: number) => {
    shapes.set(`${path}.weight`, [outSize, inSize])
    shapes.set(`${path}.bias`, [outSize])
  }
  const norm = (path: string) => {
    shapes.set(`${path}.weight`, [4])
    shapes.set(`${path}.bias`, [4])
  }
  const layer = 'encoder.layer.0'
  norm('embeddings.LayerNorm')
  for (const name of ['query', 'key', 'value']) linear(`${layer}.attention.self.${name}`, 4, 4)
  linear(`${layer}.attention.output.dense`, 4, 4)
  norm(`${layer}.attention.output.LayerNorm`)
  linear(`${layer}.intermediate.dense`, 4, 6)
  linear(`${layer}.output.dense`, 6, 4)
  norm(`${layer}.output.LayerNorm`)
  linear('pooler.dense', 4, 4)
  linear('classifier', 4, 2)
  linear('qa_outputs', 4, 2)
  linear('cls.predictions.transform.dense', 4, 4)
  norm('cls.predictions.transform.LayerNorm')
  shapes.set('cls.predictions.bias', [10])
  return shapes
}

const zeros = (shape: readonly number[], dtype: Tensor['dtype'] = 'float32'): Tensor =>
  inlineTensor(dtype, shape, new Float32Array(elementCount(shape)))

interface Change {
  readonly json?: Record<string, unknown>
  readonly rename?: (name: string) => string | undefined
  readonly shapes?: Record<string, number[]>
  readonly pooling?: Pooling
}

function build({ json: changes = {}, rename = (name) => name, shapes = {}, pooling }: Change = {}) {
  const tensors = new Map<string, Tensor>()
  for (const [name, shape] of shapesOf()) {
    const stored = rename(name)
    if (stored !== undefined) tensors.set(stored, zeros(shapes[name] ?? shape))
  }
  return buildModel({
    config: { file: 'config.json', json: { ...json, ...changes } },
    checkpoint: { file: 'model.safetensors', tensors },
    pooling,
  })
}
const architecture = (name: string) => ({ json: { architectures: [name] } })
const outputsOf = (change: Change): string[] =>
  verifyGraph(build(change).graph).outputs.map((port) => port.name)

describe('heads', () => {
  it.each([
    ['BertModel', ['last_hidden_state', 'pooler_output']],
    ['BertForSequenceClassification', ['logits']],
    ['BertForTokenClassification', ['logits']],
    ['BertForQuestionAnswering', ['start_logits', 'end_logits']],
    ['BertForMaskedLM', ['logits']],
    ['BertForPreTraining', ['logits']],
  ])('%s gives %j', (name, outputs) => {
    expect(outputsOf(architecture(name))).toEqual(outputs)
  })

  it('without architectures it is the base model, without a pooler it has no pooler_output', () => {
    expect(outputsOf({})).toEqual(['last_hidden_state', 'pooler_output'])
    const rename = (name: string) => (name.startsWith('pooler') ? undefined : name)
    expect(outputsOf({ rename })).toEqual(['last_hidden_state'])
  })

  it('pooling adds a sentence embedding, and asks for the base model whatever head is named', () => {
    const pooling: Pooling = { modes: ['mean', 'cls', 'max', 'mean-sqrt-length'], normalize: true }
    expect(outputsOf({ pooling })).toContain('sentence_embedding')
    expect(outputsOf({ pooling, ...architecture('BertForMaskedLM') })).toEqual(
      outputsOf({ pooling }),
    )
  })

  it('labels come from the configuration, only where there are classes', () => {
    const id2label = { 0: 'no', 1: 'yes' }
    const classifier = { architectures: ['BertForSequenceClassification'], id2label }
    expect(build({ json: classifier }).labels).toEqual(['no', 'yes'])
    expect(build({ json: { id2label } }).labels).toEqual([])
  })
})

describe('parameters', () => {
  it('are found with and without the prefix, and under the names of old checkpoints', () => {
    const legacy = (name: string) =>
      `bert.${name}`
        .replace('LayerNorm.weight', 'LayerNorm.gamma')
        .replace('LayerNorm.bias', 'LayerNorm.beta')
    const names = ({ graph }: ReturnType<typeof build>) =>
      [...graph.weights.values()].flatMap(({ parameter }) => parameter?.name ?? [])
    expect(names(build())).toContain('embeddings.LayerNorm.weight')
    expect(names(build({ rename: legacy }))).toContain('bert.embeddings.LayerNorm.gamma')
    expect(names(build({ rename: legacy }))).toHaveLength(names(build()).length)
  })

  it('the decoder is tied to the word table: one value, read twice', () => {
    const { graph } = build(architecture('BertForMaskedLM'))
    const [table] = [...graph.weights].find(
      ([, { parameter }]) => parameter?.name === 'embeddings.word_embeddings.weight',
    )!
    const readers = graph.nodes.filter((node) => node.inputs.includes(table))
    expect(readers.map((node) => node.op)).toEqual(['Gather', 'Transpose'])
  })

  it('layers keep their module path and taps', () => {
    const { graph } = build()
    const path = 'encoder.layer.0.attention.self'
    expect(graph.nodes.some((node) => node.origin === `${path}.query`)).toBe(true)
    const parts = ['scores', 'query', 'key', 'value'].map((name) => `${path}.${name}`)
    expect([...graph.taps.keys()].sort()).toEqual(['hidden.0', 'hidden.1', ...parts].sort())
  })
})

describe('what does not fit', () => {
  const message = (change: Change): string => {
    try {
      build(change)
    } catch (error) {
      if (error instanceof LimbeckError && error.code === 'input') {
        return [error.message, error.hint].join(' ').trim()
      }
      throw error
    }
    return 'no error'
  }
  const without = (lost: string) => ({
    rename: (name: string) => (name === lost ? undefined : name),
  })

  it.each<[string, Change]>([
    ['unknown model_type', { json: { model_type: 'bart' } }],
    ['model_type of Object', { json: { model_type: 'constructor' } }],
    ['no model_type', { json: { model_type: undefined } }],
    ['unknown architecture', architecture('BertForNextSentencePrediction')],
    ['relative positions', { json: { position_embedding_type: 'relative_key' } }],
    ['a decoder', { json: { is_decoder: true } }],
    ['heads', { json: { num_attention_heads: 3 } }],
    ['absurd layers', { json: { num_hidden_layers: 1e9 } }],
    ['more layers than stored', { json: { num_hidden_layers: 2 ** 24 } }],
    ['activation', { json: { hidden_act: 'gelou' } }],
    ['missing tensor', without('encoder.layer.0.output.dense.bias')],
    ['nothing like it', { rename: () => undefined }],
    ['wrong shape', { shapes: { 'embeddings.LayerNorm.bias': [5] } }],
    ['wrong rank', { shapes: { 'encoder.layer.0.output.dense.weight': [24] } }],
    ['turned weight', { shapes: { 'encoder.layer.0.output.dense.weight': [6, 4] } }],
    ['vocabulary', { json: { vocab_size: 11 } }],
  ])('%s', (_, change) => {
    const known = [...families.keys()].join(', ')
    expect(message(change).replace(`known are ${known}.`, 'known are …')).toMatchSnapshot()
  })
})
