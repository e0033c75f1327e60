/**
 * A random graph in the making: a builder, a seeded stream, and the feeds of every input it declares.
 *
 * Dimensions have one size a name in a graph; how they are declared (symbols, numbers, unknown, a symbol of
 * its own for each input) is drawn once a graph, since rules decide by what is declared.
 */
import { int, ints } from '../src/graph/attributes.ts'
import { GraphBuilder } from '../src/graph/builder.ts'
import { elementCount, type HostTensor } from '../src/graph/data-type.ts'
import type { Graph, Value } from '../src/graph/graph.ts'
import type { Dim } from '../src/graph/shape.ts'
import { float32Tensor, floatScalar, int64Tensor } from '../src/graph/tensor.ts'
import type { Random } from '../src/stats/random.ts'

/** A dimension by name (`batch`, `tokens`) or by number. */
export type Size = string | number

/** A graph and what it is fed. */
export interface Sample {
  readonly graph: Graph
  readonly feeds: Readonly<Record<string, HostTensor>>
}

const declarations = ['symbols', 'symbols', 'numbers', 'apart', 'unknown'] as const

export class Draft {
  readonly b: GraphBuilder
  readonly feeds: Record<string, HostTensor> = {}
  readonly sizes: Record<string, number>
  private readonly random: Random
  private readonly declared: (typeof declarations)[number]
  /** How often `mostly` leaves the usual choice; half of the graphs are as usual throughout. */
  private readonly variation: number
  private inputs = 0
  private parameters = 0

  constructor(name: string, random: Random) {
    this.b = new GraphBuilder(name)
    this.random = random
    this.declared = this.pick(declarations)
    this.variation = this.pick([0, 0.1])
    this.sizes = { batch: this.int(1, 3), tokens: this.int(1, 4), keys: this.int(2, 5) }
  }

  /** A whole number from `low` to `high`, both included. */
  int(low: number, high: number): number {
    return low + this.random.below(high - low + 1)
  }
  pick<T>(items: readonly T[]): T {
    return items[this.random.below(items.length)]!
  }
  chance(probability: number): boolean {
    return this.random.uniform() < probability
  }
  /** The usual choice mostly, one of the others at times. */
  mostly<T>(usual: T, ...others: readonly T[]): T {
    return this.chance(this.variation) ? this.pick(others) : usual
  }
  numbers(count: number, low = -1, high = 1): number[] {
    return Array.from({ length: count }, () => low + (high - low) * this.random.uniform())
  }

  sizeOf(shape: readonly Size[]): number[] {
    return shape.map((size) => (typeof size === 'number' ? size : this.sizes[size]!))
  }

  private declare(name: string, shape: readonly Size[]): Dim[] {
    return shape.map((size, axis) => {
      if (typeof size === 'number' || this.declared === 'numbers') return this.sizeOf([size])[0]!
      if (this.declared === 'unknown') return null
      return this.declared === 'apart' ? `${name}_${axis}` : size
    })
  }

  input(shape: readonly Size[], low = -1, high = 1): Value {
    const sizes = this.sizeOf(shape)
    const data = Float32Array.from(this.numbers(elementCount(sizes), low, high))
    return this.feed('float32', shape, data)
  }
  /** Whole numbers below `bound`, int64. */
  ids(shape: readonly Size[], bound: number): Value {
    const count = elementCount(this.sizeOf(shape))
    const values = Array.from({ length: count }, () => BigInt(this.random.below(bound)))
    return this.feed('int64', shape, BigInt64Array.from(values))
  }
  flags(shape: readonly Size[]): Value {
    const count = elementCount(this.sizeOf(shape))
    const probability = this.pick([0, 0.5, 0.8, 1])
    const values = Array.from({ length: count }, () => Number(this.chance(probability)))
    return this.feed('bool', shape, Uint8Array.from(values))
  }
  /** 0/1 marks, int64: ones on the left when `right` padding is promised, else anywhere, or nowhere. */
  marks([rows, columns]: readonly [Size, Size], right: boolean): Value {
    const [count, length] = this.sizeOf([rows, columns]) as [number, number]
    const values = Array.from({ length: count }, () => {
      const kept = this.int(1, length)
      const scattered = this.chance(0.5)
      return Array.from({ length }, (_, i) =>
        BigInt(right || !scattered ? i < kept : this.chance(0.4)),
      )
    })
    return this.feed('int64', [rows, columns], BigInt64Array.from(values.flat()))
  }

