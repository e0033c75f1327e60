/**
 * Every head of every family: the parameters that Hugging Face gives it, no more, and what is computed
 * from them. The base model's tensors come from a fixture; the head's are zeros.
 */
import { expect, it } from 'vitest'
import { LimbeckError } from '../src/errors.ts'
import { elementCount } from '../src/graph/data-type.ts'
import { inlineTensor, type Tensor } from '../src/graph/tensor.ts'
import { openModelFolder } from '../src/hub/model-folder.ts'
import { type BuildOptions, buildModel } from '../src/models/build-model.ts'
import { describeWith, fixture } from './support/fixtures.ts'

/** Shapes by module: `[out, in]` for a linear layer, `[size]` for a norm; a parameter's own name stands alone. */
type HeadShapes = Readonly<Record<string, readonly number[]>>

const tokenLevel = { classifier: [5, 32] }
const question = { qa_outputs: [2, 32] }
const linear = 'Transpose MatMul Add'
const first = `Gather ${linear}`
const spans = `${linear} Slice Squeeze Slice Squeeze`

/** Fixture with the base model, architecture, its head, its operators. */
const heads: readonly (readonly [string, string, HeadShapes, string])[] = [
  ['roberta', 'RobertaModel', { 'roberta.pooler.dense': [32, 32] }, `${first} Tanh`],
  [
    'roberta',
    'RobertaForSequenceClassification',
    { 'classifier.dense': [32, 32], 'classifier.out_proj': [5, 32] },
    `${first} Tanh ${linear}`,
  ],
  ['roberta', 'RobertaForTokenClassification', tokenLevel, linear],
  ['roberta', 'RobertaForQuestionAnswering', question, spans],
  [
    'roberta',
    'RobertaForMaskedLM',
    { 'lm_head.dense': [32, 32], 'lm_head.layer_norm': [32], 'lm_head.bias': [120] },
    `${linear} Gelu LayerNormalization ${linear}`,
  ],
  ['distilbert', 'DistilBertModel', {}, ''],
  [
    'distilbert',
    'DistilBertForSequenceClassification',
    { pre_classifier: [32, 32], classifier: [5, 32] },
    `${first} Relu ${linear}`,
  ],
  ['distilbert', 'DistilBertForTokenClassification', tokenLevel, linear],
  ['distilbert', 'DistilBertForQuestionAnswering', question, spans],
  [
    'distilbert',
    'DistilBertForMaskedLM',
    { vocab_transform: [32, 32], vocab_layer_norm: [32], 'vocab_projector.bias': [120] },
    `${linear} Gelu LayerNormalization ${linear}`,
  ],
  ['electra', 'ElectraModel', {}, ''],
  ['electra', 'ElectraForPreTraining', {}, ''],
  [
    'electra',
    'ElectraForSequenceClassification',
    { 'classifier.dense': [32, 32], 'classifier.out_proj': [5, 32] },
    `${first} Gelu ${linear}`,
  ],
  ['electra', 'ElectraForTokenClassification', tokenLevel, linear],
  ['electra', 'ElectraForQuestionAnswering', question, spans],
  [
    'electra',
    'ElectraForMaskedLM',
    {
      'generator_predictions.dense': [24, 32],
      'generator_predictions.LayerNorm': [24],
      'generator_lm_head.bias': [120],
    },
    `${linear} Gelu LayerNormalization ${linear}`,
  ],
  ['albert', 'AlbertModel', { 'albert.pooler': [32, 32] }, `${first} Tanh`],
  [
    'albert',
    'AlbertForSequenceClassification',
    { 'albert.pooler': [32, 32], classifier: [5, 32] },
    `${first} Tanh ${linear}`,
  ],
  ['albert', 'AlbertForTokenClassification', tokenLevel, linear],
  ['albert', 'AlbertForQuestionAnswering', question, spans],
  [
    'albert',
    'AlbertForMaskedLM',
    { 'predictions.dense': [16, 32], 'predictions.LayerNorm': [16], 'predictions.bias': [120] },
    `${linear} Gelu LayerNormalization ${linear}`,
  ],
]

