/**
 * FP16: weights and activations as half floats; inputs and outputs of the graph stay float32, with a Cast at each.
 *
 * Half the size. GPUs and WebGPU compute it natively; ONNX Runtime's CPU build computes most of it in float32 and
 * casts around it, so that on CPUs it saves space, not time. Operators of the block list, of most other domains and
 * with subgraphs keep float32, with Casts around them. Finite constants beyond ±65504, such as masks, become ±30000:
 * added to a score they stay finite, where infinity would make a row that is masked wholly NaN.
 */
import { int } from '../graph/attributes.ts'
import { GraphBuilder } from '../graph/builder.ts'
import type { Attribute, Graph, Node, Value, Weight } from '../graph/graph.ts'
import { mapUses, subgraphs } from '../graph/graph.ts'
import { casted, float32Tensor, inlineValues, type Tensor } from '../graph/tensor.ts'
import { inferTypes } from '../ops/infer-types.ts'
import { graphNames, namePatterns } from './name-patterns.ts'
import type { Pass } from './pass.ts'

/** Largest half float. */
const LARGEST = 65504
/** What stands for finite numbers beyond it: two may be added. */
const BEYOND = 30000
const FLOAT = 1
const FLOAT16 = 10

/** Operators without a half-float form, or that lose by it: positions, ranges, random draws, quantization. */
const blocked = new Set([
  'Range',
  'CumSum',
  'Resize',
  'RandomUniform',
  'RandomNormal',
  'RandomUniformLike',
  'RandomNormalLike',
  'Bernoulli',
  'Multinomial',
  'EyeLike',
  'DynamicQuantizeLinear',
  'QuantizeLinear',
  'DequantizeLinear',
  'MatMulInteger',
])

/** Operators of com.microsoft with scales and activations in half floats. */
const halfKernels = new Set(['MatMulNBits', 'GatherBlockQuantized'])

export interface Float16Options {
  /** Operators that keep float32 beside those that must. */
  readonly block?: readonly string[] | undefined
  /** Module paths or parameter names that keep float32; `*` matches any text. */
  readonly exclude?: readonly string[] | undefined
}

/** Converts a graph, best a lowered one. */
export const convertFloat16 = ({ block = [], exclude }: Float16Options = {}): Pass => ({
  name: 'convert-float16',
  summary: 'Holds weights and activations as half floats.',
  apply(graph) {
    const excluded = namePatterns(exclude, graphNames(graph))
    return new Conversion(graph, new Set([...blocked, ...block]), excluded).graph()
  },
})

class Conversion {
  private readonly source: Graph
  private readonly block: ReadonlySet<string>
  private readonly excluded: (name: string) => boolean
  private readonly nodes: Node[] = []
  private readonly weights = new Map<Value, Weight>()
  /** Half-float value of a float32 one. */
  private readonly halves = new Map<Value, Value>()
  /** float32 value of one whose half is what is computed. */
  private readonly wholes = new Map<Value, Value>()

  constructor(source: Graph, block: ReadonlySet<string>, excluded: (name: string) => boolean) {
    this.excluded = excluded
    this.source = source
    this.block = block
  }

  graph(): Graph {
    const { source } = this
    for (const [value, weight] of source.weights) this.weights.set(value, weight)
    for (const { value } of source.inputs) this.wholes.set(value, value)
    for (const node of source.nodes) this.convert(node)
    const outputs = source.outputs.map((port) => ({ ...port, value: this.whole(port.value) }))
    const taps = new Map(
      [...source.taps].map(([name, value]) => [name, this.halves.get(value) ?? value]),
    )
    return { ...source, nodes: this.nodes, weights: this.weights, outputs, taps }
  }

  private isFloat(value: Value): boolean {
    const { source } = this
    return (
      (source.weights.get(value)?.tensor.dtype ?? inferTypes(source).get(value)?.dtype) ===
      'float32'
    )
  }

  private convert(node: Node): void {
    const foreign = node.domain !== '' && !halfKernels.has(node.op)
    const bound = foreign || this.block.has(node.op) || subgraphs(node).length > 0
    const named = node.inputs.some((input) =>
      this.excluded((input && this.source.weights.get(input)?.parameter?.name) ?? ''),
    )
    const keeps = bound || named || this.excluded(node.origin)
    if (keeps) {
      this.nodes.push(mapUses(node, (value) => (this.isFloat(value) ? this.whole(value) : value)))
      for (const output of node.outputs) if (output) this.wholes.set(output, output)
      return
    }
    const inputs = node.inputs.map(
      (value) => value && (this.isFloat(value) ? this.half(value) : value),
    )
    const outputs = node.outputs.map((value) => {
      if (!value || !this.isFloat(value)) return value
      const half: Value = {
        name: value.name,
        ...(value.type && { type: { ...value.type, dtype: 'float16' as const } }),
      }
      this.halves.set(value, half)
      return half
    })
    this.nodes.push({ ...node, inputs, outputs, attributes: attributesOf(node) })
  }

  private half(value: Value): Value {
    const known = this.halves.get(value)
    if (known) return known
    const weight = this.source.weights.get(value)
    const half = weight ? this.halfWeight(value, weight) : this.cast(value, FLOAT16)
    this.halves.set(value, half)
    return half
  }

  private halfWeight(value: Value, weight: Weight): Value {
    const tensor = halfTensor(weight.tensor)
    const half: Value = { name: value.name, type: { dtype: 'float16', shape: tensor.shape } }
    this.weights.set(half, { ...weight, tensor })
    return half
  }

  private whole(value: Value): Value {
    if (!this.isFloat(value) || this.source.weights.has(value)) return value
    const known = this.wholes.get(value)
    if (known) return known
    const whole = this.cast(this.halves.get(value)!, FLOAT)
    this.wholes.set(value, whole)
    return whole
  }

  private cast(value: Value, to: number): Value {
    const builder = new GraphBuilder('')
    const output = builder.op('Cast', [value], { to: int(to) })
    this.nodes.push(...builder.build().nodes)
    return output
  }
}

/** Attributes that name the element type, or hold a tensor of it. */
function attributesOf(node: Node): Node['attributes'] {
  const { to, value } = node.attributes
  if (node.op === 'Cast' && to?.type === 'int' && Number(to.value) === FLOAT) {
    return { ...node.attributes, to: int(FLOAT16) }
  }
  if (value?.type !== 'tensor' || value.value.dtype !== 'float32') return node.attributes
  const half: Attribute = { type: 'tensor', value: halfTensor(value.value) }
  return { ...node.attributes, value: half }
}

/** A tensor as half floats; small ones kept finite. */
function halfTensor(tensor: Tensor): Tensor {
  const values = inlineValues(tensor) as Float32Array | undefined
  const beyond = (value: number) => Math.abs(value) > LARGEST && Number.isFinite(value)
  if (!values?.some(beyond)) return casted(tensor, 'float16')
  const kept = Array.from(values, (value) => (beyond(value) ? Math.sign(value) * BEYOND : value))
  return casted(float32Tensor(kept, [...tensor.shape]), 'float16')
}
