import { expect, it } from 'vitest'
import { hostArray } from '../graph/data-type.ts'
import { inlineTensor } from '../graph/tensor.ts'
import { buildModel } from '../models/build-model.ts'
import { materialize } from '../onnx/materialize.ts'
import { type Matrix, matrix, product, scaleColumns, trace, turned } from '../stats/matrix.ts'
import { normalFrom, randomFrom } from '../stats/random.ts'
import { svd } from '../stats/svd.ts'
import { narrowedProduct } from './narrow-heads.ts'
import { normFactor, principalState, slicedState } from './narrow-state.ts'
import { type Narrower, narrowTeacher } from './narrow-teacher.ts'
import { basisOf } from './narrowing.ts'

const normal = normalFrom(randomFrom(7))
const drawn = (rows: number, columns: number): Matrix =>
  matrix(rows, columns, Float64Array.from({ length: rows * columns }, normal))
const farthest = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Math.max(...Array.from(a, (value, i) => Math.abs(value - b[i]!)))
const unit = (size: number) => basisOf({ places: [...Array(size).keys()] }, size)

/** Second moments with this energy along (1, …, 1) and along directions orthogonal to it. */
function momentsOf(mean: number, others: readonly number[]): Matrix {
  const size = others.length + 1
  const columns = drawn(size, size)
  for (let row = 0; row < size; row++) columns.values[row * size] = 1 / Math.sqrt(size)
  // Gram and Schmidt by the QR decomposition's definition, the first column as it is
  for (let j = 1; j < size; j++) {
    const at = (row: number, column: number) => columns.values[row * size + column]!
    for (const _ of [1, 2]) {
      for (let k = 0; k < j; k++) {
        let share = 0
        for (let row = 0; row < size; row++) share += at(row, j) * at(row, k)
        for (let row = 0; row < size; row++) columns.values[row * size + j]! -= share * at(row, k)
      }
    }
    const length = Math.hypot(...Array.from({ length: size }, (_, row) => at(row, j)))
    for (let row = 0; row < size; row++) columns.values[row * size + j]! /= length
  }
  return product(scaleColumns(columns, [mean, ...others]), turned(columns))
}

it('a principal basis loses the tail of the spectrum, and no mean', () => {
  const moments = momentsOf(0.3, [9, 0.01, 4, 1, 0.05, 2, 0.02])
  const basis = basisOf(principalState(moments, 4), 8)
  expect(farthest(product(turned(basis), basis).values, unit(4).values)).toBeLessThan(1e-12)
  const kept = trace(product(turned(basis), product(moments, basis)))
  expect(trace(moments) - kept).toBeCloseTo(1 + 0.05 + 0.02 + 0.01, 10)
  // the mean of a narrow state is that of the wide one, as norms take it
  const state = drawn(1, 8)
  const sum = ({ values }: Matrix) => values[0]! + [...values].slice(1).reduce((a, b) => a + b, 0)
  expect(sum(product(state, basis)) / Math.sqrt(4)).toBeCloseTo(sum(state) / Math.sqrt(8), 12)
  // energy 15 of 16.08 outside the mean, on 4 of 8 places
  expect(normFactor(moments, { basis })).toBeCloseTo(Math.sqrt((15 / 16.08) * 2), 10)
})

it('a basis of full width is the identity', () => {
  const moments = momentsOf(2, [9, 0.01, 4, 1, 0.05])
  expect(farthest(basisOf(principalState(moments, 6), 6).values, unit(6).values)).toBeLessThan(
    1e-12,
  )
  expect(slicedState(moments, 6)).toEqual({ places: [0, 1, 2, 3, 4, 5] })
})

