import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  COMMIT,
  etagOf,
  type FakeHub,
  fakeHub,
  gitSha,
  sendBytes,
  sha256,
} from '../../test/support/fake-hub.ts'
import { LimbeckError } from '../errors.ts'
import type { DownloadWatch } from './fetch-files.ts'
import { type ResolveOptions, resolveModel } from './resolve-model.ts'

const ID = 'org/tiny-bert'
const weights = Uint8Array.from({ length: 300_000 }, (_, i) => (i * 31) >> 3)
const content = {
  'config.json': '{"model_type":"bert"}',
  'tokenizer.json': '{}',
  '1_Pooling/config.json': '{}',
  'README.md': 'words',
  'model.safetensors': weights,
  'pytorch_model.bin': 'pickle',
  'onnx/model.onnx': 'a graph',
  'onnx/model_q4.onnx': 'another',
}

let hub: FakeHub
let home: string
beforeEach(async () => {
  hub = await fakeHub(ID, content)
  home = mkdtempSync(join(tmpdir(), 'limbeck-hub-'))
})
afterEach(async () => {
  await hub.close()
  rmSync(home, { recursive: true, force: true })
})

const repo = (): string => join(home, 'hub/models--org--tiny-bert')
const snapshot = (): string => join(repo(), 'snapshots', COMMIT)
const find = (options: ResolveOptions & { variables?: object } = {}, model = ID) =>
  resolveModel(model, {
    patience: { retryMs: 1, stallMs: 300, attempts: 4 },
    ...options,
    variables: { HF_ENDPOINT: hub.url, HF_HOME: home, ...options.variables },
  })
/** The one sentence of a failure, with its hint. */
async function failure(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => new Error('it did not fail'),
    (error: unknown) => error,
  )
  expect(error).toBeInstanceOf(LimbeckError)
  const { message, hint } = error as LimbeckError
  return `${message} ${hint}`
}
const asked = (file: string, host: 'hub' | 'cdn' = 'cdn') =>
  hub.seen.filter((one) => one.host === host && one.path.endsWith(file))
const leftOver = (): string[] =>
  existsSync(join(repo(), 'blobs'))
    ? readdirSync(join(repo(), 'blobs')).filter((name) => name.includes('incomplete'))
    : []

