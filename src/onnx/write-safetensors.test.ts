import { describe, expect, it } from 'vitest'
import { casted, float32Tensor, inlineTensor, int64Tensor, type Tensor } from '../graph/tensor.ts'
import { MemorySink, memoryFiles } from './file-access.ts'
import { materialize } from './materialize.ts'
import { readSafetensors } from './read-safetensors.ts'
import { shardsOf, writeCheckpoint, writeSafetensors } from './write-safetensors.ts'

const tensors = new Map<string, Tensor>([
  ['b', float32Tensor([1, 2, 3], [3, 1])],
  ['half', casted(float32Tensor([1, -2]), 'float16')],
  ['a', float32Tensor([5])],
  ['ids', int64Tensor([7])],
  ['flags', inlineTensor('bool', [3], Uint8Array.of(1, 0, 1))],
])

describe('writeSafetensors', () => {
  it('writes what is read back, ordered by element size and name, data on 8 bytes', () => {
    const sink = new MemorySink()
    const length = writeSafetensors(tensors, sink)
    const bytes = sink.bytes()
    expect(bytes.length).toBe(length)
    const files = memoryFiles(new Map([['m', bytes]]))
    const read = readSafetensors('m', files)
    expect([...read.tensors.keys()]).toEqual(['ids', 'a', 'b', 'half', 'flags'])
    expect([...read.metadata]).toEqual([['format', 'pt']])
    expect(read.tensors.get('ids')).toMatchObject({ source: { offset: expect.any(Number) } })
    const { source } = read.tensors.get('ids')!
    expect(source.kind === 'file' && source.offset % 8).toBe(0)
    for (const [name, tensor] of tensors) {
      const back = read.tensors.get(name)!
      expect([back.dtype, back.shape]).toEqual([tensor.dtype, tensor.shape])
      expect(materialize(back, files)).toEqual(materialize(tensor))
    }
  })

  it('refuses a type the format lacks', () => {
    const int4 = inlineTensor('int4', [2], Uint8Array.of(1))
    expect(() => writeSafetensors(new Map([['w', int4]]), new MemorySink())).toThrow(
      "Tensor 'w': safetensors has no element type int4.",
    )
  })
})

describe('writeCheckpoint', () => {
  it('cuts shards by size and writes their index', () => {
    expect(shardsOf(tensors).map(({ name }) => name)).toEqual(['model.safetensors'])
    const sinks = new Map<string, MemorySink>()
    const open = (name: string): MemorySink => {
      const sink = new MemorySink()
      sinks.set(name, sink)
      return sink
    }
    writeCheckpoint(tensors, open, { maxShardBytes: 10 })
    expect([...sinks.keys()]).toEqual([
      'model-00001-of-00004.safetensors',
      'model-00002-of-00004.safetensors',
      'model-00003-of-00004.safetensors',
      'model-00004-of-00004.safetensors',
      'model.safetensors.index.json',
    ])
    const files = memoryFiles(
      new Map([...sinks].map(([name, sink]) => [`./${name}`, sink.bytes()])),
    )
    const read = readSafetensors('./model.safetensors.index.json', files)
    expect([...read.tensors.keys()].sort()).toEqual([...tensors.keys()].sort())
    expect(materialize(read.tensors.get('b')!, files)).toEqual(materialize(tensors.get('b')!))
  })
})
