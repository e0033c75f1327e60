/**
 * Exports whose every name was taken out, recognised by their structure: layers and their parts get their names
 * back, and dropping a layer gives what the built model gives without it.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, it } from 'vitest'
import type { Graph } from '../src/graph/graph.ts'
import { openModelFolder } from '../src/hub/model-folder.ts'
import { nodeFiles } from '../src/hub/node-files.ts'
import { buildModel } from '../src/models/build-model.ts'
import { readOnnx, tensorReader } from '../src/onnx/index.ts'
import { dropLayers, encoderLayers, nameLayers, raise, runPasses } from '../src/passes/index.ts'
import { exportsRoot, recorded } from './support/exports.ts'
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
]

/** Layers of every model whose structure is a plain stack. */
const counts = {
  'gpt2-lm/torchscript.onnx': 2,
  'vit-image-classification/dynamo.onnx': 2,
  'mobilevit-image-classification/torchscript.onnx': 9,
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

  it.each(Object.entries(counts))('%s has %i layers', (file, count) => {
    const layers = encoderLayers(raisedWithoutNames(file, folder))
    expect(layers).toHaveLength(count)
    expect(layers.every(({ heads }) => heads === 4)).toBe(true)
  })

  it('says which layers there are', () => {
    const graph = raisedWithoutNames(files[0]!, folder)
    expect(() => dropLayers([2]).apply(graph)).toThrow(
      /no layer 2 to drop; the model has layers 0 to 1/,
    )
  })
})
