import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { describeWith, fixture } from '../../test/support/fixtures.ts'
import type { HostTensor } from '../graph/data-type.ts'
import { dropoutRates } from '../models/dropout-rates.ts'
import { withDropout } from './dropout.ts'
import { crossEntropy } from './losses.ts'
import { firstState, openStep } from './testing/run-steps.ts'
import { trainingFixture } from './testing/training-fixture.ts'
import { trainingStep } from './training-step.ts'

const rates = {
  embeddings: 0.1,
  attention: 0.2,
  attentionOutput: 0.1,
  feedForward: 0.1,
  classifier: 0.3,
}

const configOf = (name: string) => {
  const file = fixture('models', name, 'config.json')
  return { file, json: JSON.parse(readFileSync(file, 'utf8')) }
}

it('reads rates from what families call them', () => {
  const config = (json: object) => ({ file: 'config.json', json: json as Record<string, unknown> })
  const bert = config({
    hidden_dropout_prob: 0.1,
    attention_probs_dropout_prob: 0.2,
    classifier_dropout: null,
  })
  expect(dropoutRates(bert, 'sequence-classification')).toEqual({
    embeddings: 0.1,
    attention: 0.2,
    attentionOutput: 0.1,
    feedForward: 0.1,
    classifier: 0.1,
  })
  const distilbert = config({
    dropout: 0.1,
    attention_dropout: 0.1,
    seq_classif_dropout: 0.2,
    qa_dropout: 0.3,
  })
  expect(dropoutRates(distilbert, 'sequence-classification')).toMatchObject({
    attentionOutput: 0,
    classifier: 0.2,
  })
  expect(dropoutRates(distilbert, 'question-answering').classifier).toBe(0.3)
  expect(dropoutRates(distilbert, 'masked-lm').classifier).toBe(0)
  expect(dropoutRates(config({}), 'token-classification').attention).toBe(0)
})

describeWith(fixture('training'), 'dropout', () => {
  const of = trainingFixture('bert-sequence-classification')

  it('stands at the places of the family, and taps say what is left', () => {
    const { graph, feeds } = withDropout(of.graph, { rates, seed: 1, largest: 1024 })
    const factors = graph.nodes.filter(({ op }) => op === 'DequantizeLinear')
    // embeddings, three in each of two layers, the classifier
    expect(factors).toHaveLength(8)
    expect(feeds(1, 0)['dropout/offsets']!.shape).toEqual([8])
    const first = graph.nodes.find(({ outputs }) => outputs.includes(graph.taps.get('hidden.0')))
    expect(first?.origin).toBe('embeddings.LayerNorm.dropout')
    const none = { embeddings: 0, attention: 0, attentionOutput: 0, feedForward: 0, classifier: 0 }
    expect(withDropout(of.graph, { rates: none, seed: 1 }).graph).toBe(of.graph)
    const config = configOf('distilbert-sequence-classification')
    const other = trainingFixture('distilbert-sequence-classification')
    const own = dropoutRates(config, 'sequence-classification')
    const dropped = withDropout(other.graph, { rates: own, seed: 1, largest: 1024 })
    expect(dropped.graph.nodes.filter(({ op }) => op === 'DequantizeLinear')).toHaveLength(6)
    // the classifier drops before both of its layers
    const { graph: roberta } = trainingFixture('roberta-sequence-classification')
    const twice = withDropout(roberta, {
      rates: { ...none, classifier: 0.3 },
      seed: 1,
      largest: 64,
    })
    const places = twice.graph.nodes.filter(({ op }) => op === 'DequantizeLinear')
    expect(places).toHaveLength(2)
    const read = twice.graph.nodes.filter(
      ({ op, inputs: [x] }) =>
        op === 'MatMul' &&
        twice.graph.nodes.some(
          ({ origin, outputs }) => /(^|\.)dropout$/.test(origin) && outputs.includes(x),
        ),
    )
    expect(read.map(({ origin }) => origin)).toEqual(['classifier.dense', 'classifier.out_proj'])
  })

  it('has masks of seed, step, micro-batch and place alone, which keep their share', async () => {
    const step = trainingStep({
      graph: of.graph,
      loss: (b, { logits }) => crossEntropy(b, logits!, b.input('labels', 'int64', ['batch_size'])),
      dropout: { rates, seed: 7, largest: 4096 },
      accumulate: true,
    })
    const state = firstState(step.state, of.files)
    const { run, release } = await openStep(step.accumulate!, step, state, { files: of.files })
    const at = async (n: number, micro = 0) => {
      for (const name of step.gradients) state.get(`sum/${name}`)!.data.fill(0 as never)
      const got = await run({ ...of.batch, ...step.feeds({ step: n, learningRate: 1e-3, micro }) })
      const name = 'bert.encoder.layer.0.output.dense.weight'
      return { loss: Number(got.loss!.data[0]), gradient: state.get(`sum/${name}`)!.data }
    }
    const [first, second, again, micro] = [await at(1), await at(2), await at(1), await at(1, 1)]
    expect(again).toEqual(first)
    expect(new Set([first.loss, second.loss, micro!.loss]).size).toBe(3)
    let mean = 0
    for (let n = 1; n <= 100; n++) mean += (await at(n)).loss / 100
    await release()
    expect(mean).toBeGreaterThan(of.losses[0]! * 0.8)
    expect(mean).toBeLessThan(of.losses[0]! * 1.3)
  })

  it('has the gradient of the masked run', async () => {
    const step = trainingStep({
      graph: of.graph,
      loss: (b, { logits }) => crossEntropy(b, logits!, b.input('labels', 'int64', ['batch_size'])),
      dropout: { rates, seed: 3, largest: 4096 },
      accumulate: true,
    })
    const state = firstState(step.state, of.files)
    const { run, release } = await openStep(step.accumulate!, step, state, { files: of.files })
    const feeds = { ...of.batch, ...step.feeds({ step: 5, learningRate: 1e-3 }) }
    const lossOf = async () => Number((await run(feeds)).loss!.data[0])
    await run(feeds)
    const gradients = new Map(state)
    for (const name of [
      'bert.encoder.layer.1.attention.output.dense.weight',
      'classifier.weight',
    ]) {
      const weight = state.get(`parameter/${name}`)!
      const gradient = Array.from(gradients.get(`sum/${name}`)!.data as Float32Array)
      const largest = gradient.reduce(
        (best, x, i) => (Math.abs(x) > Math.abs(gradient[best]!) ? i : best),
        0,
      )
      const moved = async (by: number) => {
        const data = (weight.data as Float32Array).slice()
        data[largest]! += by
        state.set(`parameter/${name}`, { ...weight, data } as HostTensor)
        return lossOf()
      }
      const slope = ((await moved(0.01)) - (await moved(-0.01))) / 0.02
      state.set(`parameter/${name}`, weight)
      expect(slope / gradient[largest]!).toBeCloseTo(1, 1)
    }
    await release()
  })
})
