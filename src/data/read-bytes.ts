/**
 * The bytes of a data file, unpacked while they are read: `.gz` and `.br`, which Node unpacks as streams, so
 * that a file that unpacks to very much stays a stream too.
 */
import { createReadStream } from 'node:fs'
import { extname } from 'node:path'
import { pipeline, type Transform } from 'node:stream'
import { createBrotliDecompress, createGunzip } from 'node:zlib'
import { LimbeckError } from '../errors.ts'
import { checkRegular } from './regular-file.ts'

const unpackers: Readonly<Record<string, () => Transform>> = {
  gz: createGunzip,
  br: createBrotliDecompress,
}

const extension = (path: string): string => extname(path).slice(1).toLowerCase()

/** A path without the ending of its compression. */
export const unpackedName = (path: string): string =>
  Object.hasOwn(unpackers, extension(path)) ? path.slice(0, -extname(path).length) : path

/** What a file holds, by its ending: `tsv` of `dev.tsv.gz`. */
export const dataExtension = (path: string): string => extension(unpackedName(path))

/** The error of a file that cannot be read. */
export function unreadable(path: string, cause: NodeJS.ErrnoException): LimbeckError {
  const reasons: Record<string, string> = {
    ENOENT: 'it does not exist',
    EACCES: 'permission is denied',
  }
  const reason = reasons[cause.code ?? ''] ?? cause.message
  return new LimbeckError('file', `cannot read data file ${path}: ${reason}.`, { cause })
}

/** Reads a file in pieces, unpacked. @throws LimbeckError where it cannot be read or unpacked. */
export async function* readBytes(path: string): AsyncGenerator<Uint8Array> {
  await checkRegular(path)
  const file = createReadStream(path)
  const unpack = unpackers[extension(path)]
  // the callback is required; errors reach the iterator by the stream itself
  const stream = unpack ? pipeline(file, unpack(), () => {}) : file
  try {
    yield* stream as AsyncIterable<Uint8Array>
  } catch (cause) {
    throw unreadable(path, cause as NodeJS.ErrnoException)
  }
}
