/**
 * Seeded damage that knows the framing of protobuf and safetensors: lengths that lie, numbers out of
 * range, fields of another kind, messages within themselves.
 * Source: https://protobuf.dev/programming-guides/encoding/.
 */
import type { Random } from '../../src/stats/random.ts'
import { interesting, joinBytes, type Mutate, pick } from './mutate-bytes.ts'
import { mutateJson } from './mutate-text.ts'

interface Field {
  readonly start: number
  /** Where its number or length begins, after the tag. */
  readonly value: number
  /** Where its payload begins: the end of the length, or the value itself. */
  readonly payload: number
  readonly end: number
  readonly wire: number
  readonly depth: number
}

/** The fields of a message, and of those of its payloads that read as messages. */
function fieldsOf(bytes: Uint8Array, from = 0, to = bytes.length, depth = 0): Field[] | undefined {
  const fields: Field[] = []
  let at = from
  const varint = (): number | undefined => {
    let value = 0
    for (let scale = 1; at < to; scale *= 128) {
      const byte = bytes[at++]!
      value += (byte & 127) * scale
      if (byte < 128) return value
    }
    return undefined
  }
  while (at < to) {
    const start = at
    const tag = varint()
    const wire = tag === undefined ? 7 : tag & 7
    const value = at
    if (tag === undefined || tag < 8) return undefined
    const length = wire === 0 || wire === 2 ? varint() : { 1: 8, 5: 4 }[wire]
    if (length === undefined) return undefined
    const payload = wire === 2 ? at : value
    const end = wire === 0 ? at : payload + length
    if (end > to) return undefined
    fields.push({ start, value, payload, end, wire, depth })
    if (wire === 2 && depth < 12) fields.push(...(fieldsOf(bytes, payload, end, depth + 1) ?? []))
    at = end
  }
  return fields
}

const lengthOf = (length: number): number[] => {
  const bytes: number[] = []
  for (; length > 127; length = Math.floor(length / 128)) bytes.push((length & 127) | 128)
  return [...bytes, length]
}

/** `bytes` with one part replaced, and every length around it made right again. */
function replaced(
  bytes: Uint8Array,
  fields: readonly Field[],
  from: number,
  to: number,
  by: ArrayLike<number>,
): Uint8Array {
  let middle = Uint8Array.from(by)
  let [start, end] = [from, to]
  const around = fields.filter(
    (f) => f.wire === 2 && f.payload <= from && f.end >= to && f.start < from,
  )
  for (const field of around.sort((a, b) => b.depth - a.depth)) {
    const payload = joinBytes(
      bytes.subarray(field.payload, start),
      middle,
      bytes.subarray(end, field.end),
    )
    middle = joinBytes(lengthOf(payload.length), payload) as Uint8Array<ArrayBuffer>
    start = field.value
    end = field.end
  }
  return joinBytes(bytes.subarray(0, start), middle, bytes.subarray(end))
}

type Change = (
  bytes: Uint8Array,
  fields: readonly Field[],
  field: Field,
  random: Random,
) => Uint8Array

const changes: readonly Change[] = [
  // another number, the messages around it intact
  (bytes, fields, f, random) =>
    replaced(bytes, fields, f.value, f.wire === 2 ? f.payload : f.end, pick(interesting, random)),
  (bytes, fields, f, random) =>
    f.wire === 2
      ? replaced(bytes, fields, f.payload, f.payload, pick(interesting, random))
      : replaced(bytes, fields, f.value, f.end, pick(interesting, random)),
  // another field number or wire type
  (bytes, _, f, random) => {
    const copy = Uint8Array.from(bytes)
    copy[f.start] = random.below(256)
    return copy
  },
  // again, many times, gone
  (bytes, fields, f) => replaced(bytes, fields, f.end, f.end, bytes.subarray(f.start, f.end)),
  (bytes, fields, f, random) => {
    const one = bytes.subarray(f.start, f.end)
    const times = Math.min(1 + random.below(200), Math.floor(50_000 / Math.max(1, one.length)))
    const all = joinBytes(...Array.from({ length: times }, () => one))
    return replaced(bytes, fields, f.end, f.end, all)
  },
  (bytes, fields, f) => replaced(bytes, fields, f.start, f.end, []),
  // a message within another: its payload becomes one of elsewhere
  (bytes, fields, f, random) => {
    const source = pick(fields, random)
    return replaced(bytes, fields, f.payload, f.end, bytes.subarray(source.payload, source.end))
  },
  (bytes, fields, f, random) => {
    const source = pick(fields, random)
    return replaced(bytes, fields, f.end, f.end, bytes.subarray(source.start, source.end))
  },
]

/** A protobuf message with one to three fields changed. */
export const mutateProtobuf: Mutate = (seed, _, random) => {
  let bytes = seed
  for (let left = 1 + random.below(3); left > 0; left--) {
    const fields = fieldsOf(bytes)
    if (!fields || fields.length === 0) return bytes
    bytes = pick(changes, random)(bytes, fields, pick(fields, random), random)
  }
  return bytes
}

/** A safetensors file whose header is changed as JSON, its length right or a lie. */
export const mutateSafetensors: Mutate = (seed, other, random) => {
  const length = Number(new DataView(seed.buffer, seed.byteOffset).getBigUint64(0, true))
  const header = mutateJson(seed.subarray(8, 8 + length), other, random)
  const stated = new Uint8Array(8)
  const lie = random.below(8) === 0 ? BigInt(random.below(2 ** 32)) ** 2n : BigInt(header.length)
  new DataView(stated.buffer).setBigUint64(0, lie, true)
  return joinBytes(stated, header, seed.subarray(8 + length))
}
