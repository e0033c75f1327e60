import { expect, it } from 'vitest'
import { packInt4, unpackInt4, unpackUint4 } from './packed-int4.ts'

it('packs two values a byte, low nibble first, and unpacks them', () => {
  const signed = Int8Array.of(-8, 7, -1, 0, 3)
  expect([...packInt4(signed)]).toEqual([0x78, 0x0f, 0x03])
  expect(unpackInt4(packInt4(signed), 5)).toEqual(signed)
  const unsigned = Uint8Array.from({ length: 16 }, (_, i) => i)
  expect(unpackUint4(packInt4(unsigned), 16)).toEqual(unsigned)
  expect(packInt4(new Int8Array())).toEqual(new Uint8Array())
})
