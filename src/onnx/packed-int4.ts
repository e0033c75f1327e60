/** Packed 4-bit integers: two values a byte, low nibble first, as ONNX stores `int4` and `uint4`. */

/** Packs values (−8..7 or 0..15; the low four bits of each count); an odd last one gets a zero beside it. */
export function packInt4(values: Int8Array | Uint8Array): Uint8Array {
  const packed = new Uint8Array((values.length + 1) >>> 1)
  const pairs = values.length >>> 1
  for (let i = 0; i < pairs; i++) {
    packed[i] = (values[2 * i]! & 15) | ((values[2 * i + 1]! & 15) << 4)
  }
  if (values.length & 1) packed[pairs] = values[values.length - 1]! & 15
  return packed
}

/** Unpacks `count` signed values (−8..7). */
export function unpackInt4(packed: Uint8Array, count: number): Int8Array {
  const values = new Int8Array(count)
  for (let i = 0; i < count; i++) values[i] = (packed[i >>> 1]! << (i & 1 ? 24 : 28)) >> 28
  return values
}

/** Unpacks `count` unsigned values (0..15). */
export function unpackUint4(packed: Uint8Array, count: number): Uint8Array {
  const values = new Uint8Array(count)
  for (let i = 0; i < count; i++) values[i] = (packed[i >>> 1]! >>> (i & 1 ? 4 : 0)) & 15
  return values
}
