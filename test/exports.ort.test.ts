/**
 * Every exported fixture, read, written in the canonical opset and in opset 17, gives the outputs of the
 * original file. ONNX Runtime's optimizer is off, so that it cannot hide a wrong conversion.
 */
import { existsSync, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, it } from 'vitest'
import type { HostTensor } from '../src/graph/data-type.ts'
import { hostArray } from '../src/graph/data-type.ts'
import { nodeFiles } from '../src/hub/node-files.ts'
import {
  materialize,
  onnxBytes,
  readOnnx,
  readSafetensors,
  tensorReader,
} from '../src/onnx/index.ts'
import { openInline } from '../src/runtime/open-inline.ts'
import { describeWith, fixture } from './support/fixtures.ts'

type Tensors = Record<string, HostTensor>

const root = fixture('exports')
const exported = existsSync(root)
  ? readdirSync(root, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.onnx'))
      .sort()
  : []

/** The recorded inputs that belong to the models of a folder. */
function inputsOf(file: string): Tensors {
  const path = fixture('models', dirname(file), 'io.safetensors')
  const inputs: Tensors = {}
  for (const [name, tensor] of readSafetensors(path, nodeFiles).tensors) {
    if (!name.startsWith('in.')) continue
    const data = hostArray(tensor.dtype, materialize(tensor, nodeFiles))
    inputs[name.slice(3)] = { dtype: tensor.dtype, shape: tensor.shape, data }
  }
  return inputs
}

async function outputsOf(model: string | Uint8Array, inputs: Tensors): Promise<Tensors> {
  const engine = await openInline(model, { optimization: 'disabled', threads: 1 })
  try {
    return await engine.run(inputs)
  } finally {
    await engine.release()
  }
}

function worst(a: HostTensor, b: HostTensor): number {
  expect(b.shape).toEqual(a.shape)
  let max = 0
  a.data.forEach((value: number | bigint, i: number) => {
    const difference = Math.abs(Number(value) - Number(b.data[i]))
    // not Math.max, which a NaN in one of them alone must not pass
    if (!(difference <= max) && !Object.is(value, b.data[i])) max = difference
  })
  return max
}

describeWith(root, 'exports through the codec', () => {
  it('has all 41', () => {
    expect(exported).toHaveLength(41)
  })

  it.each(exported)('%s', async (file) => {
    const path = join(root, file)
    const inputs = inputsOf(file)
    const expected = await outputsOf(path, inputs)
    const graph = readOnnx(path, nodeFiles)
    // opset 17 has no Attention: a pass must decompose it first
    const fused = graph.nodes.some((node) => node.op === 'Attention')
    for (const opset of fused ? [24] : [24, 17]) {
      const bytes = onnxBytes(graph, { opset, reader: tensorReader(nodeFiles) })
      const outputs = await outputsOf(bytes, inputs)
      expect(Object.keys(outputs)).toEqual(Object.keys(expected))
      for (const [name, output] of Object.entries(expected)) {
        expect(worst(output, outputs[name]!), `${name} in opset ${opset}`).toBeLessThan(1e-5)
      }
    }
    if (fused)
      expect(() => onnxBytes(graph, { opset: 17 })).toThrow(/Node Attention '.*': the operator/)
  })
})
