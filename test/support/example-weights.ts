/** The example's weights with some of them set, so that a test knows what must go wrong. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { example } from './command.ts'

/** 30 as a half float. */
export const THIRTY = 0x4f80

interface Entry {
  readonly dtype: string
  readonly shape: number[]
  readonly data_offsets: [number, number]
}

/** Sets the half floats that `which` names by row and column, of the tensor whose name ends so. */
export type SetHalves = (
  name: string,
  bits: number,
  which: (row: number, column: number) => boolean,
) => void

/** The file `model.safetensors`, changed. */
export function exampleWith(change: (set: SetHalves) => void): Uint8Array {
  const bytes = Uint8Array.from(readFileSync(join(example, 'model.safetensors')))
  const length = Number(new DataView(bytes.buffer).getBigUint64(0, true))
  const text = new TextDecoder().decode(bytes.subarray(8, 8 + length))
  const header = JSON.parse(text) as Record<string, Entry>
  change((name, bits, which) => {
    const key = Object.keys(header).find((each) => each.endsWith(name))!
    const { dtype, shape, data_offsets: offsets } = header[key]!
    expect(dtype).toBe('F16')
    const columns = shape[1] ?? 1
    const view = new DataView(bytes.buffer, 8 + length + offsets[0], offsets[1] - offsets[0])
    for (let i = 0; i < view.byteLength / 2; i++) {
      if (which(Math.floor(i / columns), i % columns)) view.setUint16(2 * i, bits, true)
    }
  })
  return bytes
}
