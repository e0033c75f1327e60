/**
 * A Hugging Face Hub on this machine: its routes for one model, large files on a second port as its CDN
 * keeps them, and faults on demand. Every request is written down.
 */
import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A request as it came. */
export interface Seen {
  readonly host: 'hub' | 'cdn'
  readonly path: string
  readonly range: string | undefined
  readonly ifRange: string | undefined
  readonly authorization: string | undefined
}

type Answerer = (request: IncomingMessage, response: ServerResponse, host: Seen['host']) => boolean

export interface FakeHub {
  readonly url: string
  readonly seen: Seen[]
  readonly commit: string
  /** Files of the model; may be changed. */
  readonly files: Map<string, Uint8Array>
  /** Answers in place of the Hub where it returns true; set to make faults. */
  fault: Answerer | undefined
  /** What stands in the listing; set to lie. */
  entries: (entry: ListedEntry) => Record<string, unknown>
  close(): Promise<void>
}

export interface ListedEntry {
  readonly type: 'file'
  readonly path: string
  readonly size: number
  readonly oid: string
  readonly lfs?: { readonly oid: string; readonly size: number; readonly pointerSize: number }
}

export const sha256 = (bytes: Uint8Array): string =>
  createHash('sha256').update(bytes).digest('hex')
export const gitSha = (bytes: Uint8Array): string =>
  createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex')

const isLarge = (path: string): boolean => /\.(?:safetensors|onnx|onnx_data|bin)$/.test(path)
/** The name of a file's content in the cache. */
export const etagOf = (path: string, bytes: Uint8Array): string =>
  isLarge(path) ? sha256(bytes) : gitSha(bytes)

export const COMMIT = 'c0ffee'.padEnd(40, '0')

/** Starts a Hub that holds `id` at the branch `main`. */
export async function fakeHub(
  id: string,
  content: Readonly<Record<string, Uint8Array | string>>,
): Promise<FakeHub> {
  const files = new Map(
    Object.entries(content).map(([path, bytes]) => [path, Buffer.from(bytes as string)]),
  )
  const seen: Seen[] = []
  const listed = (path: string, bytes: Uint8Array): ListedEntry => ({
    type: 'file',
    path,
    size: bytes.length,
    oid: gitSha(bytes),
    ...(isLarge(path) && {
      lfs: { oid: sha256(bytes), size: bytes.length, pointerSize: 134 },
    }),
  })
  const refuse = (response: ServerResponse, status: number, code: string): void => {
    response.writeHead(status, { 'x-error-code': code, 'content-type': 'application/json' })
    response.end(JSON.stringify({ error: code }))
  }
  const json = (response: ServerResponse, value: unknown): void => {
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(JSON.stringify(value))
  }
  const isRevision = (text: string): boolean => ['main', COMMIT].includes(text)

  const servers: Server[] = []
  const start = async (host: Seen['host'], answer: Answerer): Promise<string> => {
    const server = createServer((request, response) => {
      const { range, 'if-range': ifRange, authorization } = request.headers
      const path = decodeURIComponent(request.url!.split('?')[0]!)
      seen.push({ host, path, range, ifRange: ifRange as string | undefined, authorization })
      if (hub.fault?.(request, response, host)) return
      if (!answer(request, response, host)) refuse(response, 404, 'RepoNotFound')
    })
    servers.push(server)
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  }

  const cdn = await start('cdn', (request, response) => {
    const bytes = files.get(decodeURIComponent(request.url!.slice(1)))
    if (!bytes) return false
    sendBytes(request, response, bytes, { etag: `"cdn-${sha256(bytes).slice(0, 8)}"` })
    return true
  })

  const url = await start('hub', (request, response) => {
    const path = decodeURIComponent(new URL(request.url!, 'http://hub').pathname)
    const route = /^\/api\/models\/(.+?)\/(revision|tree)\/(.+)$/.exec(path)
    if (route) {
      const [, name, kind, revision] = route
      if (name !== id) return false
      if (!isRevision(revision!)) refuse(response, 404, 'RevisionNotFound')
      else if (kind === 'revision') json(response, { _id: '1', id, sha: COMMIT, private: false })
      else
        json(
          response,
          [...files].map(([name, bytes]) => hub.entries(listed(name, bytes))),
        )
      return true
    }
    const [, name, revision, file] = /^\/([^/]+\/[^/]+)\/resolve\/([^/]+)\/(.+)$/.exec(path) ?? []
    if (name !== id || !isRevision(revision!)) return false
    const bytes = files.get(file!)
    if (!bytes) {
      refuse(response, 404, 'EntryNotFound')
      return true
    }
    const headers = { 'x-repo-commit': COMMIT, etag: `"${etagOf(file!, bytes)}"` }
    if (!isLarge(file!)) {
      sendBytes(request, response, bytes, headers)
      return true
    }
    response.writeHead(302, {
      'x-repo-commit': COMMIT,
      'x-linked-etag': `"${sha256(bytes)}"`,
      'x-linked-size': bytes.length,
      location: `${cdn}/${file}`,
    })
    response.end()
    return true
  })

  const hub: FakeHub = {
    url,
    seen,
    commit: COMMIT,
    files,
    fault: undefined,
    entries: (entry) => ({ ...entry }),
    async close() {
      for (const server of servers) server.closeAllConnections()
      await Promise.all(servers.map((server) => new Promise((done) => server.close(done))))
    },
  }
  return hub
}

/** A body, or the range of it that is asked for. */
export function sendBytes(
  request: IncomingMessage,
  response: ServerResponse,
  bytes: Uint8Array,
  headers: Readonly<Record<string, string>>,
): void {
  const [, from] = /^bytes=(\d+)-$/.exec(request.headers.range ?? '') ?? []
  const ifRange = request.headers['if-range']
  if (from === undefined || (ifRange !== undefined && ifRange !== headers.etag)) {
    response.writeHead(200, { ...headers, 'content-length': bytes.length })
    response.end(bytes)
    return
  }
  const part = bytes.subarray(Number(from))
  response.writeHead(206, {
    ...headers,
    'content-length': part.length,
    'content-range': `bytes ${from}-${bytes.length - 1}/${bytes.length}`,
  })
  response.end(part)
}
