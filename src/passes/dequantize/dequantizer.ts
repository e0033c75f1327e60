/**
 * What the conversion of a quantized graph knows while it walks: for each quantized value the float behind it,
 * and for each float that is gone what took its place.
 *
 * A quantized value has a shadow: the float value it was rounded from, with scale and zero point. Where an
 * operator reads it by the same scale and zero point, it can read the float instead. Weights have no shadow:
 * their floats follow from codes, scales and zero points, lazily.
 */
import type { Attributes, Node, Value, Weight } from '../../graph/graph.ts'
import { type NodeOptions, newNode } from '../../graph/new-node.ts'
import { inlineTensor, type ReadTensor, type Tensor, tensorSize } from '../../graph/tensor.ts'
import { numbersOf } from '../../onnx/cast-elements.ts'
import { type Dequantization, dequantizedWeight } from '../../onnx/dequantize-weight.ts'

/** The float that a quantized value was rounded from. */
export interface Shadow {
  readonly float: Value
  readonly scale: Value
  readonly zero: Value | undefined
}

/** A product of codes, or what was made of it, that factors still stand between it and the float. */
export interface Pending {
  /** Scales of activations that it has still to be multiplied by. */
  readonly owed: readonly Value[]
  /** Constants that it was multiplied by. */
  readonly constants: readonly Value[]
  /** Whether constants belong into codes of a weight: a product without one is not complete. */
  readonly ofCodes: boolean
  /** The float, when nothing but constants is owed; a sentence why not. */
  make(factor: Tensor): Value | string
}

/** A quantized operand as it is written: value, scale, zero point. */
export type Operand = readonly [
  value: Value | undefined,
  scale: Value | undefined,
  zero: Value | undefined,
]

/** Does one operator; a sentence says why it stays as it is. */
export type Convert = (node: Node, to: Dequantizer) => true | string

/** Operators that move numbers and change none. */
const moving: ReadonlySet<string> = new Set([
  ...['Reshape', 'Transpose', 'Gather', 'Slice', 'Squeeze', 'Unsqueeze', 'Flatten', 'Identity'],
  ...['Expand', 'Tile', 'Split', 'MaxPool', 'DepthToSpace', 'SpaceToDepth'],
])

/** Endings that quantizers give to names of codes. */
const codesEnding = /(_quantized|_quant|_q[248]|_Q[248](_\d+)?)+$/

export class Dequantizer {
  readonly read: ReadTensor
  readonly shadows = new Map<Value, Shadow>()
  readonly pending = new Map<Value, Pending>()
  /** Readers of each value, counted in the graph as it was. */
  readonly readers = new Map<Value, Node[]>()
  private readonly weights = new Map<Value, Weight>()
  private readonly producers = new Map<Value, Node>()
  private readonly replaced = new Map<Value, Value>()
  private readonly floats = new Map<string, Value>()
  private readonly ids = new Map<Value | undefined, number>()
  /** Float twins of nodes that move codes, in the graph they were written into. */
  private readonly twins = new Map<Node, { into: Node[]; made: readonly Value[] }>()
  /** Nodes and weights of the graph that is being written. */
  nodes: Node[] = []
  made = new Map<Value, Weight>()
  private origin = ''

  constructor(read: ReadTensor) {
    this.read = read
  }

  /** Learns a graph's weights, and who reads what. */
  enter(nodes: readonly Node[], weights: ReadonlyMap<Value, Weight>): void {
    for (const [value, weight] of weights) this.weights.set(value, weight)
    for (const node of nodes) {
      for (const output of node.outputs) if (output) this.producers.set(output, node)
      for (const input of node.inputs) {
        if (input) this.readers.set(input, [...(this.readers.get(input) ?? []), node])
      }
    }
  }

  /** New nodes come from here. */
  at({ origin }: Node): void {
    this.origin = origin
  }

  readonly resolve = (value: Value): Value => {
    let current = value
    for (let next = this.replaced.get(current); next; next = this.replaced.get(current)) {
      current = next
    }
    return current
  }
  replace(value: Value | undefined, by: Value): void {
    if (value && value !== by) this.replaced.set(value, by)
  }
  producer(value: Value): Node | undefined {
    return this.producers.get(value)
  }
  tensor(value: Value | undefined): Tensor | undefined {
    return value && this.weights.get(value)?.tensor
  }

  op(
    op: string,
    inputs: readonly (Value | undefined)[],
    attributes: Attributes = {},
    options: NodeOptions = {},
  ): Value {
    return this.ops(op, inputs, 1, attributes, options)[0]!
  }
  ops(
    op: string,
    inputs: readonly (Value | undefined)[],
    count: number,
    attributes: Attributes = {},
    options: NodeOptions = {},
  ): Value[] {
    const last = inputs.findLastIndex((input) => input !== undefined)
    const given = inputs.slice(0, last + 1).map((input) => input && this.resolve(input))
    const node = newNode(op, given, count, attributes, { origin: this.origin, ...options })
    this.nodes.push(node)
    for (const output of node.outputs) this.producers.set(output, node)
    return [...node.outputs]
  }
  constant(tensor: Tensor, name = 'constant'): Value {
    const value = { name, type: { dtype: tensor.dtype, shape: tensor.shape } }
    const weight = { tensor }
    this.made.set(value, weight)
    this.weights.set(value, weight)
    return value
  }

