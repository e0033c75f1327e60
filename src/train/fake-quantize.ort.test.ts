/** Layers that round while they train: what is deployed computes the same, and gradients pass through. */
import { describe, expect, it } from 'vitest'
import { describeWith, fixture } from '../../test/support/fixtures.ts'
import { ints } from '../graph/attributes.ts'
import { GraphBuilder } from '../graph/builder.ts'
import type { HostTensor } from '../graph/data-type.ts'
import type { Graph } from '../graph/graph.ts'
import { float32Tensor } from '../graph/tensor.ts'
import type { FileAccess } from '../onnx/file-access.ts'
import { materialize, tensorReader } from '../onnx/materialize.ts'
import { onnxBytes } from '../onnx/write-onnx.ts'
import { pipeline, type Quantization, quantizePasses, runPasses } from '../passes/index.ts'
import { openInline } from '../runtime/open-inline.ts'
import { roundedGraph } from './for-kernels.ts'
import { crossEntropy, meanSquaredError } from './losses.ts'
import { layerRanges } from './range-state.ts'
import { firstState, openStep, type Tensors } from './testing/run-steps.ts'
import { trainingFixture } from './testing/training-fixture.ts'
import { type TrainingStep, trainingStep } from './training-step.ts'

const marked = (graph: Graph, quantize: Quantization): Graph =>
  runPasses(graph, quantizePasses(quantize, 'before')).graph

/** Every linear layer's input, before its range is known. */
function openRanges(graph: Graph) {
  const names = [...graph.weights.values()].flatMap(({ parameter }) => parameter?.name ?? [])
  return Object.fromEntries(names.map((name) => [name, { input: { min: 0, max: 0 } }]))
}

const learnedRanges = ({ ranges }: TrainingStep, values: HostTensor) =>
  layerRanges(ranges, values.data as Float32Array)

/** What the quantized model answers, as the portable file computes it. */
async function deployed(graph: Graph, quantize: Quantization, feeds: Tensors, files: FileAccess) {
  const read = (tensor: Parameters<typeof materialize>[0]) => materialize(tensor, files)
  const lowered = runPasses(graph, pipeline({ lowering: 'portable', quantize, read })).graph
  const engine = await openInline(onnxBytes(lowered, { reader: tensorReader(files), opset: 21 }), {
    threads: 1,
    optimization: 'disabled',
  })
  const { logits } = await engine.run(feeds)
  await engine.release()
  return Array.from(logits!.data as Float32Array)
}

describeWith(fixture('training'), 'a model that is trained for few bits', () => {
  const of = trainingFixture('bert-sequence-classification')
  const base = { smallest: 0, tables: false } as const
  const schemes: Readonly<Record<string, (ranges: ReturnType<typeof openRanges>) => Quantization>> =
    {
      'static INT8 by column': (ranges) => ({
        scheme: 'static-int8',
        weightBits: 8,
        ranges,
        ...base,
      }),
      'static INT8 by tensor, with tables': (ranges) => ({
        scheme: 'static-int8',
        weightBits: 7,
        granularity: 'tensor',
        ranges,
        smallest: 0,
      }),
      'static INT8 by tensor, weights of 4 bits': (ranges) => ({
        scheme: 'static-int8',
        weightBits: 4,
        granularity: 'tensor',
        ranges,
        ...base,
      }),
      '4-bit blocks': () => ({
        scheme: 'weight-only',
        bits: 4,
        block: 16,
        symmetric: true,
        accuracyLevel: 0,
        ...base,
      }),
      '4-bit blocks that the width does not fill': () => ({
        scheme: 'weight-only',
        bits: 4,
        block: 64,
        symmetric: false,
        accuracyLevel: 0,
        ...base,
      }),
      '4-bit blocks with zero points': () => ({
        scheme: 'weight-only',
        bits: 4,
        block: 32,
        symmetric: false,
        accuracyLevel: 0,
        ...base,
      }),
    }

  it.each(Object.keys(schemes))('answers as it is deployed: %s', async (name) => {
    const step = trainingStep({
      graph: marked(of.graph, schemes[name]!(openRanges(of.graph))),
      loss: (b, { logits }) => crossEntropy(b, logits!, b.input('labels', 'int64', ['batch_size'])),
      outputs: ['logits'],
      optimizer: { type: 'sgd', momentum: 0 },
    })
    const state = firstState(step.state, of.files)
    const stepper = await openStep(step.graph, step, state, { files: of.files })
    const got = await stepper.run({ ...of.batch, ...step.feeds({ step: 1, learningRate: 0 }) })
    await stepper.release()
    const ranges =
      step.ranges.length > 0 ? learnedRanges(step, state.get('range/activations')!) : {}
    expect(step.ranges.length > 0).toBe(name.startsWith('static'))
    const wanted = await deployed(of.graph, schemes[name]!(ranges), of.batch, of.files)
    const judged = roundedGraph(marked(of.graph, schemes[name]!(openRanges(of.graph))), step.ranges)
    const engine = await openInline(onnxBytes(judged, { reader: tensorReader(of.files) }), {
      threads: 1,
      optimization: 'basic',
    })
    const kept = step.ranges.length > 0 ? ['range/activations'] : []
    const values = Object.fromEntries(kept.map((range) => [range, state.get(range)!]))
    const again = await engine.run({ ...of.batch, ...values })
    await engine.release()
    expect(again.logits!.data).toEqual(got.logits!.data)
    const exact = Array.from(of.logits.data as Float32Array)
    const ours = Array.from(got.logits!.data as Float32Array)
    expect(ours.some((value, i) => Math.abs(value - exact[i]!) > 1e-3)).toBe(true)
    ours.forEach((value, i) => {
      expect(Math.abs(value - wanted[i]!)).toBeLessThan(1e-6)
    })
  })
})

