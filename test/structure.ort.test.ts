/**
 * Exports whose every name was taken out, recognised by their structure: layers and their parts get their names
 * back, and dropping a layer gives what the built model gives without it.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fromBinary, toBinary } from '@bufbuild/protobuf'
import { expect, it } from 'vitest'
import type { Graph } from '../src/graph/graph.ts'
import { openModelFolder } from '../src/hub/model-folder.ts'
import { nodeFiles } from '../src/hub/node-files.ts'
import { buildModel } from '../src/models/build-model.ts'
import { ModelProtoSchema } from '../src/onnx/generated/onnx-ml.ts'
import { readOnnx, tensorReader } from '../src/onnx/index.ts'
import { dropLayers, encoderLayers, nameLayers, raise, runPasses } from '../src/passes/index.ts'
import { exportsRoot, outputsOf, recorded } from './support/exports.ts'
import { describeWith, fixture } from './support/fixtures.ts'
import { expectOutputs, runGraph, scratchFolder } from './support/tensors.ts'
import { withoutNames } from './support/without-names.ts'

const { read } = tensorReader(nodeFiles)

function raisedWithoutNames(file: string, folder: string): Graph {
  const path = join(folder, file.replaceAll('/', '-'))
  writeFileSync(path, withoutNames(readFileSync(join(exportsRoot, file))))
  const graph = readOnnx(path, nodeFiles)
  expect(graph.nodes.every(({ origin }) => origin === '')).toBe(true)
  return runPasses(graph, [...raise(read), nameLayers]).graph
}

/** Exports, and layers to drop of them. */
const files = [
  'bert-sequence-classification/torchscript.onnx',
  'bert-sequence-classification/dynamo.onnx',
  'bert-sequence-classification/dynamo-sdpa-23.onnx',
  'bert-question-answering/torchscript.onnx',
  'roberta-sequence-classification/torchscript.onnx',
  'distilbert-sequence-classification/dynamo-sdpa-18.onnx',
  'electra-sequence-classification/torchscript.onnx',
  'mpnet-model/torchscript.onnx',
  'deberta-v2-sequence-classification/torchscript.onnx',
  'modernbert-sequence-classification/torchscript.onnx',
  'modernbert-sequence-classification/dynamo.onnx',
]

/** Heads of each layer of models that we build none of, and names of the sums that end the first two. */
const others: Readonly<Record<string, readonly [readonly number[], string, string]>> = {
  'gpt2-lm/torchscript.onnx': [[4, 4], '/m/transformer/h.0/Add_1', '/m/transformer/h.1/Add_1'],
  'vit-image-classification/torchscript.onnx': [
    [4, 4],
    '/m/vit/layers.0/Add_1',
    '/m/vit/layers.1/Add_1',
  ],
  'swin-image-classification/torchscript.onnx': [
    [2, 2, 4, 4],
    '/m/swin/encoder/layers.0/blocks.0/Add_1',
    '/m/swin/encoder/layers.0/blocks.1/Add_4',
  ],
  'mobilevit-image-classification/torchscript.onnx': [
    [4, 4, 4, 4, 4, 4, 4, 4, 4],
    '/m/mobilevit/encoder/layer.2/transformer/layer.0/output/Add',
    '/m/mobilevit/encoder/layer.2/transformer/layer.1/output/Add',
  ],
}

/** Parts that have the same names in every file, whatever it calls them. */
const merged = [
  'attention.self.qkv',
  'attention.output.dense',
  'intermediate.dense',
  'output.dense',
]
const apart = ['query', 'key', 'value'].map((role) => `attention.self.${role}`)

/** The file as its exporter wrote it, but what reads the end of a layer reads that of the one before. */
function withoutLayer(file: string, before: string, end: string): Uint8Array {
  const model = fromBinary(ModelProtoSchema, readFileSync(join(exportsRoot, file)))
  const sum = (name: string) => model.graph!.node.find((node) => node.name === name)!.output[0]!
  const [kept, gone] = [sum(before), sum(end)]
  for (const node of model.graph!.node) {
    node.input = node.input.map((name) => (name === gone ? kept : name))
    if (node.opType === 'Dropout') node.input = node.input.slice(0, 1)
  }
  return toBinary(ModelProtoSchema, model)
}