  /** Values of a small constant, repeated or not; undefined for what is none. */
  numbers(value: Value | undefined): ArrayLike<number> | undefined {
    const node = value && this.producers.get(value)
    if (node?.op === 'Expand') {
      const repeated = this.numbers(node.inputs[0])
      return repeated?.length === 1 ? repeated : undefined
    }
    const tensor = this.tensor(value)
    return tensor && numbersOf(tensor.dtype, this.read(tensor), tensorSize(tensor))
  }

  /** Whether two values hold the same constant, or are one; absent zero points are zeros. */
  same(a: Value | undefined, b: Value | undefined): boolean {
    if (a === b) return true
    const [x, y] = [a, b].map((value) => (value ? this.numbers(value) : [0]))
    if (!x || !y) return false
    if (x.length !== y.length && x.length !== 1 && y.length !== 1) return false
    const length = Math.max(x.length, y.length)
    const at = (list: ArrayLike<number>, i: number) => list[list.length === 1 ? 0 : i]
    return Array.from({ length }, (_, i) => at(x, i) === at(y, i)).every(Boolean)
  }

  /** The float of an operand; a sentence where there is none. */
  floatOf([value, scale, zero]: Operand, how: Dequantization = {}): Value | string {
    if (!value || !scale) return 'an operand is absent'
    const codes = this.tensor(value)
    if (codes) return this.floatWeight([value, scale, zero], codes, how)
    const shadow = this.shadows.get(value)
    if (shadow) {
      const equal = this.same(shadow.scale, scale) && this.same(shadow.zero, zero)
      return equal ? shadow.float : `'${value.name}' is read by another scale than it is written by`
    }
    return this.floatTwin([value, scale, zero], how)
  }

  /** Codes of a weight as floats; once for each way of reading them. */
  floatWeight(
    [value, scale, zero]: Operand,
    codes: Tensor,
    how: Dequantization = {},
    shape?: readonly number[],
  ): Value | string {
    const [scales, zeros] = [this.tensor(scale), this.tensor(zero)]
    if (!scales || (zero && !zeros)) return `the scale of '${value!.name}' is no constant`
    const key = [value, scale, zero].map((each) => this.id(each)).join() + JSON.stringify(how)
    const known = this.floats.get(key)
    if (known && this.made.has(known)) return known
    const rank = (shape ?? codes.shape).length
    const axis = how.axis === undefined ? 0 : how.axis < 0 ? how.axis + rank : how.axis
    const wrong = layoutOf(shape ?? codes.shape, scales, axis, how.block)
    if (wrong) return `'${value!.name}': ${wrong}`
    if (zeros && !how.bits && tensorSize(zeros) !== tensorSize(scales)) {
      return `'${value!.name}': its zero points are not as many as its scales`
    }
    const float = this.constant(
      dequantizedWeight(codes, scales, zeros, { ...how, axis }, shape),
      value!.name.replace(codesEnding, ''),
    )
    this.floats.set(key, float)
    return float
  }

  private id(value: Value | undefined): number {
    const known = this.ids.get(value) ?? this.ids.size
    this.ids.set(value, known)
    return known
  }

  /** The float twin of codes that were only moved: of one scale, so that none of it moves. */
  private floatTwin([value, scale, zero]: Operand, how: Dequantization): Value | string {
    const node = this.producers.get(value!)
    const single = [scale, zero].every((each) => {
      const shape = each && (this.tensor(each)?.shape ?? each.type?.shape)
      return !each || this.shadowed(each) || shape?.every((dim) => dim === 1)
    })
    if (!node || !moving.has(node.op) || !single) {
      return `'${value!.name}' ${node ? `comes from ${node.op}` : 'is an input of the graph'}`
    }
    const known = this.twins.get(node)
    if (known?.into === this.nodes) return known.made[node.outputs.indexOf(value)]!
    const [first, ...rest] = node.inputs
    const float = this.floatOf([first, scale, zero], how)
    if (typeof float === 'string') return float
    const { op, outputs, attributes, origin } = node
    const made = this.ops(op, [float, ...rest], outputs.length, attributes, { origin })
    this.twins.set(node, { into: this.nodes, made })
    return made[outputs.indexOf(value)]!
  }

  /** A scale or zero point that DynamicQuantizeLinear gives is one number. */
  private shadowed(value: Value): boolean {
    return this.producers.get(value)?.op === 'DynamicQuantizeLinear'
  }

  /** A tensor of floats computed here. */
  floats32(values: readonly number[], shape: readonly number[] = [values.length]): Tensor {
    return inlineTensor('float32', shape, Float32Array.from(values))
  }
}

/** Why scales do not lie on a shape as said; undefined when they do. */
function layoutOf(
  shape: readonly number[],
  scales: Tensor,
  axis: number,
  block = 0,
): string | undefined {
  if (tensorSize(scales) === 1) return undefined
  const size = shape[axis]
  if (size === undefined) return `it has no axis ${axis}`
  if (block === 0) {
    return tensorSize(scales) === size
      ? undefined
      : `${tensorSize(scales)} scales for ${size} indices of axis ${axis}`
  }
  const expected = shape.with(axis, Math.ceil(size / block))
  const fits =
    scales.shape.length === shape.length && expected.every((dim, i) => dim === scales.shape[i])
  return fits ? undefined : `scales [${scales.shape.join(', ')}], expected [${expected.join(', ')}]`
}
