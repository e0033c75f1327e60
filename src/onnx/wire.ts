/** The few pieces of protobuf's wire format that are written and read by hand, around large data. */

/** Bytes that a varint of this value takes. */
export function varintLength(value: number): number {
  let length = 1
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) length++
  return length
}

/** Tag and length that stand before a length-delimited field. */
export function fieldHeader(field: number, length: number): Uint8Array {
  const bytes: number[] = []
  for (let rest of [field * 8 + 2, length]) {
    for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128)
    bytes.push(rest)
  }
  return Uint8Array.from(bytes)
}
