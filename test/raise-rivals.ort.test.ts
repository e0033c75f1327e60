/** Exports of real size, raised: all-MiniLM-L6-v2 as two exporters write it gives the same answers, fused. */
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import type { HostTensor } from '../src/graph/data-type.ts'
import { nodeFiles } from '../src/hub/node-files.ts'
import { onnxBytes, readOnnx, tensorReader } from '../src/onnx/index.ts'
import { encoderLayers, raise, runPasses } from '../src/passes/index.ts'
import { loweringOpset, pipeline } from '../src/passes/pipelines.ts'
import { outputsOf } from './support/exports.ts'
import { describeWith, fixture, realData } from './support/fixtures.ts'
import { expectOutputs, scratchFolder } from './support/tensors.ts'

const reader = tensorReader(nodeFiles)

/** Masks of `[2, 9]`: padded on the right, on the left, and with a hole. */
const masks: readonly ((row: number, token: number) => boolean)[] = [
  (row, token) => token < 9 - row,
  (row, token) => token >= row,
  (_, token) => token % 3 !== 1,
]

function feeds(mask: (row: number, token: number) => boolean): Record<string, HostTensor> {
  const tensor = (value: (row: number, token: number) => number): HostTensor => {
    const values = Array.from({ length: 18 }, (_, i) => value(Math.floor(i / 9), i % 9))
    return { dtype: 'int64', shape: [2, 9], data: BigInt64Array.from(values, BigInt) }
  }
  return {
    input_ids: tensor((row, token) => 100 + ((row * 7919 + token * 104729) % 30000)),
    attention_mask: tensor((row, token) => Number(mask(row, token))),
    token_type_ids: tensor((_, token) => Number(token > 4)),
  }
}

describeWith(realData('models/all-minilm-l6-v2'), 'exports of real size', () => {
  const folder = scratchFolder()

  it('torchscript and dynamo', async () => {
    execFileSync(process.execPath, [join(fixture('rivals'), 'make-rivals.mjs'), folder])
    for (const file of ['torchscript.onnx', 'dynamo.onnx']) {
      const path = join(folder, file)
      const graph = runPasses(readOnnx(path, nodeFiles), raise(reader.read)).graph
      expect(encoderLayers(graph).map(({ heads }) => heads)).toEqual(new Array(6).fill(12))
      const low = runPasses(graph, pipeline({ lowering: 'cpu', read: reader.read })).graph
      const count = (op: string) => low.nodes.filter((node) => node.op === op).length
      const counts = ['Attention', 'LayerNormalization', 'Gelu', 'Gemm'].map(count)
      expect(counts, file).toEqual([6, 13, 6, 36])
      const bytes = onnxBytes(low, { opset: loweringOpset.cpu, reader })
      for (const mask of masks) {
        const inputs = feeds(mask)
        expectOutputs(await outputsOf(bytes, inputs), await outputsOf(path, inputs), 1e-4)
      }
    }
  })
})
