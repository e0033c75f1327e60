/**
 * Writes the nodes of a gradient: operators on values and numbers, with the type of everything known.
 *
 * Shapes are constants where they are static and Shape nodes where they are symbols, so one row serves
 * both.
 */
import { int, ints } from '../../graph/attributes.ts'
import type { DataType } from '../../graph/data-type.ts'
import type { Attributes, Graph, Node, Value, Weight } from '../../graph/graph.ts'
import { type NodeOptions, newNode } from '../../graph/new-node.ts'
import type { Shape } from '../../graph/shape.ts'
import { casted, floatScalar, inlineValues, int64Tensor, type Tensor } from '../../graph/tensor.ts'
import { typeOfTensor } from '../infer/generators.ts'
import type { InferredType } from '../infer/infer-row.ts'
import { inferNode, inferTypes, type Types } from '../infer-types.ts'
import { gradientError } from './grad-row.ts'

/** A value, or a number that takes the other operand's type. */
export type Operand = Value | number

export class GradBuilder {
  readonly nodes: Node[] = []
  readonly weights = new Map<Value, Weight>()
  /** Module path of the nodes made now: that of the node whose gradient they are. */
  origin = ''
  private readonly graph: Graph
  private readonly types: Types
  private readonly added = new Map<Value, InferredType>()
  private readonly producers = new Map<Value, Node>()

  constructor(graph: Graph) {
    this.graph = graph
    this.types = inferTypes(graph)
    for (const node of graph.nodes) this.produce(node)
  }

  private produce(node: Node): void {
    for (const output of node.outputs) if (output) this.producers.set(output, node)
  }

  typeOf(value: Value): InferredType | undefined {
    return this.added.get(value) ?? this.types.get(value)
  }

  /** Remembers the type of a value that a forward node now has as well. */
  learn(value: Value, type: InferredType | undefined): void {
    if (type) this.added.set(value, type)
  }

  producer(value: Value): Node | undefined {
    return this.producers.get(value)
  }

  dtype(value: Value): DataType {
    const type = this.typeOf(value)
    if (!type) throw gradientError(`the element type of '${value.name}' is not known`)
    return type.dtype
  }

  shape(value: Value): Shape {
    const shape = this.typeOf(value)?.shape
    if (!shape) throw gradientError(`the rank of '${value.name}' is not known`)
    return shape
  }

  rank(value: Value): number {
    return this.shape(value).length
  }

  /** `axis` of the value counted from the front. */
  axis(value: Value, axis: number): number {
    return axis < 0 ? axis + this.rank(value) : axis
  }

  /** The number that a value always is: a one-element constant in memory. */
  numberOf(value: Value | undefined): number | undefined {
    const tensor = value && (this.graph.weights.get(value) ?? this.weights.get(value))?.tensor
    const data = tensor && inlineValues(tensor)
    const produced = value && this.producer(value)
    const given = produced?.op === 'Constant' ? produced.attributes.value : undefined
    const inner = given?.type === 'tensor' ? inlineValues(given.value) : undefined
    const values = data ?? inner
    return values?.length === 1 ? Number(values[0]) : undefined
  }

  /** Contents of an integer tensor when all are plain numbers. */
  integersOf(value: Value | undefined): number[] | undefined {
    const known = value && this.typeOf(value)?.known
    return known?.every((item) => typeof item === 'number') ? (known as number[]) : undefined
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
    const name = `${this.origin ? `${this.origin}.` : ''}gradient.${op}`
    const { origin } = this
    const node = newNode(op, inputs, count, attributes, { name, origin, ...options })
    this.nodes.push(node)
    this.produce(node)
    inferNode(node, (value) => this.typeOf(value)).forEach((type, i) => {
      this.learn(node.outputs[i]!, type)
    })
    return [...node.outputs]
  }

  constant(tensor: Tensor, name = 'constant'): Value {
    const value = { name, type: { dtype: tensor.dtype, shape: tensor.shape } }
    this.weights.set(value, { tensor })
    this.learn(value, typeOfTensor(tensor))
    return value
  }

  int64s(...values: number[]): Value {
    return this.constant(int64Tensor(values), 'integers')
  }

  /** A scalar of the element type of `like`. */
  number(value: number, like: Value): Value {
    return this.constant(casted(floatScalar(value), this.dtype(like)), `${value}`)
  }

  private binary(op: string, a: Operand, b: Operand): Value {
    const like = (typeof a === 'number' ? b : a) as Value
    const side = (x: Operand) => (typeof x === 'number' ? this.number(x, like) : x)
    return this.op(op, [side(a), side(b)])
  }

  add = (a: Operand, b: Operand): Value => this.binary('Add', a, b)
  sub = (a: Operand, b: Operand): Value => this.binary('Sub', a, b)
  mul = (a: Operand, b: Operand): Value => this.binary('Mul', a, b)
  div = (a: Operand, b: Operand): Value => this.binary('Div', a, b)
  less = (a: Operand, b: Operand): Value => this.binary('Less', a, b)
  equal = (a: Operand, b: Operand): Value => this.binary('Equal', a, b)
  neg = (x: Value): Value => this.op('Neg', [x])
  exp = (x: Value): Value => this.op('Exp', [x])
  sqrt = (x: Value): Value => this.op('Sqrt', [x])
  sigmoid = (x: Value): Value => this.op('Sigmoid', [x])
  square = (x: Value): Value => this.op('Mul', [x, x])

