/** How Parquet pages are unpacked: hyparquet-compressors' codecs, which do not know pages of nothing. */
import type { Compressors } from 'hyparquet'
import { compressors, decompressZstd } from 'hyparquet-compressors'

const codecs: Compressors = {
  ...compressors,
  // into room of the size that the page says, so that a small page cannot become a large one
  ZSTD: (bytes, length) => decompressZstd(bytes, new Uint8Array(length)),
}

/** Unpacks a page of each codec. */
export const parquetCodecs: Compressors = Object.fromEntries(
  Object.entries(codecs).map(([codec, unpack]) => [
    codec,
    // a page that holds nulls alone has no values, but some codecs still write an end mark
    (bytes: Uint8Array, length: number) =>
      length === 0 ? new Uint8Array(0) : unpack(bytes, length),
  ]),
)
