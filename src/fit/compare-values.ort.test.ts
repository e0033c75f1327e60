/** Two small graphs beside each other: padding, narrowed tokens, what is added and what flowed in. */
import { describe, expect, it } from 'vitest'
import { GraphBuilder } from '../graph/builder.ts'
import type { HostTensor } from '../graph/data-type.ts'
import { float32Tensor, floatScalar, int64Tensor } from '../graph/tensor.ts'
import { type CompareBatch, compareValues } from './compare-values.ts'

/** `x → x·f → +1 → first token`; the second factor and token choice are what differs. */
function graphOf(factor: number, shift: number, isNarrow: boolean) {
  const b = new GraphBuilder('sample')
  const x = b.input('x', 'float32', ['batch', 'tokens', 2])
  b.input('attention_mask', 'int64', ['batch', 'tokens'])
  const first = b.constant(int64Tensor([0]))
  const source = isNarrow ? b.op('Gather', [x, first], { axis: { type: 'int', value: 1 } }) : x
  const scaled = b.op('Mul', [x, b.constant(floatScalar(factor))])
  const shifted = b.op('Add', [scaled, b.constant(floatScalar(shift))])
  const squared = b.op('Mul', [shifted, shifted])
  const root = b.op('Sqrt', [source])
  b.output('y', squared)
  b.output('z', root)
  return { graph: b.build(), values: [scaled, shifted, squared, root] }
}

function batchOf(values: readonly number[], marks: readonly number[]): CompareBatch {
  const shape = [1, marks.length]
  const mask: HostTensor = { dtype: 'int64', shape, data: BigInt64Array.from(marks, BigInt) }
  const x: HostTensor = {
    dtype: 'float32',
    shape: [...shape, 2],
    data: Float32Array.from(values),
  }
  const feeds = { x, attention_mask: mask }
  return { a: feeds, b: feeds, mask, grid: [1, marks.length] }
}

const batches = [batchOf([1, 4, 9, 16, 25, 36], [1, 1, 0]), batchOf([1, 9, 4, 4], [1, 1])]

interface Wanted {
  readonly outputs?: readonly string[]
  readonly seen?: number[][]
  readonly longest?: number
}

const compared = (
  a: ReturnType<typeof graphOf>,
  b: ReturnType<typeof graphOf>,
  { outputs = [], seen = [], longest = 3 }: Wanted = {},
) =>
  compareValues(
    [a.graph, b.graph],
    a.values.map((value, i) => ({ a: value, b: b.values[i]!, width: 2 })),
    batches[0]!,
    async function* () {
      yield* batches
    },
    {
      ...{ tolerance: 1e-3, longest, outputs },
      onOutputs: (_, ofA, ofB) => {
        for (const of of [ofA, ofB]) if (of.y) seen.push([...(of.y.data as Float32Array)])
      },
    },
  )

describe('compareValues', () => {
  it('leaves padding out, and tells what is added from what flows in', async () => {
    const [scaled, shifted, squared] = await compared(graphOf(2, 1, false), graphOf(2, 1.5, false))
    // four real tokens of two numbers
    expect(scaled!.total).toMatchObject({ count: 8, relative: 0, cosine: 1 })
    const real = [1, 4, 9, 16, 1, 9, 4, 4]
    const signal = real.reduce((sum, x) => sum + (2 * x + 1) ** 2, 0)
    expect(shifted!.total.relative).toBeCloseTo(Math.sqrt((8 * 0.25) / signal), 6)
    expect(shifted!.added!.relative).toBeCloseTo(shifted!.total.relative, 10)
    expect(shifted!.total.maxAbs).toBeCloseTo(0.5, 6)
    expect(shifted!.total.outside).toBe(1)
    // squaring is the same in both: all of its error came in
    const noise = real.reduce((sum, x) => sum + ((2 * x + 1.5) ** 2 - (2 * x + 1) ** 2) ** 2, 0)
    const squares = real.reduce((sum, x) => sum + (2 * x + 1) ** 4, 0)
    expect(squared!.total.sqnr).toBeCloseTo(10 * Math.log10(squares / noise), 4)
    expect(squared!.added!.relative).toBe(0)
  })

  it.each([
    ['the second', false, true],
    ['the first', true, false],
  ])('compares first tokens where %s computes them alone', async (_, narrowA, narrowB) => {
    const result = await compared(graphOf(2, 1, narrowA), graphOf(2, 1, narrowB))
    const root = result[3]!
    expect(root.narrowed).toBe(true)
    expect(root.total).toMatchObject({ count: 4, relative: 0 })
    expect(root.added === undefined).toBe(narrowA)
  })

  it('counts numbers that are none, and shows outputs', async () => {
    const seen: number[][] = []
    const wrong = graphOf(Number.POSITIVE_INFINITY, 1, false)
    const [scaled] = await compared(graphOf(2, 1, false), wrong, { outputs: ['y'], seen })
    expect(scaled!.total).toMatchObject({ nonFinite: 8, outside: 1 })
    expect(seen[0]!.slice(0, 2)).toEqual([9, 81])
    expect(seen).toHaveLength(4)
  })

  it('says the same of tensors that are compared one by one', async () => {
    const models = [graphOf(2, 1, false), graphOf(2.5, 1, false)] as const
    const together = await compared(...models)
    expect(await compared(...models, { longest: 1e9 })).toEqual(together)
    expect(together[1]!.total.relative).toBeGreaterThan(0)
    expect(together[1]!.added!.relative).toBe(0)
  })

  it('compares in the scale of the second what is undone behind', async () => {
    /** Both give 6x; the columns of what stands between differ by these factors. */
    const between = (factors: readonly number[], noise: number) => {
      const b = new GraphBuilder('scaled')
      const x = b.input('x', 'float32', ['batch', 'tokens', 2])
      b.input('attention_mask', 'int64', ['batch', 'tokens'])
      const inner = b.op('Mul', [x, b.constant(float32Tensor(factors.map((f) => 2 * f)))])
      const outer = b.op('Mul', [inner, b.constant(float32Tensor(factors.map((f) => 3 / f)))])
      const last = b.op('Mul', [outer, b.constant(floatScalar(1 + noise))])
      b.output('y', last)
      return { graph: b.build(), values: [inner, outer, last] }
    }
    const [inner, outer, last] = await compared(between([1, 1], 0), between([0.5, 4], 0.01))
    expect([inner, outer, last].map((one) => one!.rescaled)).toEqual([true, false, false])
    expect(inner!.total.relative).toBeLessThan(1e-6)
    expect(outer!.added!.relative).toBeLessThan(1e-6)
    expect(last!.added!.relative).toBeCloseTo(0.01, 6)
  })

  it('gives nothing where sizes differ', async () => {
    const other = graphOf(2, 1, false)
    const b = new GraphBuilder('other')
    const x = b.input('x', 'float32', ['batch', 'tokens', 2])
    b.input('attention_mask', 'int64', ['batch', 'tokens'])
    const half = b.op('Gather', [x, b.constant(int64Tensor([1], []))], {
      axis: { type: 'int', value: 2 },
    })
    b.output('y', half)
    const values = other.values.map(() => half)
    const result = await compared(other, { graph: b.build(), values })
    expect(result).toEqual([undefined, undefined, undefined, undefined])
  })
})
