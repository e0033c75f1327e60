/**
 * Static INT8 on a tiny BERT, against the reference quantizer on the same four batches: scales and zero points
 * within 1e-6, and the kernels that each form is for. (Its accuracy: reference-accuracy.ort.test.ts.)
 */
import { join } from 'node:path'
import { beforeAll, expect, it } from 'vitest'
import { profileRuns } from '../src/bench/measure-machine.ts'
import { calibrateLayers } from '../src/fit/calibrate.ts'
import { hostArray } from '../src/graph/data-type.ts'
import type { Graph } from '../src/graph/graph.ts'
import { transposed } from '../src/graph/tensor.ts'
import { nodeFiles } from '../src/hub/node-files.ts'
import { writeVariant } from '../src/jobs/build-variants.ts'
import { readOnnx } from '../src/onnx/index.ts'
import { materialize, tensorReader } from '../src/onnx/materialize.ts'
import { quantizedWeight, WHOLE_TENSOR } from '../src/onnx/quantize-weight.ts'
import { activationScale } from '../src/passes/activation-scale.ts'
import { raise, runPasses } from '../src/passes/index.ts'
import { linearProducts } from '../src/passes/linear-layers.ts'
import type { LayerRanges } from '../src/passes/quantize-static.ts'
import { exportsRoot, recorded } from './support/exports.ts'
import { describeWith, fixture } from './support/fixtures.ts'
import { readTensors, scratchFolder, withPrefix } from './support/tensors.ts'

const file = 'bert-sequence-classification/torchscript.onnx'
const root = fixture('quantization/bert-static')

describeWith(root, 'static INT8, against the reference quantizer', () => {
  const { read } = tensorReader(nodeFiles)
  const folder = scratchFolder()
  let graph: Graph
  let ranges: Record<string, LayerRanges>
  beforeAll(async () => {
    graph = runPasses(readOnnx(join(exportsRoot, file), nodeFiles), raise(read)).graph
    const stored = readTensors(join(root, 'calibration.safetensors'))
    const batches = [0, 1, 2, 3].map((i) => withPrefix(stored, `batch${i}.`))
    // the reference looks at padding too
    ranges = await calibrateLayers(graph, batches, { method: 'min-max', outputs: true, mask: '' })
  })

  it('finds the same scales and zero points of activations', () => {
    const reference = readTensors(join(root, 'qdq_per_channel.safetensors'))
    let compared = 0
    for (const { x, name, matmul } of linearProducts(graph)) {
      for (const [value, part] of [
        [x, 'input'],
        [matmul.outputs[0]!, 'output'],
      ] as const) {
        const scale = reference[`${value.name}_scale`]
        if (!scale) continue
        const zero = reference[`${value.name}_zero_point`]!
        const found = activationScale(ranges[name]![part]!, name)
        expect(Math.abs(found.scale / Number(scale.data[0]) - 1), value.name).toBeLessThan(1e-6)
        expect(found.zeroPoint, value.name).toBe(Number(zero.data[0]))
        compared++
      }
    }
    // fourteen layers; where the reference's product has its bias within, its output is another value
    expect(compared).toBe(26)
  })

  it.each([
    ['qdq_per_channel', 1],
    ['qdq_per_tensor', WHOLE_TENSOR],
  ] as const)('finds the same scales of weights: %s', (name, axis) => {
    const reference = readTensors(join(root, `${name}.safetensors`))
    // raising gives matrices the names of their modules
    const { nodes } = readOnnx(join(exportsRoot, file), nodeFiles)
    const stored = new Map(nodes.map((node) => [node.outputs[0]!.name, node.inputs[1]?.name]))
    let compared = 0
    for (const { name, weight, matmul } of linearProducts(graph)) {
      const known = reference[`${stored.get(matmul.outputs[0]!.name) ?? name}_scale`]
      if (!known) continue
      const { scales } = quantizedWeight(transposed(weight.tensor, [1, 0]), axis, 8)
      const found = hostArray('float32', materialize(scales, nodeFiles))
      expect(found).toHaveLength(known.data.length)
      found.forEach((scale, i) => {
        expect(Math.abs(Number(scale) / Number(known.data[i]) - 1), name).toBeLessThan(1e-6)
      })
      compared++
    }
    expect(compared).toBe(14)
  })

  const usual = { weightBits: 8, smallest: 0 } as const

  // fourteen layers; of rank 2 (pooler, classifier) ONNX Runtime makes a pair's product a Gemm, which it does not fuse
  it.each([
    ['cpu', 'cpu', 'MatMulIntegerToFloat', 14],
    ['qdq', 'portable', 'MatMulIntegerToFloat', 12],
    // the classifier's product is an answer: no range of its output clips it
    ['qoperator', 'portable', 'QLinearMatMul', 13],
  ] as const)('form %s reaches its kernel', async (form, lowering, kernel, expected) => {
    const quantize = { scheme: 'static-int8', ...usual, ranges, form } as const
    const plan = { name: form, file: `${form}.onnx`, lowering, quantize }
    writeVariant(graph, plan, folder)
    const { nodes } = await profileRuns(join(folder, plan.file), () => recorded(file, 'in.'), {
      ...{ folder, threads: 1, runs: 3, optimization: 'default' },
    })
    expect(nodes.filter((node) => node.kernel === kernel)).toHaveLength(expected)
  })
})