const zeros = (shape: readonly number[]): Tensor =>
  inlineTensor('float32', shape, new Float32Array(elementCount(shape)))

/** The parameters of a head by name. */
function headTensors(shapes: HeadShapes): (readonly [string, Tensor])[] {
  return Object.entries(shapes).flatMap(([path, shape]) =>
    path.endsWith('.bias')
      ? [[path, zeros(shape)] as const]
      : [
          [`${path}.weight`, zeros(shape)] as const,
          [`${path}.bias`, zeros(shape.slice(0, 1))] as const,
        ],
  )
}

/** The fixture's base model with another head. */
function options(family: string, architecture: string, shapes: HeadShapes): BuildOptions {
  const { config, checkpoint } = openModelFolder(
    fixture('models', `${family}-sequence-classification`),
  )
  const base = [...checkpoint.tensors].filter(
    ([name]) => name.startsWith(`${family}.`) && !name.includes('pooler'),
  )
  const id2label = Object.fromEntries(['a', 'b', 'c', 'd', 'e'].map((label, i) => [i, label]))
  return {
    config: { ...config, json: { ...config.json, architectures: [architecture], id2label } },
    checkpoint: { ...checkpoint, tensors: new Map([...base, ...headTensors(shapes)]) },
  }
}

describeWith(fixture('models'), 'heads', () => {
  it.each(heads)('%s: %s', (family, architecture, shapes, ops) => {
    const given = options(family, architecture, shapes)
    const { graph, dims } = buildModel(given)
    const last = graph.taps.get(`hidden.${dims.layers}`)!
    const end = graph.nodes.findIndex((node) => node.outputs.includes(last))
    expect(
      graph.nodes
        .slice(end + 1)
        .map((node) => node.op)
        .join(' '),
    ).toBe(ops)
    const used = [...graph.weights.values()].flatMap(({ parameter }) => parameter?.name ?? [])
    expect(used.sort()).toEqual([...given.checkpoint.tensors.keys()].sort())
  })

  const headed = heads.filter(([, architecture]) => !/Model|PreTraining/.test(architecture))
  it.each(headed)('%s: %s says that its head is missing', (family, architecture, shapes) => {
    for (const [name] of headTensors(shapes)) {
      const given = options(family, architecture, shapes)
      const tensors = new Map(given.checkpoint.tensors)
      tensors.delete(name)
      const build = () => buildModel({ ...given, checkpoint: { ...given.checkpoint, tensors } })
      expect(build).toThrow(LimbeckError)
      expect(build).toThrow(`the head of ${architecture}, which config.json names`)
    }
  })

  it('a sentence-transformers folder is a base model, whatever head its config names', () => {
    const pooling = { modes: ['mean'], normalize: true } as const
    const given = { ...options('roberta', 'RobertaForMaskedLM', {}), pooling }
    const { graph, task } = buildModel(given)
    expect(task).toBe('feature-extraction')
    expect(graph.outputs.map(({ name }) => name)).toEqual([
      'last_hidden_state',
      'sentence_embedding',
    ])
  })

  it('roberta: positions are the usable ones, the table keeps its size', () => {
    const { graph, dims } = buildModel(options('roberta', 'RobertaModel', {}))
    const table = [...graph.weights].find(([value]) => value.name.includes('position_embeddings'))
    expect([dims.positions, table![1].tensor.shape]).toEqual([40, [42, 32]])
  })

  it('albert: layers that share parameters stay nodes of their own', () => {
    const { graph } = buildModel(options('albert', 'AlbertModel', {}))
    for (const path of ['encoder.layer.0.attention', 'encoder.layer.1.attention']) {
      expect(graph.taps.has(`${path}.scores`)).toBe(true)
      expect(graph.nodes.some((node) => node.origin === `${path}.query`)).toBe(true)
    }
  })
})
