import { expect, it } from 'vitest'
import type { HostTensor } from '../graph/data-type.ts'
import {
  encodeFrame,
  type Frame,
  FrameReader,
  type PackedTensor,
  packTensors,
  unpackTensors,
} from './frames.ts'

const tensors: Record<string, HostTensor> = {
  odd: { dtype: 'uint8', shape: [3], data: new Uint8Array([1, 2, 3]) },
  ids: { dtype: 'int64', shape: [1, 2], data: new BigInt64Array([5n, -6n]) },
  none: { dtype: 'float32', shape: [0, 4], data: new Float32Array(0) },
  half: { dtype: 'float16', shape: [], data: new Uint16Array([0x3c00]) },
}

const bytes = (header: object, of: Record<string, HostTensor>): Uint8Array => {
  const { tensors, parts } = packTensors(of)
  return Buffer.concat(encodeFrame({ ...header, tensors }, parts))
}

const unpack = ({ header, body }: Frame) =>
  unpackTensors((header as { tensors: PackedTensor[] }).tensors, body)

it('carries tensors of every size, however the stream is cut', () => {
  const stream = Buffer.concat([
    bytes({ n: 1 }, tensors),
    bytes({ n: 2 }, {}),
    bytes({ n: 3 }, tensors),
  ])
  for (const size of [1, 7, 16, 100, stream.length]) {
    const reader = new FrameReader()
    const frames: Frame[] = []
    for (let at = 0; at < stream.length; at += size) {
      frames.push(...reader.push(stream.subarray(at, at + size)))
    }
    expect(frames.map(({ header }) => (header as { n: number }).n)).toEqual([1, 2, 3])
    expect(unpack(frames[2]!)).toEqual(tensors)
    expect(unpack(frames[1]!)).toEqual({})
  }
})

it('views the body instead of copying it', () => {
  const [frame] = new FrameReader().push(bytes({}, tensors))
  expect(unpack(frame!).ids!.data.buffer).toBe(frame!.body.buffer)
})

it('refuses a stream that carries anything else', () => {
  expect(() => new FrameReader().push(Buffer.from('Hello, this is a log line\n'))).toThrow(
    'out of step',
  )
})
