/**
 * Every exported fixture, read, written in the canonical opset and in opset 17, gives the outputs of the
 * original file. ONNX Runtime's optimizer is off, so that it cannot hide a wrong conversion.
 *
 * Eight of the files were exported while training: their Dropout drops at random. It is switched off in
 * the original, by the protobuf message alone, and all three must then give what PyTorch gave.
 */
import { join } from 'node:path'
import { expect, it } from 'vitest'
import type { HostTensor } from '../src/graph/data-type.ts'
import { nodeFiles } from '../src/hub/node-files.ts'
import { onnxBytes, readOnnx, tensorReader } from '../src/onnx/index.ts'
import { exported, exportsRoot, inferenceModel, outputsOf, recorded } from './support/exports.ts'
import { describeWith } from './support/fixtures.ts'

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

describeWith(exportsRoot, 'exports through the codec', () => {
  it('has all 41', () => {
    expect(exported).toHaveLength(41)
  })

  it.each(exported)('%s', async (file) => {
    const inputs = recorded(file, 'in.')
    const expected = await outputsOf(inferenceModel(file), inputs)
    for (const [name, output] of Object.entries(recorded(file, 'out.'))) {
      expect(worst(output, expected[name]!), `${name} in PyTorch`).toBeLessThan(1e-4)
    }
    const read = readOnnx(join(exportsRoot, file), nodeFiles)
    const nodes = read.nodes.map((node) =>
      node.op === 'Dropout' ? { ...node, inputs: node.inputs.slice(0, 1) } : node,
    )
    const graph = { ...read, nodes }
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
