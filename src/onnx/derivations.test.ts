import { describe, expect, it } from 'vitest'
import { cpuClock } from '../../test/support/cpu-time.ts'
import { bytesOf, type DataType, type HostArray, hostArray } from '../graph/data-type.ts'
import {
  casted,
  derive,
  inlineTensor,
  reshaped,
  type Tensor,
  tensorSize,
  transposed,
} from '../graph/tensor.ts'
import { randomFrom } from '../stats/random.ts'
import { concatenated, sliced } from './derivations.ts'
import { type FileAccess, MemorySink, memoryFiles } from './file-access.ts'
import { CHUNK_ELEMENTS } from './float-chunks.ts'
import { floatToBfloat, floatToHalf, halfToFloat } from './half-floats.ts'
import { materialize, tensorReader } from './materialize.ts'
import { quantizedWeight } from './quantize-weight.ts'
import { normalizedRows, projectedRows, scaledRows } from './row-derivations.ts'

const values = (tensor: Tensor, files?: FileAccess): HostArray =>
  hostArray(tensor.dtype, materialize(tensor, files))
/** `toEqual` takes seconds over a million elements. */
const same = (a: HostArray, b: HostArray): boolean =>
  a.length === b.length && a.every((item: number | bigint, i: number) => item === b[i])
const floats = (shape: number[], data: number[]) =>
  inlineTensor('float32', shape, Float32Array.from(data))
const counting = (shape: number[]): Tensor =>
  inlineTensor(
    'int32',
    shape,
    Int32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => i),
  )

/** A random float matrix in a file, as half floats or float32. */
function inFile(rows: number, columns: number, dtype: 'float16' | 'float32'): [Tensor, FileAccess] {
  const random = randomFrom(rows + columns)
  const data = Float32Array.from({ length: rows * columns }, () => random.uniform() - 0.5)
  const bytes = bytesOf(dtype === 'float16' ? floatToHalf(data) : data)
  const padded = new Uint8Array(bytes.length + 3)
  padded.set(bytes, 3)
  const source = { kind: 'file', path: 'w', offset: 3, length: bytes.length } as const
  return [{ dtype, shape: [rows, columns], source }, memoryFiles(new Map([['w', padded]]))]
}

describe('computing on rows', () => {
  const rows = floats([5, 2], [1, 3, 2, 2, -4, 4, 0, 10, 7, 5])

  it('normalizes each row, scales and shifts it', () => {
    const scale = floats([2], [2, 3])
    const shift = floats([2], [10, 20])
    const found = [...values(normalizedRows(rows, scale, shift, 0.75))].map(Number)
    // (1 − 2) / √(1 + 0.75) = −0.7559
    const expected = [10 - 2 * 0.755929, 20 + 3 * 0.755929, 10, 20]
    for (const [i, value] of expected.entries()) expect(found[i]).toBeCloseTo(value, 5)
    expect(found).toHaveLength(10)
    expect(Number(values(normalizedRows(rows, scale, undefined, 0.75))[0])).toBeCloseTo(
      -1.511858,
      5,
    )
  })

  it('projects every row, also those that are no multiple of four', () => {
    const weight = floats([3, 2], [1, 0, 0, 1, 2, -1])
    const bias = floats([3], [0, 100, 0])
    expect([...values(projectedRows(rows, weight, bias, 0.5))]).toEqual(
      [
        [1, 3],
        [2, 2],
        [-4, 4],
        [0, 10],
        [7, 5],
      ].flatMap(([a, b]) => [a!, b! + 100, 2 * a! - b!].map((value) => value / 2)),
    )
    expect([...values(projectedRows(rows, weight, undefined))].slice(0, 3)).toEqual([1, 3, -1])
  })

  it('scales rows and shifts them', () => {
    const matrix = floats([2, 3], [1, 2, 3, 4, 5, 6])
    const [scale, shift] = [floats([2], [10, -1]), floats([2], [0.5, 1])]
    expect([...values(scaledRows(matrix, scale, shift))]).toEqual([10.5, 20.5, 30.5, -3, -4, -5])
    expect([...values(scaledRows(scale, scale))]).toEqual([100, 1])
  })
})