describe('a download', () => {
  it('takes what a model needs, in the layout of Python', async () => {
    const { path, kind } = await find()
    expect({ path, kind }).toEqual({ path: snapshot(), kind: 'safetensors' })
    const names = readdirSync(path, { recursive: true, encoding: 'utf8' }).sort()
    expect(names).toEqual([
      '1_Pooling',
      '1_Pooling/config.json',
      'config.json',
      'model.safetensors',
      'tokenizer.json',
    ])
    expect(readFileSync(join(path, 'model.safetensors')).equals(weights)).toBe(true)
    expect(readlinkSync(join(path, 'model.safetensors'))).toBe(`../../blobs/${sha256(weights)}`)
    expect(readlinkSync(join(path, '1_Pooling/config.json'))).toBe(
      `../../../blobs/${gitSha(Buffer.from('{}'))}`,
    )
    expect(readFileSync(join(repo(), 'refs/main'), 'utf8')).toBe(COMMIT)
    expect(leftOver()).toEqual([])
    // one content, two paths: once
    expect(hub.seen.filter(({ path }) => path.includes('/resolve/'))).toHaveLength(3)
  })

  it('is not repeated, and needs no network afterwards', async () => {
    await find()
    hub.seen.length = 0
    await find()
    expect(hub.seen.filter(({ path }) => path.includes('resolve'))).toEqual([])
    hub.seen.length = 0
    expect(await find({ offline: true })).toEqual({ path: snapshot(), kind: 'safetensors' })
    expect(await find({ variables: { HF_HUB_OFFLINE: '1' } })).toMatchObject({ path: snapshot() })
    expect(await find({ variables: { TRANSFORMERS_OFFLINE: 'yes' } }, `${ID}@${COMMIT}`)).toEqual({
      path: snapshot(),
      kind: 'safetensors',
    })
    expect(hub.seen).toEqual([])
  })

  it('takes ONNX files where they are asked for', async () => {
    expect((await find({ weights: 'any' })).kind).toBe('safetensors')
    const { path, kind } = await find({ weights: 'any', variant: 'model_q4' })
    expect(kind).toBe('onnx')
    expect(readdirSync(join(path, 'onnx'))).toEqual(['model_q4.onnx'])
    expect(await failure(find({ weights: 'any', variant: 'model_q8' }))).toMatch(
      /no variant model_q8\. Is model_q4 meant\? It has model, model_q4\./,
    )
    hub.files.delete('model.safetensors')
    expect((await find({ weights: 'any' })).kind).toBe('onnx')
    expect(readdirSync(join(path, 'onnx'))).toEqual(['model.onnx', 'model_q4.onnx'])
  })

  it('takes the shards that an index names', async () => {
    hub.files.delete('model.safetensors')
    const map = {
      a: 'model-1-of-2.safetensors',
      b: 'model-2-of-2.safetensors',
      c: 'model-1-of-2.safetensors',
    }
    hub.files.set('model.safetensors.index.json', Buffer.from(JSON.stringify({ weight_map: map })))
    hub.files.set('model-1-of-2.safetensors', Buffer.from('one'))
    hub.files.set('model-2-of-2.safetensors', Buffer.from('two'))
    hub.files.set('consolidated.safetensors', Buffer.from('not named'))
    const { path } = await find()
    const names = readdirSync(path).filter((name) => name.endsWith('.safetensors'))
    expect(names).toEqual(['model-1-of-2.safetensors', 'model-2-of-2.safetensors'])
    rmSync(join(path, 'model-2-of-2.safetensors'))
    expect(await failure(find({ offline: true }))).toMatch(/lacks model-2-of-2\.safetensors/)
  })

  it('shows its progress', async () => {
    const totals: number[] = []
    const updates: number[] = []
    const ended: string[] = []
    const watch = (total: number): DownloadWatch => {
      totals.push(total)
      return {
        update: (done) => updates.push(done),
        waiting: () => {},
        done: () => ended.push('done'),
        fail: () => ended.push('fail'),
      }
    }
    await find({ watch })
    expect(totals).toEqual([21 + 2, weights.length])
    expect(updates.at(-1)).toBe(weights.length)
    expect(ended).toEqual(['done', 'done'])
  })

  it('uses what Python left', async () => {
    // as huggingface_hub lays it out: blobs by hash, a ref, relative links
    for (const [path, bytes] of hub.files) {
      const etag = etagOf(path, bytes)
      const link = join(snapshot(), path)
      mkdirSync(join(repo(), 'blobs'), { recursive: true })
      mkdirSync(join(link, '..'), { recursive: true })
      writeFileSync(join(repo(), 'blobs', etag), bytes)
      const up = '../'.repeat(path.split('/').length + 1)
      symlinkSync(`${up}blobs/${etag}`, link)
    }
    expect(await find()).toMatchObject({ path: snapshot() })
    expect(hub.seen.filter(({ path }) => path.includes('resolve'))).toEqual([])
    expect(readFileSync(join(repo(), 'refs/main'), 'utf8')).toBe(COMMIT)
  })

  it('moves the ref when the branch has moved', async () => {
    mkdirSync(join(repo(), 'refs'), { recursive: true })
    writeFileSync(join(repo(), 'refs/main'), 'a'.repeat(40))
    await find()
    expect(readFileSync(join(repo(), 'refs/main'), 'utf8')).toBe(COMMIT)
  })

  it('of two at once does no harm', async () => {
    const [a, b, c] = await Promise.all([find(), find(), find()])
    expect(new Set([a.path, b.path, c.path]).size).toBe(1)
    expect(asked('model.safetensors')).toHaveLength(1)
    expect(readdirSync(join(home, 'hub/.locks/models--org--tiny-bert'))).toEqual([])
  })

  it('takes over what a dead process locked', async () => {
    const locks = join(home, 'hub/.locks/models--org--tiny-bert')
    mkdirSync(locks, { recursive: true })
    writeFileSync(join(locks, 'limbeck.lock'), '')
    const then = new Date(Date.now() - 60_000)
    utimesSync(join(locks, 'limbeck.lock'), then, then)
    await find()
  })

  it('takes a file in the place of a link', async () => {
    // as Python and we leave them where links are not allowed
    const { path } = await find()
    const file = join(path, 'config.json')
    rmSync(file)
    writeFileSync(file, content['config.json'])
    hub.seen.length = 0
    await find()
    expect(lstatSync(file).isFile()).toBe(true)
    expect(hub.seen.filter(({ path }) => path.includes('resolve'))).toEqual([])
  })
})

