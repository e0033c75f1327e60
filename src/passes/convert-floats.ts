/**
 * Half floats: the last pass of a lowering, when kernels are chosen.
 *
 * `storage` keeps big weights in 16 bits and casts them where they are read: ONNX Runtime does that once, while
 * loading. Otherwise all inner values are float16 and the graph's inputs and outputs stay float32 (Casts at the
 * edges). Operators without half floats keep float32 between Casts. Finite constants that float16 cannot hold
 * (the −3.4e38 of masks) become ±30000: masks may still be added without a row of −∞, whose softmax is NaN.
 */
import { int } from '../graph/attributes.ts'
import { type DataType, elementCount } from '../graph/data-type.ts'
import type { Attribute, Graph, Node, Value, Weight } from '../graph/graph.ts'
import { casted, float32Tensor, inlineValues, type Tensor } from '../graph/tensor.ts'
import { inferTypes } from '../ops/infer-types.ts'
import { namePatterns } from './name-patterns.ts'
import type { Pass } from './pass.ts'

export interface FloatConversion {
  readonly dtype: 'float16' | 'bfloat16'
  /** Weights alone; bfloat16 is always so, since CPUs seldom compute with it. */
  readonly storage: boolean
  /** Module paths or parameter names that stay float32; `*` matches any text. */
  readonly exclude?: readonly string[] | undefined
}

/** ONNX's numbers of element types. */
const FLOAT = 1
const FLOAT16 = 10

/** Weights of fewer elements save nothing by a Cast. */
const SMALLEST_STORED = 1024

const LARGEST_HALF = 65504
const MASKED = 30000

/** Operators that have no float16 (by ONNX's schemas), or whose sums of squares leave its range. */
const float32Only: ReadonlySet<string> = new Set([
  ...['Range', 'CumSum', 'Resize', 'Upsample', 'NonMaxSuppression', 'RoiAlign', 'TopK'],
  ...['DynamicQuantizeLinear', 'QuantizeLinear', 'DequantizeLinear', 'MatMulIntegerToFloat'],
  ...['ReduceL2', 'ReduceSumSquare', 'Loop', 'If', 'Scan'],
])

/** Makes a graph's floats half floats. */
export const convertFloats = (options: FloatConversion): Pass => ({
  name: options.storage ? `store-${options.dtype}` : 'convert-float16',
  summary: options.storage
    ? `Keeps weights as ${options.dtype}, cast when a file is loaded.`
    : 'Computes in float16; what goes in and out stays float32.',
  apply(graph) {
    const exclude = namePatterns(options.exclude, namesOf(graph))
    return options.storage ? stored(graph, options.dtype, exclude) : converted(graph, exclude)
  },
})

const namesOf = (graph: Graph): string[] => [
  ...graph.nodes.map(({ origin }) => origin),
  ...[...graph.weights.values()].map(({ parameter }) => parameter?.name ?? ''),
]

type Excluded = (name: string) => boolean

function stored(graph: Graph, dtype: DataType, excluded: Excluded): Graph {
  const weights = new Map<Value, Weight>()
  const casts: Node[] = []
  for (const [value, weight] of graph.weights) {
    const { tensor, parameter } = weight
    const big = tensor.dtype === 'float32' && elementCount(tensor.shape) >= SMALLEST_STORED
    if (!big || excluded(parameter?.name ?? '')) {
      weights.set(value, weight)
      continue
    }
    const half: Value = { name: `${value.name}_${dtype}` }
    weights.set(half, { ...weight, tensor: casted(tensor, dtype) })
    casts.push(castNode(half, value, FLOAT, parameter?.name ?? ''))
  }
  return { ...graph, weights, nodes: [...casts, ...graph.nodes] }
}

const castNode = (from: Value, to: Value, type: number, origin: string): Node => ({
  op: 'Cast',
  domain: '',
  inputs: [from],
  outputs: [to],
  attributes: { to: int(type) },
  origin,
})

function converted(graph: Graph, excluded: Excluded): Graph {
  const types = inferTypes(graph)
  const isFloat = (value: Value): boolean =>
    (graph.weights.get(value)?.tensor.dtype ?? types.get(value)?.dtype) === 'float32'
  const nodes: Node[] = []
  const weights = new Map<Value, Weight>()
  // each float value has one form that its producer gives; the other is a Cast away
  const wide = new Map<Value, Value>()
  const half = new Map<Value, Value>()
  const wideOf = (value: Value, origin: string): Value => {
    const known = wide.get(value)
    if (known) return known
    const weight = graph.weights.get(value)
    const made: Value = weight ? value : { name: `${value.name}_float32` }
    if (weight) weights.set(made, weight)
    else nodes.push(castNode(half.get(value)!, made, FLOAT, origin))
    wide.set(value, made)
    return made
  }
  const halfOf = (value: Value, origin: string): Value => {
    const known = half.get(value)
    if (known) return known
    const made = inHalf(value)
    const weight = graph.weights.get(value)
    if (weight) weights.set(made, { ...weight, tensor: halfTensor(weight.tensor) })
    else nodes.push(castNode(wide.get(value)!, made, FLOAT16, origin))
    half.set(value, made)
    return made
  }
  for (const { value } of graph.inputs) if (isFloat(value)) wide.set(value, value)
  for (const [value, weight] of graph.weights) if (!isFloat(value)) weights.set(value, weight)
  for (const node of graph.nodes) {
    const { origin } = node
    const keep = float32Only.has(node.op) || excluded(origin)
    const form = keep ? wideOf : halfOf
    const inputs = node.inputs.map((input) =>
      input && isFloat(input) ? form(input, origin) : input,
    )
    const outputs = node.outputs.map((output) => {
      if (!output || !isFloat(output)) return output
      const made = keep ? output : inHalf(output)
      ;(keep ? wide : half).set(output, made)
      return made
    })
    const attributes = keep ? node.attributes : halfAttributes(node)
    nodes.push({ ...node, inputs, outputs, attributes })
  }
  const outputs = graph.outputs.map((port) =>
    isFloat(port.value) ? { ...port, value: wideOf(port.value, '') } : port,
  )
  return { ...graph, nodes, weights, outputs, taps: new Map(), quantization: new Map() }
}

/** The value under its name, with what was declared of its type. */
const inHalf = ({ type, ...value }: Value): Value =>
  type ? { ...value, type: { ...type, dtype: 'float16' } } : { ...value }

/** Element types written in attributes: of a Cast, or a constant's value. */
function halfAttributes({ op, attributes }: Node): Node['attributes'] {
  const { to, value } = attributes
  if (op === 'Cast' && to?.type === 'int' && Number(to.value) === FLOAT) {
    return { ...attributes, to: int(FLOAT16) }
  }
  if (value?.type !== 'tensor' || value.value.dtype !== 'float32') return attributes
  const halved: Attribute = { type: 'tensor', value: halfTensor(value.value) }
  return { ...attributes, value: halved }
}

function halfTensor(tensor: Tensor): Tensor {
  const values = inlineValues(tensor) as Float32Array | undefined
  const beyond = (x: number): boolean => Number.isFinite(x) && Math.abs(x) > LARGEST_HALF
  if (!values?.some(beyond)) return casted(tensor, 'float16')
  const bounded = Array.from(values, (x) => (beyond(x) ? Math.sign(x) * MASKED : x))
  return casted(float32Tensor(bounded, [...tensor.shape]), 'float16')
}