  /** Marks whose first in each row is one: no row is masked wholly. */
  kept([rows, columns]: readonly [Size, Size]): Value {
    const length = this.sizeOf([columns])[0]!
    const count = this.sizeOf([rows])[0]! * length
    const values = Array.from({ length: count }, (_, i) =>
      BigInt(i % length === 0 || this.chance(0.6)),
    )
    return this.feed('int64', [rows, columns], BigInt64Array.from(values))
  }
  /** Flags whose first along the last axis is true. */
  kept2(shape: readonly Size[]): Value {
    const sizes = this.sizeOf(shape)
    const values = Array.from({ length: elementCount(sizes) }, (_, i) =>
      Number(i % sizes.at(-1)! === 0 || this.chance(0.6)),
    )
    return this.feed('bool', shape, Uint8Array.from(values))
  }

  /** The feeds at another batch and length, the same numbers repeated; none where sizes are declared. */
  otherFeeds(): Sample['feeds'][] {
    if (this.declared === 'numbers') return []
    const sizes: Record<string, number> = {}
    for (const [name, size] of Object.entries(this.sizes)) sizes[name] = size + 1
    const again = Object.entries(this.feeds).map(([name, tensor]) => {
      const shape = this.shapes
        .get(name)!
        .map((size) => (typeof size === 'number' ? size : sizes[size]!))
      return [name, repeatedTo(tensor, shape)] as const
    })
    return [Object.fromEntries(again)]
  }
  private readonly shapes = new Map<string, readonly Size[]>()

  private feed(
    dtype: HostTensor['dtype'],
    shape: readonly Size[],
    data: HostTensor['data'],
  ): Value {
    const name = `in${this.inputs++}`
    this.shapes.set(name, shape)
    this.feeds[name] = { dtype, shape: this.sizeOf(shape), data }
    return this.b.input(name, dtype, this.declare(name, shape))
  }

  parameter(shape: readonly number[], low = -1, high = 1): Value {
    const values = this.numbers(elementCount(shape), low, high)
    return this.b.parameter({ name: `p${this.parameters++}` }, float32Tensor(values, [...shape]))
  }
  floats(shape: readonly number[]): Value {
    return this.b.constant(float32Tensor(this.numbers(elementCount(shape)), [...shape]))
  }
  scalar(value: number): Value {
    return this.b.constant(
      this.mostly(floatScalar(value), float32Tensor([value]), float32Tensor([value], [1, 1, 1, 1])),
    )
  }

  /** `MatMul(x, Transpose(W)) + b`, with the layouts and biases that are no linear layer at times. */
  linear(x: Value, inSize: number, outSize: number): Value {
    const square = inSize === outSize
    const perm = this.mostly<number[] | undefined>([1, 0], undefined, square ? [0, 1] : [1, 0])
    const scale = 1 / Math.sqrt(inSize)
    const weight = this.parameter([outSize, inSize], -scale, scale)
    const turned = this.b.op('Transpose', [weight], perm ? { perm: ints(perm) } : {})
    const product = this.b.op('MatMul', [x, turned])
    if (this.chance(0.2)) return product
    const shape = this.mostly([outSize], [1], [1, outSize], [])
    const bias = this.chance(0.1) ? this.input([outSize]) : this.parameter(shape)
    return this.b.op('Add', this.chance(0.5) ? [product, bias] : [bias, product])
  }

  output(value: Value): void {
    this.b.output(`out${this.outputs++}`, value)
  }
  private outputs = 0

  build(): Sample {
    return { graph: this.b.build(), feeds: this.feeds }
  }
}

/** A tensor at another shape of the same rank: element by element, each index taken around. */
function repeatedTo({ dtype, shape, data }: HostTensor, to: readonly number[]): HostTensor {
  const source = data as Float32Array
  const larger = new (source.constructor as Float32ArrayConstructor)(elementCount(to))
  for (let i = 0; i < larger.length; i++) {
    let [rest, at, stride] = [i, 0, 1]
    for (let axis = to.length - 1; axis >= 0; axis--) {
      at += ((rest % to[axis]!) % shape[axis]!) * stride
      rest = Math.floor(rest / to[axis]!)
      stride *= shape[axis]!
    }
    larger[i] = source[at]!
  }
  return { dtype, shape: [...to], data: larger }
}

/** The whole, or what a classifier reads: one token. */
export function answer(d: Draft, x: Value, width: number): void {
  if (d.chance(0.5)) {
    d.output(x)
    return
  }
  const position = d.mostly(int64Tensor([0], []), int64Tensor([1], []), int64Tensor([0]))
  const token = d.b.op('Gather', [x, d.b.constant(position)], { axis: int(d.mostly(1, 0)) })
  d.output(d.b.op('Tanh', [d.linear(token, width, width)]))
}