describe('a broken download', () => {
  const name = 'model.safetensors'
  const partial = (): string => join(repo(), 'blobs', `${sha256(weights)}.limbeck.incomplete`)

  /** Cuts the connection after some bytes of the CDN's answer, the first `times`. */
  const cutting = (at: number, times: number): FakeHub['fault'] => {
    let left = times
    return (request, response, host) => {
      if (host !== 'cdn' || left-- <= 0) return false
      const [, from = '0'] = /^bytes=(\d+)-/.exec(request.headers.range ?? '') ?? []
      const bytes = weights.subarray(Number(from))
      response.writeHead(from === '0' ? 200 : 206, {
        'content-length': bytes.length,
        etag: '"one"',
        ...(from !== '0' && {
          'content-range': `bytes ${from}-${weights.length - 1}/${weights.length}`,
        }),
      })
      response.write(bytes.subarray(0, at), () => setTimeout(() => response.destroy(), 20))
      return true
    }
  }

  it('goes on where it was cut', async () => {
    hub.fault = cutting(100_000, 1)
    await find()
    const requests = asked(name)
    expect(requests).toHaveLength(2)
    expect(requests[1]).toMatchObject({ range: 'bytes=100000-', ifRange: '"one"' })
    expect(readFileSync(join(snapshot(), name)).equals(weights)).toBe(true)
  })

  it('goes on in a later run: only the rest is asked', async () => {
    hub.fault = cutting(70_000, 99)
    const patience = { retryMs: 1, stallMs: 300, attempts: 1 }
    expect(await failure(find({ patience }))).toMatch(/tried once\. Run it again to go on/)
    expect(readFileSync(partial())).toHaveLength(70_000)
    expect(existsSync(join(snapshot(), name))).toBe(false)
    hub.fault = undefined
    hub.seen.length = 0
    let here = 0
    await find({
      watch: (_, __, bytes) => {
        here = bytes
        return { update: () => {}, waiting: () => {}, done: () => {}, fail: () => {} }
      },
    })
    expect(here).toBe(70_000)
    expect(asked(name)).toMatchObject([{ range: 'bytes=70000-' }])
    expect(readFileSync(join(snapshot(), name)).equals(weights)).toBe(true)
    expect(leftOver()).toEqual([])
  })

  it('stops on Ctrl-C, and keeps what came', async () => {
    hub.fault = (_, response, host) => {
      if (host !== 'cdn') return false
      response.writeHead(200, { 'content-length': weights.length })
      response.write(weights.subarray(0, 50_000))
      return true
    }
    const controller = new AbortController()
    const watch = () => ({
      update: (done: number) => {
        if (done === 50_000) controller.abort(new LimbeckError('cancelled', 'Cancelled.'))
      },
      waiting: () => {},
      done: () => {},
      fail: () => {},
    })
    expect(await failure(find({ signal: controller.signal, watch }))).toMatch(/^Cancelled\./)
    expect(readFileSync(partial())).toHaveLength(50_000)
    expect(readdirSync(join(home, 'hub/.locks/models--org--tiny-bert'))).toEqual([])
  })

  it('starts anew where the server knows no ranges, or another file stands there', async () => {
    mkdirSync(join(repo(), 'blobs'), { recursive: true })
    writeFileSync(partial(), weights.subarray(0, 1000))
    hub.fault = (_, response, host) => {
      if (host !== 'cdn') return false
      response.writeHead(200, { 'content-length': weights.length })
      response.end(weights)
      return true
    }
    await find()
    expect(asked(name)).toMatchObject([{ range: 'bytes=1000-' }])
    expect(readFileSync(join(snapshot(), name)).equals(weights)).toBe(true)
  })

  it('starts anew where what lay here was wrong', async () => {
    mkdirSync(join(repo(), 'blobs'), { recursive: true })
    writeFileSync(partial(), new Uint8Array(1000).fill(7))
    await find()
    expect(asked(name).map(({ range }) => range)).toEqual(['bytes=1000-', undefined])
    expect(readFileSync(join(snapshot(), name)).equals(weights)).toBe(true)
  })

  it('drops and names a file of wrong bytes', async () => {
    hub.fault = (request, response, host) => {
      if (host !== 'cdn') return false
      sendBytes(request, response, weights.toReversed(), {})
      return true
    }
    expect(await failure(find())).toMatch(/tiny-bert: model\.safetensors: .* do not have the hash/)
    expect(leftOver()).toEqual([])
    expect(existsSync(join(snapshot(), name))).toBe(false)
    hub.fault = (request, response) => {
      if (!request.url!.endsWith(`${COMMIT}/config.json`)) return false
      sendBytes(request, response, Buffer.from('{"model_type":"evil"}'), {})
      return true
    }
    rmSync(home, { recursive: true })
    expect(await failure(find())).toMatch(/config\.json: its bytes do not have the hash/)
  })

  it('waits as long as it is told', async () => {
    let times = 0
    const at: number[] = []
    hub.fault = (_, response, host) => {
      if (host !== 'cdn') return false
      at.push(performance.now())
      if (times++ > 0) return false
      response.writeHead(429, { 'retry-after': '1' }).end()
      return true
    }
    const reasons: string[] = []
    const watch = () => ({
      update: () => {},
      waiting: (reason: string) => reasons.push(reason),
      done: () => {},
      fail: () => {},
    })
    await find({ watch })
    expect(at[1]! - at[0]!).toBeGreaterThan(950)
    expect(reasons).toEqual([expect.stringMatching(/answers 429$/)])
    hub.fault = (_, response) => {
      response.writeHead(429, { 'retry-after': '3600' }).end()
      return true
    }
    rmSync(home, { recursive: true })
    expect(await failure(find())).toMatch(/answers 429, tried once, and asks to wait 60 min/)
  })

  it('gives up a connection that stands still', async () => {
    let times = 0
    hub.fault = (_, response, host) => {
      if (host !== 'cdn' || times++ > 0) return false
      response.writeHead(200, { 'content-length': weights.length })
      response.write(weights.subarray(0, 10))
      return true
    }
    await find()
    expect(asked(name).map(({ range }) => range)).toEqual([undefined, 'bytes=10-'])
    times = 0
    hub.fault = () => true
    rmSync(home, { recursive: true })
    expect(await failure(find({ patience: { stallMs: 30, retryMs: 1, attempts: 2 } }))).toMatch(
      /sent nothing for 0\.03 s, tried 2 times/,
    )
  })

  it('falls back on the cache where the Hub is out of reach', async () => {
    await find()
    hub.fault = (_, response) => {
      response.writeHead(503).end()
      return true
    }
    const reasons: string[] = []
    const found = await find({ onFallback: (reason) => reasons.push(reason) })
    expect(found.path).toBe(snapshot())
    expect(reasons).toEqual([expect.stringMatching(/answers 503$/)])
  })
})

