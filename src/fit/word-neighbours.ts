/** The nearest words of words, by the cosine of their rows in a model's table of words, its mean taken off. */
import { int, ints } from '../graph/attributes.ts'
import { GraphBuilder } from '../graph/builder.ts'
import type { Value } from '../graph/graph.ts'
import { floatScalar, int64Tensor, type Tensor } from '../graph/tensor.ts'
import { type ObserveOptions, withGraph } from './observe.ts'

export interface NeighbourOptions extends Pick<ObserveOptions, 'signal'> {
  readonly count: number
  /** Words that are asked for. */
  readonly of: readonly number[]
  /** Words that may be answered. */
  readonly among: readonly number[]
}

/** Words of one run: the cosines of one are a row of as many numbers as there are words. */
const BLOCK = 256

/** @param table rows of words `[vocabulary, width]`. @returns for each word its `count` nearest others. */
export async function wordNeighbours(
  table: Tensor,
  { count, of, among, signal }: NeighbourOptions,
): Promise<ReadonlyMap<number, readonly number[]>> {
  const found = new Map<number, readonly number[]>()
  const nearest = Math.min(count + 1, among.length)
  if (nearest < 2) return found
  // the same bytes whatever the machine has: one thread
  await withGraph(cosines(table, among, nearest), { threads: 1, signal }, async (run) => {
    for (let at = 0; at < of.length; at += BLOCK) {
      const ids = of.slice(at, at + BLOCK)
      const data = BigInt64Array.from(ids, BigInt)
      const { places } = await run({ ids: { dtype: 'int64', shape: [ids.length], data } })
      const columns = places!.data as BigInt64Array
      ids.forEach((id, row) => {
        const own = Array.from(
          columns.subarray(row * nearest, (row + 1) * nearest),
          (place) => among[Number(place)]!,
        )
        found.set(id, own.filter((other) => other !== id).slice(0, count))
      })
    }
  })
  return found
}

/** `ids` [n] → `places` [n, nearest] in `among`, by falling cosine. */
function cosines(table: Tensor, among: readonly number[], nearest: number) {
  const b = new GraphBuilder('words')
  const rows = b.constant(table, 'table')
  const mean = b.op('ReduceMean', [rows, b.int64s([0], 'axis')], { keepdims: int(1) })
  const unit = (places: Value) => {
    const centred = b.op('Sub', [b.op('Gather', [rows, places]), mean])
    const length = b.op('ReduceL2', [centred, b.int64s([1], 'axis')], { keepdims: int(1) })
    const least = b.constant(floatScalar(1e-12), 'least')
    return b.op('Div', [centred, b.op('Max', [length, least])])
  }
  const others = unit(b.constant(int64Tensor(among), 'among'))
  const own = unit(b.input('ids', 'int64', ['words']))
  const all = b.op('MatMul', [own, b.op('Transpose', [others], { perm: ints([1, 0]) })])
  const [, places] = b.ops('TopK', [all, b.int64s([nearest], 'nearest')], 2, { axis: int(-1) })
  b.output('places', places!)
  return b.build()
}