  where(condition: Value, a: Operand, b: Operand): Value {
    const like = (typeof a === 'number' ? b : a) as Value
    const side = (x: Operand) => (typeof x === 'number' ? this.number(x, like) : x)
    return this.op('Where', [condition, side(a), side(b)])
  }

  /** `x` in the element type of `like`. */
  castLike(x: Value, like: Value): Value {
    const to = this.dtype(like)
    return this.dtype(x) === to ? x : this.op('CastLike', [x, like])
  }

  transpose(x: Value, perm: readonly number[]): Value {
    if (perm.every((axis, i) => axis === i)) return x
    return this.op('Transpose', [x], { perm: ints(perm) })
  }

  reshape(x: Value, ...dims: number[]): Value {
    return this.op('Reshape', [x, this.int64s(...dims)])
  }

  /** `x` in the shape of `like`. */
  reshapeLike(x: Value, like: Value): Value {
    return this.op('Reshape', [x, this.shapeOf(like)])
  }

  expandLike(x: Value, like: Value): Value {
    return this.op('Expand', [x, this.shapeOf(like)])
  }

  unsqueeze(x: Value, ...axes: number[]): Value {
    return axes.length === 0 ? x : this.op('Unsqueeze', [x, this.int64s(...axes)])
  }

  /** Sum over these axes, which stay with size 1 unless `keep` is false. */
  sum(x: Value, axes: readonly number[], keep = true): Value {
    return axes.length === 0
      ? x
      : this.op('ReduceSum', [x, this.int64s(...axes)], { keepdims: int(keep ? 1 : 0) })
  }

  mean(x: Value, axes: readonly number[], keep = true): Value {
    return this.op('ReduceMean', [x, this.int64s(...axes)], { keepdims: int(keep ? 1 : 0) })
  }

  /** Shape of a value as a 1-D int64 tensor. */
  shapeOf(value: Value): Value {
    const shape = this.typeOf(value)?.shape
    return shape?.every((dim) => typeof dim === 'number')
      ? this.int64s(...(shape as number[]))
      : this.op('Shape', [value])
  }

  /** Size of one axis as a 1-D int64 tensor of one element. */
  sizeOf(value: Value, axis: number): Value {
    const dim = this.shape(value)[axis]
    return typeof dim === 'number'
      ? this.int64s(dim)
      : this.op('Shape', [value], { start: int(axis), end: int(axis + 1) })
  }

  zeros(shape: Value, like: Value): Value {
    const tensor = casted(floatScalar(0), this.dtype(like))
    const zero = this.dtype(like) === 'float32' ? { ...tensor, shape: [1] } : undefined
    if (zero) return this.op('ConstantOfShape', [shape], { value: { type: 'tensor', value: zero } })
    return this.op('Expand', [this.number(0, like), shape])
  }

  zerosLike(x: Value): Value {
    return this.zeros(this.shapeOf(x), x)
  }

  concat(parts: readonly Value[], axis: number): Value {
    return parts.length === 1 ? parts[0]! : this.op('Concat', parts, { axis: int(axis) })
  }

  /** `a·b` of matrices, one or both with their last two axes swapped first. */
  matmul(a: Value, b: Value, transA = false, transB = false): Value {
    const [left, right] = [this.untransposed(a, transA), this.untransposed(b, transB)]
    if (!left.swap && !right.swap) return this.op('MatMul', [left.value, right.value])
    if (this.dtype(a) !== 'float32') {
      return this.op('MatMul', [
        this.swapped(left.value, left.swap),
        this.swapped(right.value, right.swap),
      ])
    }
    const attributes = { transA: int(left.swap ? 1 : 0), transB: int(right.swap ? 1 : 0) }
    return this.op('FusedMatMul', [left.value, right.value], attributes, {
      domain: 'com.microsoft',
    })
  }

  /** What a Transpose of the last two axes was made from: two swaps cancel. */
  private untransposed(value: Value, swap: boolean): { value: Value; swap: boolean } {
    const made = swap ? this.producer(value) : undefined
    const perm = made?.op === 'Transpose' && made.domain === '' ? made.attributes.perm : undefined
    const source = made?.inputs[0]
    if (perm?.type !== 'ints' || !source) return { value, swap }
    const rank = perm.value.length
    const lastTwo = perm.value.every((axis, i) =>
      i < rank - 2 ? Number(axis) === i : Number(axis) === 2 * rank - 3 - i,
    )
    return lastTwo ? { value: source, swap: false } : { value, swap }
  }

  private swapped(x: Value, swap: boolean): Value {
    const rank = this.rank(x)
    const perm = Array.from({ length: rank }, (_, i) => (i < rank - 2 ? i : 2 * rank - 3 - i))
    return swap ? this.transpose(x, perm) : x
  }
}
