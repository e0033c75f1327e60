/**
 * Dropout whose masks depend on seed, step and place alone (Srivastava et al. 2014), so that a run can be
 * taken up anywhere: ONNX Runtime's own generator is a stream that cannot be set to a position.
 *
 * A pool of zeros and ones is part of the graph. A mask is a slice of it, at an offset that the host computes
 * from seed, step, micro-batch and place; DequantizeLinear makes it 0 and 1/(1−p) in one pass. The backward
 * run multiplies by the same mask.
 */
import { LimbeckError } from '../errors.ts'
import { GraphBuilder } from '../graph/builder.ts'
import type { HostTensor } from '../graph/data-type.ts'
import { type Graph, mapUses, type Node, type Value } from '../graph/graph.ts'
import { floatScalar, inlineTensor, int64Tensor, type Tensor } from '../graph/tensor.ts'
import type { DropoutRates } from '../models/dropout-rates.ts'
import { encoderLayers } from '../passes/structure/encoder-layers.ts'
import { type GraphLinks, graphLinks } from '../passes/structure/graph-links.ts'
import { bitsAt, keyOf } from './mix-bits.ts'

export interface DropoutOptions {
  readonly rates: DropoutRates
  /** Seed of the masks. */
  readonly seed: number
  /** Elements of the largest tensor that is dropped from, in any batch; default 2²³. */
  readonly largest?: number
  /** The graph before what hides its layers (adapters); they are looked for there. */
  readonly layersOf?: Graph
}

/** A graph that drops, and what its masks need in each step. */
export interface Dropping {
  readonly graph: Graph
  feeds(step: number, micro: number): Record<string, HostTensor>
}

/** Offsets into the pool that a mask may have: 2²². */
const OFFSETS = 2 ** 22
const INPUT = 'dropout/offsets'

/** A value that is dropped from, and who reads the rest: everybody, or one node. */
interface Place {
  readonly value: Value
  readonly reader?: Node
  readonly rate: number
}

/**
 * The graph with dropout at the places that rates name: before the first layer, on attention's weights, on
 * what attention and feed-forward add to the stream, before the classifier and, where it has two layers, inside it.
 */
export function withDropout(
  graph: Graph,
  { rates, seed, largest = 2 ** 23, layersOf = graph }: DropoutOptions,
): Dropping {
  const places = placesOf(layersOf, rates)
  if (places.length === 0) return { graph, feeds: () => ({}) }
  const links = graphLinks(graph)
  const b = new GraphBuilder(graph.name)
  const offsets = b.input(INPUT, 'int64', [places.length])
  const pools = new Map<number, Value>()
  const poolOf = (rate: number): Value => {
    const known = pools.get(rate)
    if (known) return known
    const pool = b.constant(poolTensor(seed, rate, largest + OFFSETS), `dropout_${rate}`)
    pools.set(rate, pool)
    return pool
  }
  const dropped = new Map<Value, { place: Place; after: Value; nodes: readonly Node[] }>()
  places.forEach((place, i) => {
    const before = b.build().nodes.length
    const origin = links.producer(place.value)?.origin
    const scope = origin ? `${origin}.dropout` : 'dropout'
    const after = b.scope(scope, () => drop(b, place, poolOf(place.rate), offsets, i))
    dropped.set(place.value, { place, after, nodes: b.build().nodes.slice(before) })
  })
  const added = b.build()
  const nodes = graph.nodes.flatMap((node) => {
    const mapped = mapUses(node, (value) => {
      const found = dropped.get(value)
      const [answer] = found?.place.reader?.outputs ?? []
      const reads = found && (answer === undefined || node.outputs.includes(answer))
      return reads ? found.after : value
    })
    const behind = node.outputs.flatMap((output) => (output && dropped.get(output)?.nodes) ?? [])
    return [mapped, ...behind]
  })
  const taps = [...graph.taps].map(([name, value]) => {
    const found = dropped.get(value)
    return [name, found && !found.place.reader ? found.after : value] as const
  })
  const next = {
    ...graph,
    inputs: [...graph.inputs, ...added.inputs],
    nodes,
    weights: new Map([...graph.weights, ...added.weights]),
    taps: new Map(taps),
  }
  return { graph: next, feeds: (step, micro) => offsetsOf(seed, step, micro, places.length) }
}