describeWith(exportsRoot, 'structure without names', () => {
  const folder = scratchFolder()

  it.each(files)('%s', async (file) => {
    const graph = raisedWithoutNames(file, folder)
    const layers = encoderLayers(graph)
    const depth = file.startsWith('modernbert') ? 3 : 2
    expect(layers).toHaveLength(depth)
    const { config, checkpoint } = openModelFolder(fixture('models', dirname(file)))
    const key = Object.hasOwn(config.json, 'n_layers') ? 'n_layers' : 'num_hidden_layers'
    const types = config.json.layer_types
    const json = {
      ...config.json,
      [key]: depth - 1,
      ...(Array.isArray(types) && { layer_types: types.slice(0, -1) }),
    }
    const shorter = buildModel({ config: { ...config, json }, checkpoint }).graph
    const dropped = runPasses(graph, [dropLayers([depth - 1])]).graph
    const inputs = recorded(file, 'in.')
    for (const lowering of ['portable', 'cpu'] as const) {
      const expected = await runGraph(shorter, inputs, { lowering })
      const found = await runGraph(dropped, inputs, { lowering })
      const common = Object.fromEntries(
        Object.entries(expected).filter(([name]) => Object.hasOwn(found, name)),
      )
      expect(Object.keys(common).length).toBeGreaterThan(0)
      expectOutputs(found, common, 1e-4)
    }
  })

  it('names a BERT as its checkpoint does', () => {
    const graph = raisedWithoutNames(files[0]!, folder)
    const names = [...graph.weights.values()].flatMap(({ parameter }) =>
      parameter?.name.startsWith('encoder.') ? [parameter.name] : [],
    )
    const { checkpoint } = openModelFolder(fixture('models', dirname(files[0]!)))
    const stored = [...checkpoint.tensors.keys()].flatMap((name) =>
      name.startsWith('bert.encoder.') ? [name.replace('bert.', '')] : [],
    )
    expect(names.sort()).toEqual(stored.sort())
  })

  it.each(
    Object.entries(others),
  )('%s: layers, their names, and one dropped', async (file, other) => {
    const [heads, before, end] = other
    const graph = raisedWithoutNames(file, folder)
    const layers = encoderLayers(graph)
    expect(layers.map((layer) => layer.heads)).toEqual(heads)
    const origins = new Set(graph.nodes.map(({ origin }) => origin))
    const parts = file.startsWith('gpt2') ? merged : [...apart, ...merged.slice(1)]
    for (const [i] of heads.entries()) {
      for (const part of parts) expect(origins, part).toContain(`encoder.layer.${i}.${part}`)
    }
    const inputs = recorded(file, 'in.')
    const expected = await outputsOf(withoutLayer(file, before, end), inputs)
    const dropped = runPasses(graph, [dropLayers([1])]).graph
    for (const lowering of ['portable', 'cpu'] as const) {
      expectOutputs(await runGraph(dropped, inputs, { lowering }), expected, 1e-4)
    }
  })

  it('names the parts of a merged projection', () => {
    const graph = raisedWithoutNames('modernbert-sequence-classification/dynamo.onnx', folder)
    const origins = new Set(graph.nodes.map(({ origin }) => origin))
    for (const part of merged) expect(origins).toContain(`encoder.layer.1.${part}`)
    const splits = graph.nodes.filter(({ op, outputs }) => op === 'Split' && outputs.length === 3)
    expect(splits).toHaveLength(3)
    expect(splits.map(({ origin }) => origin)).toEqual(
      [0, 1, 2].map((i) => `encoder.layer.${i}.attention.self`),
    )
  })

  it('says which layers there are', () => {
    const graph = raisedWithoutNames(files[0]!, folder)
    expect(() => dropLayers([2]).apply(graph)).toThrow(
      /no layer 2 to drop; the model has layers 0 to 1/,
    )
  })
})
