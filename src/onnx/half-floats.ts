/**
 * Half floats (IEEE binary16) and bfloat16 as `Uint16Array` bit patterns, to and from float32.
 *
 * Widening half floats is one table look-up; narrowing rounds to the nearest, ties to even, on the bits.
 * NaN stays NaN (made quiet), infinities and signed zeros are kept.
 */

let table: Uint32Array | undefined

/** float32 bit patterns of all 65,536 half floats. */
function halfTable(): Uint32Array {
  if (table) return table
  table = new Uint32Array(65536)
  for (let bits = 0; bits < 65536; bits++) table[bits] = widenHalf(bits)
  return table
}

/** float32 bits of one half float. */
function widenHalf(bits: number): number {
  const sign = (bits & 0x8000) << 16
  const exponent = (bits >>> 10) & 31
  const fraction = bits & 0x3ff
  if (exponent === 31) return (sign | 0x7f800000 | (fraction << 13)) >>> 0
  if (exponent !== 0) return (sign | ((exponent + 112) << 23) | (fraction << 13)) >>> 0
  if (fraction === 0) return sign >>> 0
  // subnormal: its value is fraction × 2^-24; normalise it
  const shift = Math.clz32(fraction) - 21
  return (sign | ((113 - shift) << 23) | ((fraction << (13 + shift)) & 0x7fffff)) >>> 0
}

/** float32 bits to half float bits, to nearest even. */
export function narrowToHalf(bits: number): number {
  const sign = (bits >>> 16) & 0x8000
  const magnitude = bits & 0x7fffffff
  if (magnitude >= 0x47800000) {
    if (magnitude <= 0x7f800000) return sign | 0x7c00
    return sign | 0x7e00 | ((magnitude >>> 13) & 0x3ff)
  }
  if (magnitude >= 0x38800000) {
    return sign | ((magnitude - 0x38000000 + 0xfff + ((magnitude >>> 13) & 1)) >>> 13)
  }
  // below 2^-14: shift the fraction, its implicit bit included, to units of 2^-24
  const shift = 126 - (magnitude >>> 23)
  if (shift > 24) return sign
  const fraction = (magnitude & 0x7fffff) | 0x800000
  const half = fraction >>> shift
  const rest = fraction & ((1 << shift) - 1)
  const middle = 1 << (shift - 1)
  return sign | (half + (rest > middle || (rest === middle && half & 1) ? 1 : 0))
}

/** float32 bits to bfloat16 bits, to nearest even. */
export function narrowToBfloat(bits: number): number {
  if ((bits & 0x7fffffff) > 0x7f800000) return (bits >>> 16) | 0x40
  return ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16) & 0xffff
}

/** Half floats to float32; `into` (of at least the same length) is filled when given. */
export function halfToFloat(
  half: Uint16Array,
  into: Float32Array = new Float32Array(half.length),
): Float32Array {
  const bits = bitsOf(into)
  const wide = halfTable()
  for (let i = 0; i < half.length; i++) bits[i] = wide[half[i]!]!
  return into
}

/** bfloat16 to float32; `into` (of at least the same length) is filled when given. */
export function bfloatToFloat(
  bfloat: Uint16Array,
  into: Float32Array = new Float32Array(bfloat.length),
): Float32Array {
  const bits = bitsOf(into)
  for (let i = 0; i < bfloat.length; i++) bits[i] = bfloat[i]! << 16
  return into
}

/** float32 to half floats, to nearest even; beyond 65,504 (after rounding) is infinity. */
export function floatToHalf(float: Float32Array): Uint16Array {
  const bits = bitsOf(float)
  const half = new Uint16Array(float.length)
  for (let i = 0; i < bits.length; i++) half[i] = narrowToHalf(bits[i]!)
  return half
}

/** float32 to bfloat16, to nearest even. */
export function floatToBfloat(float: Float32Array): Uint16Array {
  const bits = bitsOf(float)
  const bfloat = new Uint16Array(float.length)
  for (let i = 0; i < bits.length; i++) bfloat[i] = narrowToBfloat(bits[i]!)
  return bfloat
}

/**
 * float64 to float32 with the last bit sticky (round to odd), so that a second, narrower rounding gives
 * what one rounding from float64 would (Boldo and Melquiond 2008).
 */
export function doubleToOddFloat(double: Float64Array): Float32Array {
  const float = Float32Array.from(double)
  const bits = bitsOf(float)
  for (let i = 0; i < float.length; i++) {
    const exact = double[i]!
    const near = float[i]!
    if (near === exact || Number.isNaN(exact)) continue
    if (Math.abs(near) > Math.abs(exact)) bits[i] = bits[i]! - 1
    bits[i] = bits[i]! | 1
  }
  return float
}

const bitsOf = (float: Float32Array): Uint32Array =>
  new Uint32Array(float.buffer, float.byteOffset, float.length)