describe('the token', () => {
  it('goes to the Hub alone', async () => {
    await find({ variables: { HF_TOKEN: 'hf_secret' } })
    const sent = (host: string) =>
      hub.seen.filter((one) => one.host === host).map(({ authorization }) => authorization)
    expect(new Set(sent('hub'))).toEqual(new Set(['Bearer hf_secret']))
    expect(new Set(sent('cdn'))).toEqual(new Set([undefined]))
  })

  it('is not sent where a listing leads elsewhere', async () => {
    const elsewhere = await fakeHub(ID, content)
    try {
      hub.fault = (request, response, host) => {
        if (host !== 'hub' || !request.url!.includes('/tree/')) return false
        const next = `${elsewhere.url}/api/models/${ID}/tree/${COMMIT}`
        response.writeHead(200, { link: `<${next}>; rel="next"` }).end('[]')
        return true
      }
      await find({ variables: { HF_TOKEN: 'hf_secret' } })
      expect(elsewhere.seen.length).toBeGreaterThan(0)
      expect(elsewhere.seen.every((one) => one.authorization === undefined)).toBe(true)
    } finally {
      await elsewhere.close()
    }
  })

  it('may lie in a file', async () => {
    writeFileSync(join(home, 'token'), 'hf_of_file\n')
    await find()
    expect(hub.seen[0]!.authorization).toBe('Bearer hf_of_file')
  })
})

