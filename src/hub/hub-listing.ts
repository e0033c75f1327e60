/**
 * What the Hub says of a model: the commit a revision stands for, and its files with their hashes.
 *
 * `@huggingface/hub` speaks the routes; its requests go through ours, which keep the token at home, ask
 * again, and bound what an answer may hold.
 */
import { LimbeckError } from '../errors.ts'
import { refusal } from './hub-refusal.ts'
import { type Hub, hubGet, PassingFailure, retrying } from './hub-request.ts'
import { checkedPath, isCommit } from './model-id.ts'

/** A file of a repository. */
export interface HubFile {
  readonly path: string
  readonly size: number
  /** Names its content: SHA-256 of large files, git's SHA-1 of small ones. */
  readonly etag: string
}

export interface HubListing {
  readonly commit: string
  readonly files: ReadonlyMap<string, HubFile>
}

const MOST_FILES = 50_000
const MOST_PAGES = 200
const MOST_PAGE_BYTES = 32 << 20

/** Lists a model at a revision. @throws LimbeckError naming what is unknown, refused or no listing. */
export async function listModel(hub: Hub, id: string, revision: string): Promise<HubListing> {
  const { listFiles, modelInfo } = await import('@huggingface/hub')
  const { endpoint: hubUrl } = hub.environment
  const fetch = boundedFetch(hub, id, revision)
  try {
    const info = await modelInfo({ name: id, revision, hubUrl, fetch, additionalFields: ['sha'] })
    const commit: unknown = info.sha
    if (!isCommit(commit)) throw noListing(id, hubUrl, 'no commit')
    const files = new Map<string, HubFile>()
    const repo = { type: 'model', name: id } as const
    const entries = listFiles({ repo, revision: commit, recursive: true, hubUrl, fetch })
    for await (const entry of entries) {
      if (entry.type !== 'file') continue
      const file = checkedFile(id, entry)
      files.set(file.path, file)
      if (files.size > MOST_FILES) throw noListing(id, hubUrl, `more than ${MOST_FILES} files`)
    }
    return { commit, files }
  } catch (error) {
    if (error instanceof LimbeckError || hub.signal?.aborted) throw error
    throw noListing(id, hubUrl, error instanceof Error ? error.message : String(error), error)
  }
}

const noListing = (id: string, hubUrl: string, got: string, cause?: unknown): LimbeckError =>
  new LimbeckError('network', `${id}: ${hubUrl} gives no listing of a model (${got}).`, {
    hint: 'Check HF_ENDPOINT: it must be the address of a Hub.',
    cause,
  })

interface Entry {
  readonly path: unknown
  readonly size: unknown
  readonly oid?: unknown
  readonly lfs?: { readonly oid?: unknown; readonly size?: unknown } | undefined
}

function checkedFile(id: string, { path: listed, size, oid, lfs }: Entry): HubFile {
  const path = checkedPath(id, listed)
  const file = { path, size: lfs?.size ?? size, etag: lfs?.oid ?? oid }
  if (!Number.isSafeInteger(file.size) || (file.size as number) < 0) {
    throw new LimbeckError('input', `${id}: ${path}: expected a size in bytes, got ${file.size}.`)
  }
  if (typeof file.etag !== 'string' || !/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(file.etag)) {
    throw new LimbeckError('input', `${id}: ${path}: expected a hash, got ${String(file.etag)}.`)
  }
  return file as HubFile
}

/** `fetch` for the library: ours, with bodies read whole. */
function boundedFetch(hub: Hub, id: string, revision: string): typeof fetch {
  let pages = 0
  return (input) =>
    retrying(hub, async () => {
      pages++
      const answer = await hubGet(String(input), hub)
      const { status, headers } = answer
      if (status !== 200) {
        answer.discard()
        const code = headers.get('x-error-code')
        throw refusal({ id, revision, status, code, environment: hub.environment })
      }
      const pieces: Uint8Array[] = []
      let bytes = 0
      for await (const piece of answer.chunks()) {
        pieces.push(piece)
        bytes += piece.length
        if (bytes > MOST_PAGE_BYTES || pages > MOST_PAGES) {
          throw noListing(id, hub.environment.endpoint, 'it does not end')
        }
      }
      const announced = headers.get('content-length')
      if (announced !== null && Number(announced) !== bytes) {
        throw new PassingFailure(`${answer.url.host} sent ${bytes} of ${announced} bytes`)
      }
      return new Response(Buffer.concat(pieces), { status, headers })
    })
}
