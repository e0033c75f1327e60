/**
 * Dense elements as machine words, for moving them without looking at what they mean.
 */
import { invariant } from '../errors.ts'
import { type DataType, dataTypes } from '../graph/data-type.ts'

/** Elements as unsigned words of their size. */
export type Words = Uint8Array | Uint16Array | Uint32Array | BigUint64Array

const wordArrays = { 8: Uint8Array, 16: Uint16Array, 32: Uint32Array, 64: BigUint64Array } as const

/** Views the elements of `dtype` as words; copies only when the bytes are not aligned. */
export function wordsOf(dtype: DataType, bytes: Uint8Array): Words {
  const { bits } = dataTypes[dtype]
  const Type = wordArrays[bits as keyof typeof wordArrays]
  invariant(Type, `elements of ${dtype} cannot be moved one by one`)
  const size = bits / 8
  const aligned = bytes.byteOffset % size === 0 ? bytes : new Uint8Array(bytes)
  return new Type(aligned.buffer as ArrayBuffer, aligned.byteOffset, aligned.byteLength / size)
}

/** `count` zero words of the size of `dtype`. */
export const newWords = (dtype: DataType, count: number): Words =>
  wordsOf(dtype, new Uint8Array((count * dataTypes[dtype].bits) / 8))

/** The bytes behind words. */
export const wordBytes = (words: Words): Uint8Array =>
  new Uint8Array(words.buffer as ArrayBuffer, words.byteOffset, words.byteLength)