describe('one layer that rounds', () => {
  const rows = 5
  const inputs = Float32Array.from({ length: rows * 3 }, (_, i) => Math.sin(2 * i + 1))
  const targets = Float32Array.from({ length: rows * 2 }, (_, i) => Math.cos(i))
  const weight = [0.5, -0.3, 0.21, 1.5, 0.07, -0.9]

  function layer(quantize: Quantization): Graph {
    const b = new GraphBuilder('layer')
    const x = b.input('x', 'float32', ['rows', 3])
    const w = b.parameter({ name: 'w' }, float32Tensor(weight, [2, 3]))
    b.output('y', b.op('MatMul', [x, b.op('Transpose', [w], { perm: ints([1, 0]) })]))
    return marked(b.build(), quantize)
  }
  const feeds = (scale: number): Tensors => ({
    x: { dtype: 'float32', shape: [rows, 3], data: inputs.map((x) => scale * x) },
    t: { dtype: 'float32', shape: [rows, 2], data: targets },
  })

  it('averages ranges, and its gradient is that of the rounded product', async () => {
    const ranges = { w: { input: { min: 0, max: 0 } } }
    const step = trainingStep({
      graph: layer({ scheme: 'static-int8', weightBits: 8, ranges, smallest: 0 }),
      loss: (b, { y }) => meanSquaredError(b, y!, b.input('t', 'float32', ['rows', 2])),
      outputs: ['y'],
      accumulate: true,
    })
    expect(step.ranges).toEqual([{ layers: ['w'], start: { min: 0, max: 0 } }])
    const state = firstState(step.state)
    const micro = await openStep(step.accumulate!, step, state)
    const at = { learningRate: 0, rangeDecay: 0.75 }
    await micro.run({ ...feeds(1), ...step.feeds({ step: 1, ...at }) })
    state.get('sum/w')!.data.fill(0 as never)
    const { y } = await micro.run({ ...feeds(2), ...step.feeds({ step: 2, ...at }) })
    await micro.release()
    const ends = [Math.min(...inputs), Math.max(...inputs)].map((end) => 0.75 * end + 0.5 * end)
    const [low, high] = Array.from(state.get('range/activations')!.data as Float32Array)
    expect(low).toBeCloseTo(ends[0]!, 6)
    expect(high).toBeCloseTo(ends[1]!, 6)
    const scale = (high! - low!) / 255
    const zero = Math.round(-low! / scale)
    const x = Array.from(inputs, (value) => {
      const code = Math.min(255, Math.max(0, Math.round((2 * value) / scale) + zero))
      return (code - zero) * scale
    })
    const w = weight.map((value, i) => {
      const largest = Math.max(...weight.slice(i < 3 ? 0 : 3, i < 3 ? 3 : 6).map(Math.abs))
      return (Math.round((value * 127) / largest) * largest) / 127
    })
    const gradient = weight.map(() => 0)
    for (let row = 0; row < rows; row++) {
      for (let out = 0; out < 2; out++) {
        const product = [0, 1, 2].reduce((sum, k) => sum + x[3 * row + k]! * w[3 * out + k]!, 0)
        expect(Number(y!.data[2 * row + out])).toBeCloseTo(product, 4)
        const slope = (2 * (product - targets[2 * row + out]!)) / (2 * rows)
        for (let k = 0; k < 3; k++) gradient[3 * out + k]! += slope * x[3 * row + k]!
      }
    }
    Array.from(state.get('sum/w')!.data as Float32Array).forEach((value, i) => {
      expect(value).toBeCloseTo(gradient[i]!, 4)
    })
  })

  it('goes on from ranges that calibration found', async () => {
    const ranges = { w: { input: { min: -4, max: 2 } } }
    const step = trainingStep({
      graph: layer({ scheme: 'static-int8', weightBits: 8, ranges, smallest: 0 }),
      loss: (b, { y }) => meanSquaredError(b, y!, b.input('t', 'float32', ['rows', 2])),
    })
    const state = firstState(step.state)
    const stepper = await openStep(step.graph, step, state)
    await stepper.run({ ...feeds(1), ...step.feeds({ step: 1, learningRate: 0 }) })
    await stepper.release()
    const { input } = learnedRanges(step, state.get('range/activations')!).w!
    expect(input.min).toBeCloseTo(0.99 * -4 + 0.01 * Math.min(...inputs), 6)
    expect(input.max).toBeCloseTo(0.99 * 2 + 0.01 * Math.max(...inputs), 6)
  })

  it.each(['tensor', 'token'] as const)('rounds by the range of each %s', async (activations) => {
    const quantize: Quantization = {
      scheme: 'dynamic-int8',
      weightBits: 8,
      activations,
      smallest: 0,
    }
    const step = trainingStep({
      graph: layer(quantize),
      loss: (b, { y }) => meanSquaredError(b, y!, b.input('t', 'float32', ['rows', 2])),
      outputs: ['y'],
    })
    expect(step.ranges).toEqual([])
    const stepper = await openStep(step.graph, step, firstState(step.state))
    const got = await stepper.run({ ...feeds(1), ...step.feeds({ step: 1, learningRate: 0 }) })
    await stepper.release()
    const lowered = pipeline({
      lowering: 'portable',
      quantize,
      read: (tensor) => materialize(tensor),
    })
    const bytes = onnxBytes(runPasses(layer(quantize), lowered).graph)
    const engine = await openInline(bytes, { threads: 1, optimization: 'disabled' })
    const { y } = await engine.run(feeds(1))
    await engine.release()
    Array.from(y!.data as Float32Array).forEach((value, i) => {
      expect(Number(got.y!.data[i])).toBeCloseTo(value, 5)
    })
  })
})
