import { expect, it } from 'vitest'
import { float32Tensor } from '../graph/tensor.ts'
import { buildModel } from './build-model.ts'
import type { ModelConfig } from './config.ts'
import { type Axis, parameterAxes } from './parameter-axes.ts'

const sizes: Readonly<Record<Axis, number>> = {
  ...{ kept: 0, state: 6, query: 6, key: 6, value: 6, context: 6, inner: 20, pooled: 6 },
}
const bert = {
  ...{ hidden_size: 6, num_hidden_layers: 1, num_attention_heads: 2, intermediate_size: 20 },
  ...{ vocab_size: 9, max_position_embeddings: 11, type_vocab_size: 3, pad_token_id: 1 },
}
const distilbert = {
  ...{ dim: 6, n_layers: 1, n_heads: 2, hidden_dim: 20, activation: 'gelu' },
  ...{ vocab_size: 9, max_position_embeddings: 11 },
}
const families = {
  ...{ bert: 'Bert', roberta: 'Roberta', 'xlm-roberta': 'XLMRoberta', electra: 'Electra' },
  distilbert: 'DistilBert',
}
const endings = ['Model', 'ForSequenceClassification', 'ForTokenClassification', 'ForMaskedLM']
const cases = Object.entries(families).flatMap(([type, name]) =>
  [...endings, 'ForQuestionAnswering'].map((ending) => [type, `${name}${ending}`] as const),
)

// every parameter of every plain family, with every head: an axis that is narrowed has the size of what it stands for
it.each(cases)('%s: %s', (type, architecture) => {
  const json = {
    ...(type === 'distilbert' ? distilbert : { ...bert, embedding_size: 6 }),
    ...{ model_type: type, architectures: [architecture], id2label: { 0: 'a', 1: 'b', 2: 'c' } },
  }
  const config: ModelConfig = { file: 'config.json', json }
  const make = (_: string, shape: readonly number[]) =>
    float32Tensor(new Array<number>(shape.reduce((a, b) => a * b, 1)).fill(0), [...shape])
  const checkpoint = { file: 'made up', tensors: new Map(), make, makesBase: true }
  const { graph } = buildModel({ config, checkpoint })
  const parameters = [...graph.weights.values()].filter(({ parameter }) => parameter)
  expect(parameters.length).toBeGreaterThan(18)
  for (const { parameter, tensor } of parameters) {
    const axes = parameterAxes(parameter!.name)
    expect(axes, parameter!.name).toBeDefined()
    const named = axes === 'norm' ? (['state'] as const) : axes!
    expect(named, parameter!.name).toHaveLength(tensor.shape.length)
    named.forEach((axis, i) => {
      const size = tensor.shape[i]!
      if (axis === 'kept') expect([2, 3, 9, 11, 13], parameter!.name).toContain(size)
      else expect(size, parameter!.name).toBe(sizes[axis])
    })
  }
})