it('products are approximated as well as their rank allows (Eckart and Young)', () => {
  const [x, y] = [momentsOf(1, [3, 0.5, 2]), momentsOf(0.2, [5, 1, 0.7])]
  const root = ({ u, values }: ReturnType<typeof svd>) =>
    product(scaleColumns(u, values.map(Math.sqrt)), turned(u))
  const [first, second] = [root(svd(x)), root(svd(y))]
  const { values } = svd(product(first, second))
  for (const rank of [1, 2, 4]) {
    const { left, right } = narrowedProduct(x, y, rank)
    const kept = product(first, product(product(left, turned(right)), second))
    const lost = Float64Array.from(
      product(first, second).values,
      (value, i) => value - kept.values[i]!,
    )
    const tail = values.slice(rank).reduce((sum, value) => sum + value ** 2, 0)
    expect(lost.reduce((sum, value) => sum + value ** 2, 0)).toBeCloseTo(tail, 10)
    if (rank === 4)
      expect(farthest(product(left, turned(right)).values, unit(4).values)).toBeLessThan(1e-9)
  }
})

const config = (hidden: number, heads: number) => ({
  file: 'config.json',
  json: {
    ...{ model_type: 'bert', architectures: ['BertForSequenceClassification'], pad_token_id: 0 },
    ...{ hidden_size: hidden, num_attention_heads: heads, intermediate_size: 2 * hidden },
    ...{ num_hidden_layers: 3, vocab_size: 9, max_position_embeddings: 5, type_vocab_size: 2 },
  },
})
const make = (_: string, shape: readonly number[]) => {
  const length = shape.reduce((count, dim) => count * dim, 1)
  return inlineTensor('float32', shape, Float32Array.from({ length }, normal))
}

it.each([
  'svd',
  'slice',
] as const)('%s: a student of the teacher’s sizes is its teacher', async (how) => {
  const teacher = buildModel({
    config: config(8, 2),
    checkpoint: { file: 'made up', tensors: new Map(), make, makesBase: true },
  })
  const narrowed = await narrowedBy(teacher, teacher.dims, [0, 1, 2], how)
  for (const { parameter, tensor } of teacher.graph.weights.values()) {
    if (!parameter) continue
    const own = narrowed.get(parameter.name)!
    expect(own.shape).toEqual(tensor.shape)
    const [a, b] = [own, tensor].map((each) => hostArray('float32', materialize(each)))
    expect(farthest(a as Float32Array, b as Float32Array), parameter.name).toBeLessThan(1e-6)
  }
})

it.each([
  ['svd', 4, 1],
  ['slice', 4, 1],
  // narrower heads
  ['svd', 4, 2],
  ['slice', 4, 2],
] as const)('%s: a student of %i, %i heads, is built from what it gives', async (how, hidden, heads) => {
  const checkpoint = { file: 'made up', tensors: new Map(), make, makesBase: true }
  const teacher = buildModel({ config: config(8, 2), checkpoint })
  const { json } = config(hidden, heads)
  const small = { file: '', json: { ...json, num_hidden_layers: 2 } }
  const student = buildModel({ config: small, checkpoint })
  const tensors = await narrowedBy(teacher, student.dims, [0, 2], how)
  const built = buildModel({ config: small, checkpoint: { file: 'narrowed', tensors } })
  expect(built.graph.weights.size).toBe(student.graph.weights.size)
  for (const tensor of tensors.values()) {
    expect(hostArray('float32', materialize(tensor)).every(Number.isFinite)).toBe(true)
  }
})

function narrowedBy(
  { graph, dims }: ReturnType<typeof buildModel>,
  student: typeof dims,
  layers: readonly number[],
  how: Narrower,
) {
  const gram = (size: number) => {
    const a = drawn(3 * size, size)
    return product(turned(a), a)
  }
  const each = () => ({
    context: gram(8),
    inner: Float64Array.from({ length: 16 }, () => Math.abs(normal())),
  })
  const moments = {
    state: gram(8),
    layers: new Map(layers.map((layer) => [layer, each()])),
    pooled: Float64Array.from({ length: 8 }, () => Math.abs(normal())),
  }
  return narrowTeacher(graph, {
    ...{ how, layers, teacher: dims, student, moments, read: (tensor) => materialize(tensor) },
  })
}
