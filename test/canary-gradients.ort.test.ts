/**
 * The gradients of every parameter of the BERT classifier are PyTorch's of the first training step (before
 * clipping), within 1e-3 of each tensor's largest value: from the family's own graph, simplified, and from
 * an ONNX file of opset 17 that was written and read back.
 */
import { writeFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { type HostTensor, hostArray } from '../src/graph/data-type.ts'
import type { Graph, Value, Weight } from '../src/graph/graph.ts'
import { inlineTensor, transposed } from '../src/graph/tensor.ts'
import { nodeFiles } from '../src/hub/node-files.ts'
import { load } from '../src/jobs/load.ts'
import { tensorReader } from '../src/onnx/materialize.ts'
import { readOnnx } from '../src/onnx/read-onnx.ts'
import { onnxBytes } from '../src/onnx/write-onnx.ts'
import { verifyGraph } from '../src/ops/verify.ts'
import { runPasses } from '../src/passes/pass.ts'
import { pipeline } from '../src/passes/pipelines.ts'
import { openInline } from '../src/runtime/index.ts'
import { backward, crossEntropy, extendGraph } from '../src/train/index.ts'
import { describeWith, fixture } from './support/fixtures.ts'
import {
  asInt64,
  maxDifference,
  readTensors,
  scratchFolder,
  withPrefix,
} from './support/tensors.ts'

const name = 'bert-sequence-classification'
const LOSS = 1.2135156393

const reader = tensorReader(nodeFiles)

const folder = scratchFolder()
function readBack(graph: Graph): Graph {
  const path = `${folder}/model.onnx`
  writeFileSync(path, onnxBytes(graph, { opset: 17, reader }))
  return readOnnx(path, nodeFiles)
}
/** Simplification turns weights for good; their gradients come out turned, too. */
function asStored(gradient: HostTensor, { tensor: { source } }: Weight): HostTensor {
  if (source.kind !== 'derived' || source.op !== 'transpose') return gradient
  const tensor = inlineTensor(gradient.dtype, gradient.shape, gradient.data)
  const back = transposed(tensor, [1, 0])
  return { ...back, data: hostArray('float32', reader.read(back)) }
}
const sources: Readonly<Record<string, (graph: Graph) => Graph>> = {
  family: (graph) => graph,
  simplified: (graph) => runPasses(graph, pipeline({ lowering: 'exported', ...reader })).graph,
  file: readBack,
}

describeWith(fixture('training', name), `first step of ${name}`, () => {
  const expected = () => readTensors(fixture('training', name, 'grads.safetensors'))

  it.each(Object.keys(sources))('%s: has the loss and the gradients of PyTorch', async (source) => {
    const model = sources[source]!(load(fixture('models', name)).graph)
    const { graph: forward, result: loss } = extendGraph(model, (b) =>
      crossEntropy(b, model.outputs[0]!.value, b.input('labels', 'int64', ['batch_size'])),
    )
    const wanted = new Map<string, Value>()
    for (const [value, { parameter }] of model.weights) {
      if (parameter || value.name in expected()) wanted.set(parameter?.name ?? value.name, value)
    }
    const { graph, gradients } = backward(forward, loss, [...wanted.values()])
    const outputs = [...wanted].map(([name, value]) => ({ name, value: gradients.get(value)! }))
    outputs.push({ name: 'loss', value: loss })
    const engine = await openInline(onnxBytes(verifyGraph({ ...graph, outputs }), { reader }), {
      threads: 1,
      optimization: 'disabled',
    })
    const io = readTensors(fixture('models', name, 'io.safetensors'))
    const found = await engine.run({
      ...asInt64(withPrefix(io, 'in.')),
      ...readTensors(fixture('training', name, 'labels.safetensors')),
    })
    await engine.release()

    expect(Math.abs(Number(found.loss!.data[0]) / LOSS - 1)).toBeLessThanOrEqual(1e-4)
    expect([...wanted.keys()].sort()).toEqual(Object.keys(expected()).sort())
    for (const [parameter, tensor] of Object.entries(expected())) {
      const stored = asStored(found[parameter]!, model.weights.get(wanted.get(parameter)!)!)
      const largest = Math.max(...Array.from(tensor.data as Float32Array, Math.abs))
      expect(stored.shape, parameter).toEqual(tensor.shape)
      // a key's bias shifts every score of a row alike: its gradient is zero but for rounding
      const bound = parameter.endsWith('key.bias') ? 1e-7 : 1e-3 * largest
      expect(maxDifference(stored, tensor), parameter).toBeLessThanOrEqual(bound)
    }
  })
})