describe('refusals are one sentence', () => {
  const answers =
    (status: number, code?: string): FakeHub['fault'] =>
    (_, response) => {
      response.writeHead(status, code === undefined ? {} : { 'x-error-code': code }).end('{}')
      return true
    }
  it.each([
    [
      401,
      'RepoNotFound',
      {},
      /no such folder here, and 127.* has no public model of that id.*HF_TOKEN/,
    ],
    [404, undefined, {}, /has no public model of that id/],
    [404, 'RepoNotFound', { HF_TOKEN: 'hf_x' }, /shows this token no such model/],
    [401, 'GatedRepo', {}, /the model is gated.*Ask for access at http.*org\/tiny-bert.*HF_TOKEN/],
    [403, 'GatedRepo', { HF_TOKEN: 'hf_x' }, /does not let this token read.*Ask for access/],
    [401, undefined, { HF_TOKEN: 'hf_x' }, /does not accept the token\. Renew HF_TOKEN/],
    [418, undefined, {}, /answers 418, expected 200/],
  ])('%i %s', async (status, code, variables, words) => {
    hub.fault = answers(status, code)
    const sentence = await failure(find({ variables }))
    expect(sentence).toMatch(words)
    expect(sentence).toMatch(/^org\/tiny-bert: /)
    expect(sentence).not.toContain('hf_x')
  })

  it('of a revision, of a model without safetensors, of what is no Hub', async () => {
    expect(await failure(find({ revision: 'v9' }))).toMatch(
      /there is no revision v9\. Give a branch/,
    )
    expect(await failure(find({}, `${ID}@v9`))).toMatch(/there is no revision v9/)
    expect(await failure(find({ revision: '../x' }))).toMatch(/expected a branch, tag or commit/)
    expect(await failure(find({ revision: 'a' }, `${ID}@b`))).toMatch(/name two revisions/)
    hub.files.delete('model.safetensors')
    expect(await failure(find())).toMatch(/has pytorch_model\.bin, which is not read/)
    hub.files.delete('config.json')
    expect(await failure(find())).toMatch(/it has no config\.json/)
    hub.fault = (_, response) => {
      response.end('<html>')
      return true
    }
    expect(await failure(find())).toMatch(/gives no listing of a model/)
  })

  it('of what is neither a path nor an id', async () => {
    expect(await failure(find({}, join(home, 'x')))).toMatch(
      /no such file or folder, and it is no id/,
    )
    mkdirSync(join(home, 'my-model'))
    expect(await failure(find({}, join(home, 'my-modle')))).toMatch(/Is .*my-model meant\?/)
    expect(await find({}, join(home, 'my-model'))).toEqual({
      path: join(home, 'my-model'),
      kind: 'local',
    })
    expect(await failure(find({ revision: 'main' }, home))).toMatch(/which has no --revision/)
    expect(hub.seen).toEqual([])
  })

  it('offline, with nothing cached', async () => {
    expect(await failure(find({ offline: true }))).toMatch(
      /offline, and .* does not hold it at main\. Run it once with the network/,
    )
    expect(hub.seen).toEqual([])
  })
})