describe('moving elements', () => {
  it('transposes matrices of every word size, larger than a tile', () => {
    for (const dtype of ['int8', 'float16', 'float32', 'int64'] as const) {
      const matrix = casted(counting([37, 70]), dtype)
      const turned = values(transposed(matrix, [1, 0]))
      const straight = values(matrix)
      expect(turned[5 * 37 + 36]).toEqual(straight[36 * 70 + 5])
      expect(values(transposed(transposed(matrix, [1, 0]), [1, 0]))).toEqual(straight)
    }
  })

  it('permutes any axes', () => {
    const tensor = counting([2, 3, 4])
    expect([...values(transposed(tensor, [2, 0, 1]))]).toEqual(
      [0, 1, 2, 3].flatMap((k) => [0, 1].flatMap((i) => [0, 1, 2].map((j) => i * 12 + j * 4 + k))),
    )
    expect([...values(transposed(counting([1, 3, 2]), [1, 0, 2]))]).toEqual([0, 1, 2, 3, 4, 5])
    expect([...values(transposed(counting([2, 1, 2]), [2, 1, 0]))]).toEqual([0, 2, 1, 3])
  })

  it('concatenates, slices and reshapes', () => {
    const a = counting([2, 2])
    const joined = concatenated([a, counting([2, 1])], 1)
    expect(joined.shape).toEqual([2, 3])
    expect([...values(joined)]).toEqual([0, 1, 0, 2, 3, 1])
    expect([...values(concatenated([a, a], 0))]).toEqual([0, 1, 2, 3, 0, 1, 2, 3])
    expect([...values(sliced(counting([3, 4]), [1, 1], [2, 2]))]).toEqual([5, 6, 9, 10])
    const stepped = derive('slice', [counting([5])], 'int32', [2], { starts: [4], steps: [-2] })
    expect([...values(stepped)]).toEqual([4, 2])
    expect([...values(reshaped(transposed(a, [1, 0]), [4]))]).toEqual([0, 2, 1, 3])
    expect([...values(sliced(counting([3, 4]), [0, 0], [0, 4]))]).toEqual([])
  })
})

describe('cast', () => {
  it.each([
    ['int64', [-2n, 0n, 3n]],
    ['int32', [-2, 0, 3]],
    ['uint8', [254, 0, 3]],
    ['bool', [1, 0, 1]],
    ['float64', [-2.5, 0, 3.9000000953674316]],
    ['bfloat16', [...floatToBfloat(Float32Array.of(-2.5, 0, 3.9))]],
    ['int4', [0x0e, 0x03]],
  ] as [DataType, unknown[]][])('float32 to %s', (dtype, expected) => {
    expect([...values(casted(floats([3], [-2.5, 0, 3.9]), dtype))]).toEqual(expected)
  })

  it('keeps 64-bit integers whole, and gives 0 for NaN', () => {
    const wide = inlineTensor('int64', [1], BigInt64Array.of(2n ** 60n + 1n))
    expect(values(casted(wide, 'uint64'))[0]).toBe(2n ** 60n + 1n)
    expect(values(casted(floats([1], [Number.NaN]), 'int64'))[0]).toBe(0n)
    expect(values(casted(inlineTensor('int4', [3], Uint8Array.of(0x8f, 0x07)), 'float32'))).toEqual(
      Float32Array.of(-1, -8, 7),
    )
  })

  it('streams a file of half floats, through reshapes', () => {
    const [half, files] = inFile(3, CHUNK_ELEMENTS / 2 + 11, 'float16')
    const wide = reshaped(casted(half, 'float32'), [tensorSize(half)])
    const expected = halfToFloat(values(half, files) as Uint16Array)
    expect(same(values(wide, files), expected)).toBe(true)
    const sink = new MemorySink()
    tensorReader(files).stream(casted(half, 'float32'), sink)
    expect(same(sink.bytes(), bytesOf(expected))).toBe(true)
  })
})

