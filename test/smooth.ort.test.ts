/**
 * SmoothQuant: the rewritten graph computes what it did before, the division folds only where it may, and layers
 * whose activations have outliers lose less.
 */
import { describe, expect, it } from 'vitest'
import { calibrateLayers } from '../src/fit/calibrate.ts'
import { searchSmoothing } from '../src/fit/smooth-search.ts'
import { ints } from '../src/graph/attributes.ts'
import { GraphBuilder } from '../src/graph/builder.ts'
import type { HostTensor } from '../src/graph/data-type.ts'
import type { Graph, Value } from '../src/graph/graph.ts'
import { float32Tensor } from '../src/graph/tensor.ts'
import { nodeFiles } from '../src/hub/node-files.ts'
import { load } from '../src/jobs/load.ts'
import { tensorReader } from '../src/onnx/materialize.ts'
import { layersByInput, linearProducts } from '../src/passes/linear-layers.ts'
import { type Smoothing, smoothingPlace, smoothLayers } from '../src/passes/smooth.ts'
import { randomFrom } from '../src/stats/random.ts'
import { describeWith, realData } from './support/fixtures.ts'
import { asInt64, maxDifference, runGraph } from './support/tensors.ts'

const WIDTH = 64
const { read } = tensorReader(nodeFiles)

/** A normalization with two loud channels, then a layer; read beside it where `residual`. */
function sample(residual: boolean): Graph {
  const random = randomFrom(7)
  const numbers = (count: number) => Array.from({ length: count }, () => random.uniform() - 0.5)
  const b = new GraphBuilder('g')
  const x = b.input('x', 'float32', ['batch', 'tokens', WIDTH])
  const loud = Array.from({ length: WIDTH }, (_, i) => (i % 32 === 5 ? 40 : 1))
  const scale = b.parameter({ name: 'norm.weight' }, float32Tensor(loud))
  const shift = b.parameter({ name: 'norm.bias' }, float32Tensor(numbers(WIDTH)))
  const normed = b.op('LayerNormalization', [x, scale, shift])
  const weight = float32Tensor(numbers(WIDTH * WIDTH), [WIDTH, WIDTH])
  const turned = b.op('Transpose', [b.parameter({ name: 'w' }, weight)], { perm: ints([1, 0]) })
  const product: Value = b.op('MatMul', [normed, turned])
  b.output('y', residual ? b.op('Add', [product, normed]) : product)
  return b.build()
}

const texts = (): Record<string, HostTensor>[] => {
  const random = randomFrom(3)
  return [3, 5].map((tokens) => {
    const data = Float32Array.from({ length: tokens * WIDTH }, () => random.uniform() - 0.5)
    return { x: { dtype: 'float32', shape: [1, tokens, WIDTH], data } }
  })
}

const counts = (graph: Graph, op: string) => graph.nodes.filter((node) => node.op === op).length

describe('SmoothQuant', () => {
  it.each([
    [false, 'norm', 0],
    [true, 'mul', 1],
  ] as const)('read elsewhere: %s, the division goes to %s', async (residual, place, muls) => {
    const graph = sample(residual)
    const [product] = linearProducts(graph)
    expect(smoothingPlace(graph, product!.x, [product!])).toBe(place)
    const smooth = await searchSmoothing(graph, texts(), { read })
    expect(smooth).toMatchObject([{ layers: ['w'] }])
    // what is quiet in these texts keeps its share: in others it may be loud
    const [{ scale }] = smooth as [Smoothing]
    const least = Math.min(...scale)
    expect(scale.filter((s) => s === least).length).toBeGreaterThanOrEqual(0.75 * WIDTH)
    expect(scale[5]).toBeGreaterThan(4 * least)
    const after = smoothLayers(smooth).apply(graph)
    expect(counts(after, 'Mul')).toBe(muls)
    const [feeds] = texts()
    const exact = (await runGraph(graph, feeds!, { lowering: 'cpu' })).y!
    const same = (await runGraph(after, feeds!, { lowering: 'cpu' })).y!
    expect(maxDifference(exact, same)).toBeLessThan(1e-3)
    const error = async (settings: object, from: Graph) => {
      const ranges = await calibrateLayers(from, texts(), { method: 'min-max' })
      const quantize = { scheme: 'static-int8', weightBits: 8, ranges, ...settings } as const
      return maxDifference(exact, (await runGraph(graph, feeds!, { lowering: 'cpu', quantize })).y)
    }
    expect(await error({ smooth }, after)).toBeLessThan((await error({}, graph)) / 2)
  })

  it('refuses what was found for another model', () => {
    const smoothing = { layers: ['v'], scale: [1], alpha: 0.5 }
    expect(() => smoothLayers([smoothing]).apply(sample(false))).toThrow(
      /The smoothing of v is for/,
    )
    const short = { layers: ['w'], scale: [1], alpha: 0.5 }
    expect(() => smoothLayers([short]).apply(sample(false))).toThrow(/is for other layers/)
  })
})

const model = realData('models/all-minilm-l6-v2')

describeWith(model, 'SmoothQuant on a real encoder', () => {
  const feeds = asInt64({
    input_ids: { shape: [1, 6], data: [101, 2045, 2003, 2019, 3899, 102] },
    attention_mask: { shape: [1, 6], data: [1, 1, 1, 1, 1, 1] },
    token_type_ids: { shape: [1, 6], data: [0, 0, 0, 0, 0, 0] },
  } as unknown as Record<string, HostTensor>)

  it('changes nothing in fp32, wherever the division goes', async () => {
    const { graph } = load(model)
    const places = new Map<string, number>()
    const smooth = [...layersByInput(graph)].map(([x, products]) => {
      const place = smoothingPlace(graph, x, products)
      places.set(place, (places.get(place) ?? 0) + 1)
      const width = products[0]!.weight.tensor.shape[1]!
      const scale = Array.from({ length: width }, (_, i) => 0.5 + (i % 7) / 3)
      return { layers: products.map(({ name }) => name), scale, alpha: 0.5 }
    })
    // six layers: attention's output takes it in its values; a residual reads every normalization
    expect(Object.fromEntries(places)).toEqual({ values: 6, mul: 19 })
    const after = smoothLayers(smooth).apply(graph)
    const outputs = await Promise.all(
      [graph, after].map((each) => runGraph(each, feeds, { lowering: 'cpu' })),
    )
    const [a, b] = outputs.map(({ sentence_embedding }) => sentence_embedding)
    expect(maxDifference(a, b)).toBeLessThan(1e-5)
  })
})
