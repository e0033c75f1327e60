/**
 * One file of the Hub into the cache: asked for in one stream, from where an earlier attempt ended; checked
 * against its size and hash; flushed and renamed. A blob of the cache is therefore whole or not there.
 *
 * What has come so far stands in `<etag>.limbeck.incomplete` and survives Ctrl-C and crashes.
 */
import { createHash } from 'node:crypto'
import { createReadStream, mkdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { LimbeckError } from '../errors.ts'
import type { HubFile } from './hub-listing.ts'
import { refusal } from './hub-refusal.ts'
import { type Answer, type Hub, hubGet, PassingFailure, retrying } from './hub-request.ts'
import { fileError } from './node-files.ts'

/** A file to fetch. */
export interface Transfer {
  readonly id: string
  readonly commit: string
  readonly file: HubFile
  /** Where its content goes. */
  readonly blob: string
  /** Told how many bytes of the file are here. */
  readonly onBytes: (bytes: number) => void
}

/** What an earlier attempt left of a blob; bytes. */
export const bytesHere = (blob: string): number => sizeOf(partialOf(blob))

const partialOf = (blob: string): string => `${blob}.limbeck.incomplete`
const sizeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0

/** No file needs more requests, however little each brings. */
const MOST_REQUESTS = 100

/** Fetches a file. @throws LimbeckError naming it; what came so far is then kept, unless it is wrong. */
export async function transfer(hub: Hub, one: Transfer): Promise<void> {
  const { blob, file } = one
  const partial = partialOf(blob)
  const resumed = sizeOf(partial) > 0
  try {
    mkdirSync(dirname(blob), { recursive: true })
    await fetchAll(hub, one, partial)
    if (!(await isIntact(hub, partial, file)) && resumed) {
      // what lay here may have been another's: once more from the start
      rmSync(partial)
      await fetchAll(hub, one, partial)
    }
    if (!(await isIntact(hub, partial, file))) {
      rmSync(partial)
      throw wrong(one, `its bytes do not have the hash that was announced (${file.etag})`)
    }
    renameSync(partial, blob)
  } catch (error) {
    if (error instanceof Error && 'syscall' in error) throw fileError(partial, error)
    throw error
  }
}

async function fetchAll(hub: Hub, one: Transfer, partial: string): Promise<void> {
  const validators = new Map<string, string>()
  let requests = 0
  await retrying(hub, async (progressed) => {
    if (++requests > MOST_REQUESTS) throw wrong(one, `it takes more than ${MOST_REQUESTS} requests`)
    const before = sizeOf(partial)
    try {
      await fetchRest(hub, one, partial, validators)
    } finally {
      if (sizeOf(partial) > before) progressed()
    }
  })
}

/** Asks for what is missing, and appends it. */
async function fetchRest(
  hub: Hub,
  one: Transfer,
  partial: string,
  validators: Map<string, string>,
): Promise<void> {
  const { id, commit, file, onBytes } = one
  if (sizeOf(partial) > file.size) rmSync(partial)
  const have = sizeOf(partial)
  if (have > 0 && have === file.size) return
  const path = file.path.split('/').map(encodeURIComponent).join('/')
  const address = `${hub.environment.endpoint}/${id}/resolve/${commit}/${path}`
  const answer = await hubGet(address, hub, (url) => {
    const validator = validators.get(url.host)
    return have === 0
      ? {}
      : { range: `bytes=${have}-`, ...(validator !== undefined && { 'if-range': validator }) }
  })
  try {
    const start = startOf(answer, hub, one, have)
    const etag = answer.headers.get('etag')
    // weak ones do not promise equal bytes
    if (etag?.startsWith('"')) validators.set(answer.url.host, etag)
    const handle = await open(partial, start === 0 ? 'w' : 'a')
    try {
      let bytes = start
      onBytes(bytes)
      for await (const chunk of answer.chunks()) {
        bytes += chunk.length
        if (bytes > file.size) {
          rmSync(partial)
          throw wrong(one, `more comes than the ${file.size} bytes that were announced`)
        }
        await handle.writeFile(chunk)
        onBytes(bytes)
      }
      await handle.sync()
      if (bytes < file.size) {
        throw new PassingFailure(`${answer.url.host} sent ${bytes} of ${file.size} bytes`)
      }
    } finally {
      await handle.close()
    }
  } finally {
    answer.discard()
  }
}

/** Where an answer's bytes begin: at what was asked, or at the start where the server knows no ranges. */
function startOf(answer: Answer, hub: Hub, one: Transfer, have: number): number {
  const { status, headers, hubHeaders } = answer
  const { id, commit: revision, file } = one
  const told = (hubHeaders.get('x-linked-etag') ?? hubHeaders.get('etag'))?.replace(/^W\/|"/g, '')
  if (told !== undefined && told.length === file.etag.length && told !== file.etag) {
    throw wrong(one, `its hash is ${told}, ${file.etag} was listed`)
  }
  if (status === 416) {
    rmSync(partialOf(one.blob), { force: true })
    throw new PassingFailure(`${answer.url.host} has no byte ${have} of ${file.path}`)
  }
  if (status === 403 && answer.url.origin !== new URL(hub.environment.endpoint).origin) {
    throw new PassingFailure(`${answer.url.host} no longer knows the Hub's link`)
  }
  if (status !== 200 && status !== 206) {
    const code = headers.get('x-error-code')
    throw refusal({ id, revision, status, code, environment: hub.environment })
  }
  const start = status === 200 ? 0 : have
  const length = headers.get('content-length')
  if (length !== null && start + Number(length) !== file.size) {
    throw wrong(one, `${start + Number(length)} bytes are announced, ${file.size} were listed`)
  }
  const range = headers.get('content-range')
  if (status === 206 && range !== `bytes ${have}-${file.size - 1}/${file.size}`) {
    throw wrong(one, `asked from byte ${have}, the answer is for ${range ?? 'no range'}`)
  }
  return start
}

/** Whether a file has the size and the hash that its name in the cache promises. */
async function isIntact({ signal }: Hub, path: string, { size, etag }: HubFile): Promise<boolean> {
  if (size === 0 && sizeOf(path) === 0) return true
  if (sizeOf(path) !== size) return false
  const hash = createHash(etag.length === 64 ? 'sha256' : 'sha1')
  // git hashes a header before the content
  if (etag.length === 40) hash.update(`blob ${size}\0`)
  await pipeline(createReadStream(path), hash, { ...(signal && { signal }) })
  return hash.digest('hex') === etag
}

const wrong = ({ id, file, commit }: Transfer, what: string): LimbeckError =>
  new LimbeckError('network', `${id}: ${file.path}: ${what}.`, {
    hint: `Nothing of it was kept; run it again, or look at ${id} at ${commit.slice(0, 12)}.`,
  })