describe('quantizeWeight', () => {
  /** QuantizeLinear's definition, which divides in single precision, one element after the other. */
  function reference(
    w: Float32Array,
    [rows, columns]: [number, number],
    axis: number,
    bits: number,
  ) {
    const levels = bits === 7 ? 64 : 127
    const channel = (i: number) => [0, Math.floor(i / columns), i % columns][axis + 1]!
    const scales = new Float32Array(axis < 0 ? 1 : [rows, columns][axis]!)
    w.forEach((x, i) => {
      scales[channel(i)] = Math.max(scales[channel(i)]!, Math.abs(x))
    })
    scales.forEach((x, c) => {
      scales[c] = x === 0 ? 1 : x / levels
    })
    const even = (x: number) => {
      const low = Math.floor(x)
      return x - low === 0.5 ? low + (low % 2 === 0 ? 0 : 1) : Math.round(x)
    }
    return {
      scales,
      codes: Int8Array.from(w, (x, i) => even(Math.fround(x / scales[channel(i)]!))),
    }
  }

  it.each([
    ['float32', false, 1, 8],
    ['float32', true, 1, 8],
    ['float16', true, 1, 7],
    ['float16', true, 0, 8],
    ['float16', false, 0, 7],
    ['float32', true, -1, 8],
  ] as const)('%s, transposed %s, axis %i, %i bits', (dtype, turn, axis, bits) => {
    const [file, files] = inFile(451, 1203, dtype)
    const wide = casted(file, 'float32')
    const weight = turn ? transposed(wide, [1, 0]) : wide
    const { codes, scales } = quantizedWeight(weight, axis, bits)
    const w = values(weight, files) as Float32Array
    const expected = reference(w, weight.shape as [number, number], axis, bits)
    expect(scales.shape).toEqual(axis < 0 ? [] : [weight.shape[axis]])
    expect(values(scales, files)).toEqual(expected.scales)
    expect(same(values(codes, files), expected.codes)).toBe(true)
  })

  it('rounds to even, gives a column of zeros codes 0 and scale 1, and never NaN', () => {
    const tiny = 2 ** -140
    const w = floats(
      [4, 4],
      [127, 0, tiny, 2.5, 2.5, -0, tiny, 127, 3.5, 0, 0, -3.5, -127, 0, 0, 0],
    )
    const { codes, scales } = quantizedWeight(w, 1, 8)
    expect([...values(scales)]).toEqual([1, 1, 1, 1])
    expect([...values(codes)]).toEqual([127, 0, 0, 2, 2, 0, 0, 127, 4, 0, 0, -4, -127, 0, 0, 0])
    const infinite = quantizedWeight(floats([1], [Number.POSITIVE_INFINITY]), -1, 8)
    expect(() => values(infinite.scales)).toThrow('holds infinity')
  })

  it('quantizes 11 million half floats in a file, transposed, well under 200 ms on an idle core', () => {
    const [half, files] = inFile(3072, 3600, 'float16')
    const { codes, scales } = quantizedWeight(transposed(casted(half, 'float32'), [1, 0]), 1, 8)
    const spent = cpuClock()
    materialize(scales, files)
    materialize(codes, files)
    expect(spent()).toBeLessThan(800)
  })
})

it('says what is wrong with a tensor whose place does not fit', () => {
  const files = memoryFiles(new Map([['w', new Uint8Array(10)]]))
  const at = (offset: number, length: number): Tensor => ({
    dtype: 'float32',
    shape: [2],
    source: { kind: 'file', path: 'w', offset, length },
  })
  expect(() => materialize(at(0, 4), files)).toThrow(
    'w: float32[2] at byte 0: expected 8 bytes, got 4.',
  )
  expect(() => materialize(at(4, 8), files)).toThrow('w: expected at least 12 bytes, got 10.')
})
