/** Models of the Hub by their id, on the command line, against a Hub of this machine. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { contentsOf, example, limbeck } from './support/command.ts'
import { COMMIT, type FakeHub, fakeHub } from './support/fake-hub.ts'
import { scratchFolder } from './support/tensors.ts'

const ID = 'org/tiny-bert'
const names = ['config.json', 'model.safetensors', 'tokenizer.json', 'tokenizer_config.json']
const cwd = scratchFolder()
let hub: FakeHub
const call = (args: readonly string[], more: Partial<Parameters<typeof limbeck>[1]> = {}) => {
  const env = { HF_ENDPOINT: hub.url, HF_HOME: join(cwd, 'home'), HF_TOKEN: '', ...more.env }
  return limbeck(args, { cwd, ...more, env })
}

beforeAll(async () => {
  const files = names.map((name) => [name, readFileSync(join(example, name))] as const)
  hub = await fakeHub(ID, { ...Object.fromEntries(files), 'pytorch_model.bin': 'pickle' })
})
afterAll(() => hub.close())

it('Ctrl-C in the middle of the download keeps what came, and nothing else', async () => {
  hub.fault = (_, response, host) => {
    if (host !== 'cdn') return false
    response.writeHead(200, { 'content-length': hub.files.get('model.safetensors')!.length })
    response.write(hub.files.get('model.safetensors')!.subarray(0, 1_000_000))
    return true
  }
  let told = false
  const { code, stdout, stderr } = await call(['export', ID, '-o', 'cancelled'], {
    onStderr(text, child) {
      // the second step is that of the weights
      if (told || text.split('Downloading').length < 4) return
      told = true
      setTimeout(() => child.kill('SIGINT'), 500)
    },
  })
  hub.fault = undefined
  expect(code, stderr).toBe(130)
  expect(stdout).toBe('')
  expect(stderr).toMatch(/Cancelled\.\n$/)
  expect(existsSync(join(cwd, 'cancelled'))).toBe(false)
  const blobs = readdirSync(join(cwd, 'home/hub/models--org--tiny-bert/blobs'))
  expect(blobs.filter((name) => name.endsWith('.limbeck.incomplete'))).toHaveLength(1)
})

it('export downloads the rest, shows it on stderr, and pins the commit', async () => {
  hub.seen.length = 0
  const { code, stdout, stderr } = await call(['export', ID, '-o', 'out', '--target', 'cpu'])
  expect(code, stderr).toBe(0)
  expect(stderr).toMatch(/Downloading org\/tiny-bert \.\.\.\n/)
  expect(stderr).toMatch(
    /Downloading org\/tiny-bert: 1 file, 7\.58 MB, 1\.00 MB of it from before, .*B\/s/,
  )
  expect(stdout).not.toMatch(/Downloading/)
  expect(hub.seen.filter(({ host }) => host === 'cdn')).toMatchObject([{ range: 'bytes=1000000-' }])
  expect(hub.seen.some(({ path }) => path.includes('pytorch_model'))).toBe(false)
  const { source } = JSON.parse(readFileSync(join(cwd, 'out/limbeck.json'), 'utf8'))
  expect(source).toMatchObject({ name: 'tiny-bert', hub: { id: ID, revision: COMMIT } })
})

it('with the commit of limbeck.json it makes the same files; --json keeps stdout one document', async () => {
  const args = ['export', ID, '--revision', COMMIT, '-o', 'again', '--target', 'cpu', '--json']
  const { code, stdout, stderr } = await call(args, { env: { HF_HOME: join(cwd, 'other') } })
  expect([code, stderr]).toEqual([0, ''])
  expect(JSON.parse(stdout)).toHaveProperty('verified')
  const onnx = (folder: string) => contentsOf(join(cwd, folder, 'onnx'))
  expect(onnx('again')).toEqual(onnx('out'))
})

it('runs offline from the cache, and says what to do without', async () => {
  hub.seen.length = 0
  const { code, stdout, stderr } = await call(['run', ID, 'where is my parcel?', '--offline'])
  expect(code, stderr).toBe(0)
  expect(stdout).toMatch(/probability/)
  const none = await call(['inspect', 'org/other', '--offline'])
  expect(none.code).toBe(1)
  expect(none.stderr).toMatch(
    /^error: org\/other: offline, and .* does not hold it at main\. Run it/,
  )
  expect(hub.seen).toEqual([])
})

it('doctor shows the endpoint and the cache', async () => {
  const { stdout } = await call(['doctor', '--json'])
  const { facts } = JSON.parse(stdout)
  expect(facts.hub).toMatchObject({ endpoint: hub.url, models: 1, hasToken: false, offline: false })
  expect(facts.hub.bytes).toBeGreaterThan(7e6)
})