describe('hostile Hubs', () => {
  const outside = (): string[] => readdirSync(home).filter((name) => name !== 'hub')

  it.each([
    '../../../evil',
    '/evil',
    'a\\..\\evil',
    'a\0b',
    'a//b',
    './a',
    'C:evil',
    '',
    7,
  ])('a listing with the path %j', async (path) => {
    hub.entries = (entry) => (entry.path === 'README.md' ? { ...entry, path } : { ...entry })
    expect(await failure(find())).toMatch(/expected a path inside the repository/)
    expect(outside()).toEqual([])
    expect(existsSync(snapshot())).toBe(false)
  })

  it.each([-1, 1.5, 2 ** 60, 'x', null])('a listing with the size %j', async (size) => {
    hub.entries = (entry) => (entry.path === 'config.json' ? { ...entry, size } : { ...entry })
    expect(await failure(find())).toMatch(/config\.json: expected a size in bytes/)
  })

  it('a listing with absurd sizes and hashes', async () => {
    hub.entries = (entry) =>
      entry.lfs ? { ...entry, lfs: { ...entry.lfs, size: 2 ** 52 } } : { ...entry }
    expect(await failure(find())).toMatch(/it takes 4503599\.6 GB, .* has .* GB left/)
    hub.entries = (entry) => ({ ...entry, size: 1e12 })
    expect(await failure(find())).toMatch(/has 1000000000000 bytes, expected at most/)
    hub.entries = (entry) => ({ ...entry, oid: '../../../evil', lfs: undefined })
    expect(await failure(find())).toMatch(/expected a hash/)
  })

  it('an index with a path that leaves', async () => {
    hub.files.delete('model.safetensors')
    const index = { weight_map: { a: '../../evil.safetensors' } }
    hub.files.set('model.safetensors.index.json', Buffer.from(JSON.stringify(index)))
    expect(await failure(find())).toMatch(/expected a path inside the repository/)
  })

  it('a listing without end', async () => {
    hub.fault = (request, response) => {
      if (!request.url!.includes('/tree/')) return false
      response.writeHead(200, { link: `<${hub.url}${request.url}>; rel="next"` }).end('[]')
      return true
    }
    expect(await failure(find())).toMatch(/it does not end/)
  })

  it('redirects in a circle, to a file, to nowhere', async () => {
    const to =
      (location: string): FakeHub['fault'] =>
      (_, response) => {
        response.writeHead(302, { location }).end()
        return true
      }
    hub.fault = to(`${hub.url}/again`)
    expect(await failure(find())).toMatch(/more than 5 redirects/)
    hub.fault = to('file:///etc/passwd')
    expect(await failure(find())).toMatch(/it redirects to null|it redirects to file/)
    hub.fault = to('http://[')
    expect(await failure(find())).toMatch(/it redirects to no address/)
  })

  it('bodies longer and shorter than told', async () => {
    const body =
      (bytes: Uint8Array, headers = {}): FakeHub['fault'] =>
      (_, response, host) => {
        if (host !== 'cdn') return false
        response.writeHead(200, headers).end(bytes)
        return true
      }
    const long = new Uint8Array(weights.length + 1)
    hub.fault = body(long, { 'content-length': long.length })
    expect(await failure(find())).toMatch(/300001 bytes are announced, 300000 were listed/)
    hub.fault = body(long)
    expect(await failure(find())).toMatch(/more comes than the 300000 bytes/)
    expect(leftOver()).toEqual([])
    hub.fault = body(weights.subarray(0, 100))
    expect(await failure(find())).toMatch(/sent 100 of 300000 bytes/)
    hub.fault = (_, response, host) => {
      if (host !== 'cdn') return false
      response.writeHead(206, { 'content-range': 'bytes 5-9/10' }).end('abcde')
      return true
    }
    expect(await failure(find())).toMatch(/the answer is for bytes 5-9\/10/)
  })

  it('a commit that is none', async () => {
    hub.fault = (request, response) => {
      if (!request.url!.includes('/revision/')) return false
      response.end(JSON.stringify({ id: ID, sha: '../../../../evil' }))
      return true
    }
    expect(await failure(find())).toMatch(/no listing of a model \(no commit\)/)
    expect(outside()).toEqual([])
  })
})
