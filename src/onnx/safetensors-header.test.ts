import { describe, expect, it } from 'vitest'
import { LimbeckError } from '../errors.ts'
import { memoryFiles } from './file-access.ts'
import { readSafetensors } from './read-safetensors.ts'

/** A file with this header and `data` zero bytes behind it. */
function fileOf(header: unknown, data: number): Uint8Array {
  const json = new TextEncoder().encode(
    typeof header === 'string' ? header : JSON.stringify(header),
  )
  const bytes = new Uint8Array(8 + json.length + data)
  new DataView(bytes.buffer).setBigUint64(0, BigInt(json.length), true)
  bytes.set(json, 8)
  return bytes
}

const read = (bytes: Uint8Array) => readSafetensors('a', memoryFiles(new Map([['a', bytes]])))
const w = (begin: number, end: number, shape = [2], dtype = 'F32') => ({
  dtype,
  shape,
  data_offsets: [begin, end],
})

describe('readSafetensors', () => {
  it('gives references in the order of the data, and the metadata', () => {
    const header = { __metadata__: { format: 'pt' }, b: w(8, 16), a: w(0, 8), c: w(16, 16, [0]) }
    const bytes = fileOf(header, 16)
    const { tensors, metadata } = read(bytes)
    expect([...tensors.keys()]).toEqual(['a', 'b', 'c'])
    expect(tensors.get('b')).toEqual({
      dtype: 'float32',
      shape: [2],
      source: { kind: 'file', path: 'a', offset: bytes.length - 8, length: 8 },
    })
    expect([...metadata]).toEqual([['format', 'pt']])
  })

  it.each([
    ['a truncated file', fileOf({ a: w(0, 8) }, 7), "tensor 'a' ends at byte 8 of 7 bytes of data"],
    [
      'bytes behind the data',
      fileOf({ a: w(0, 8) }, 9),
      'cover 8 bytes, but 9 bytes of data follow',
    ],
    ['an overlap', fileOf({ a: w(0, 8), b: w(4, 12) }, 12), "tensor 'b' overlaps"],
    ['a hole', fileOf({ a: w(0, 8), b: w(12, 20) }, 20), "tensor 'b' leaves a hole"],
    [
      'a size that lies',
      fileOf({ a: w(0, 8, [3]) }, 8),
      "a: tensor 'a': F32[3] needs 12 bytes, but its offsets span 8.",
    ],
    ['an unknown type', fileOf({ a: w(0, 8, [2], 'Q4') }, 8), "got 'Q4'"],
    ['a negative size', fileOf({ a: w(0, 8, [-2]) }, 8), 'its shape is no list of sizes'],
    ['swapped offsets', fileOf({ a: w(8, 0) }, 8), 'expected data_offsets [begin, end], got [8,0]'],
    ['no object', fileOf('[]', 0), 'expected a JSON object'],
    ['no JSON', fileOf('{', 0), 'its header is no JSON'],
    ['too few bytes', new Uint8Array(4), 'expected a safetensors file, got 4 bytes'],
    ['a header longer than the file', Uint8Array.of(9, 0, 0, 0, 0, 0, 0, 0), 'ends at byte 17'],
    ['a huge header', new Uint8Array(8).fill(255), 'at most 100000000 bytes'],
  ])('refuses %s', (_, bytes, message) => {
    expect(() => read(bytes)).toThrow(LimbeckError)
    expect(() => read(bytes)).toThrow(message)
  })
})

describe('a sharded checkpoint', () => {
  const shard = fileOf({ a: w(0, 8) }, 8)
  const index = (map: unknown) => new TextEncoder().encode(JSON.stringify({ weight_map: map }))
  const readAll = (map: unknown) =>
    readSafetensors(
      'm/x.index.json',
      memoryFiles(
        new Map([
          ['m/x.index.json', index(map)],
          ['m/1.safetensors', shard],
        ]),
      ),
    )

  it('gives the tensors of its shards', () => {
    expect(readAll({ a: '1.safetensors' }).tensors.get('a')?.source).toMatchObject({
      path: 'm/1.safetensors',
    })
  })

  it.each([
    [{ a: '../1.safetensors' }, "tensor 'a': expected a file in the same folder, got '../1.saf"],
    [{ a: '/1.safetensors' }, 'expected a file in the same folder'],
    [{ a: '2.safetensors' }, 'm/x.index.json: its shard 2.safetensors is missing.'],
    [{ b: '1.safetensors' }, "tensor 'b' is not in its shard 1.safetensors"],
    [{ a: 1 }, "expected 'weight_map' from tensor to file names"],
  ])('refuses %j', (map, message) => {
    expect(() => readAll(map)).toThrow(message)
  })
})