/** x·mask, mask = pool[o, o+n) in the shape of x, o = offset mod (|pool| − n + 1) */
function drop(
  b: GraphBuilder,
  { value, rate }: Place,
  pool: Value,
  offsets: Value,
  i: number,
): Value {
  const first = b.int64s([0], 'axis')
  const own = b.op('Slice', [offsets, b.int64s([i]), b.int64s([i + 1]), first])
  const size = b.op('Reshape', [b.op('Size', [value]), b.int64s([1])])
  const length = b.op('Add', [b.op('Size', [pool]), b.constant(int64Tensor([1], []), 'one')])
  // a tensor larger than the pool fails in Reshape, not in a division by zero
  const room = b.op('Max', [b.op('Sub', [length, size]), b.int64s([1], 'least')])
  const start = b.op('Mod', [own, room])
  const bits = b.op('Slice', [pool, start, b.op('Add', [start, size]), first])
  const mask = b.op('Reshape', [bits, b.op('Shape', [value])])
  const kept = b.constant(floatScalar(1 / (1 - rate)), 'kept')
  return b.op('Mul', [value, b.op('DequantizeLinear', [mask, kept])])
}

/** Zeros with probability `rate`, else ones. */
function poolTensor(seed: number, rate: number, size: number): Tensor {
  const key = keyOf(seed, 1)
  const bound = rate * 2 ** 32
  const data = new Uint8Array(size)
  for (let i = 0; i < size; i++) data[i] = bitsAt(key, i) < bound ? 0 : 1
  return inlineTensor('uint8', [size], data)
}

function offsetsOf(
  seed: number,
  step: number,
  micro: number,
  places: number,
): Record<string, HostTensor> {
  const key = keyOf(seed, 2, step, micro)
  const data = BigInt64Array.from({ length: places }, (_, place) => BigInt(bitsAt(key, place)))
  return { [INPUT]: { dtype: 'int64', shape: [places], data } }
}

function placesOf(graph: Graph, rates: DropoutRates): Place[] {
  const layers = encoderLayers(graph)
  const links = graphLinks(graph)
  if (layers.length === 0 && Object.values(rates).some((rate) => rate > 0)) {
    throw new LimbeckError('graph', `${graph.name}: no encoder layers were found to drop out in.`)
  }
  const inLayers = layers.flatMap((layer) => [
    ...layer.nodes
      .filter(({ op }) => op === 'Softmax')
      .map(({ outputs: [value] }) => ({ value: value!, rate: rates.attention })),
    { value: layer.attentionOutput.output, rate: rates.attentionOutput },
    ...(layer.feedForwardOut
      ? [{ value: layer.feedForwardOut.output, rate: rates.feedForward }]
      : []),
  ])
  const first = layers[0] && embeddingsBefore(layers[0].input, links)
  const places: Place[] = [
    ...(first ? [{ ...first, rate: rates.embeddings }] : []),
    ...inLayers,
    ...classifiers(graph, links).map((place) => ({ ...place, rate: rates.classifier })),
  ]
  return places.filter(({ rate }) => rate > 0)
}

/** What enters the first layer, before a linear layer that brings it to the layers' width (ELECTRA). */
function embeddingsBefore(input: Value, links: GraphLinks): Omit<Place, 'rate'> {
  const [product, bias] = [links.producer(input), links.producer(input)?.inputs[0]]
  const matmul = product?.op === 'Add' && bias ? links.producer(bias) : product
  const projected = matmul?.op === 'MatMul' ? matmul.inputs[0] : undefined
  return { value: projected ?? input }
}

/** The products whose sums the graph answers with, and what they read. */
function classifiers(graph: Graph, links: GraphLinks): Omit<Place, 'rate'>[] {
  const found = new Map<Node, Value>()
  for (const { value } of graph.outputs) {
    let node = links.producer(value)
    while (node && ['Squeeze', 'Slice', 'Split', 'Add', 'Reshape'].includes(node.op)) {
      node = node.inputs[0] && links.producer(node.inputs[0])
    }
    const [x] = node?.inputs ?? []
    if (node?.op === 'MatMul' && x) found.set(node, x)
  }
  return [...found].flatMap(([reader, value]) => [
    ...insideHead(reader, value, links),
    { value, reader },
  ])
}

/**
 * What the first layer of a head of two reads: RoBERTa's, ELECTRA's and MPNet's `classifier` drops before its
 * `dense` and before its `out_proj`. A pooler stands in a module of its own and drops nothing.
 */
function insideHead(answer: Node, value: Value, links: GraphLinks): Omit<Place, 'rate'>[] {
  const module = moduleOf(answer.origin)
  if (module === '') return []
  let node = links.producer(value)
  while (node && node.op !== 'MatMul' && moduleOf(node.origin) === module) {
    node = node.inputs[0] && links.producer(node.inputs[0])
  }
  const [x] = node?.inputs ?? []
  if (node?.op !== 'MatMul' || !x || moduleOf(node.origin) !== module) return []
  return [{ value: x, reader: node }]
}

/** The module around a module: `classifier` of `classifier.out_proj`. */
const moduleOf = (origin: string): string => origin.slice(0, Math.max(0, origin.lastIndexOf('.')))
