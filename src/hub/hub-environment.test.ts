import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { hubEnvironment } from './hub-environment.ts'
import { parseModelId } from './model-id.ts'

describe('hubEnvironment', () => {
  const usual = join(homedir(), '.cache/huggingface/hub')
  // huggingface_hub/constants.py
  it.each([
    [{}, usual],
    [{ HF_HOME: '' }, usual],
    [{ XDG_CACHE_HOME: '/x' }, '/x/huggingface/hub'],
    [{ XDG_CACHE_HOME: '/x', HF_HOME: '/h' }, '/h/hub'],
    [{ HF_HOME: '/h', HUGGINGFACE_HUB_CACHE: '/old' }, '/old'],
    [{ HF_HOME: '/h', HUGGINGFACE_HUB_CACHE: '/old', HF_HUB_CACHE: '/new' }, '/new'],
    [{ HF_HOME: '~/h' }, join(homedir(), 'h/hub')],
  ])('%j caches in %s', (variables, folder) => {
    expect(hubEnvironment(variables).cacheFolder).toBe(folder)
  })

  it.each([
    [{}, false],
    [{ HF_HUB_OFFLINE: '1' }, true],
    [{ HF_HUB_OFFLINE: 'True' }, true],
    [{ TRANSFORMERS_OFFLINE: 'on' }, true],
    [{ HF_HUB_OFFLINE: '0' }, false],
    [{ HF_HUB_OFFLINE: 'no' }, false],
  ])('%j: offline %s', (variables, offline) => {
    expect(hubEnvironment(variables).offline).toBe(offline)
  })

  it('knows the endpoint', () => {
    expect(hubEnvironment({}).endpoint).toBe('https://huggingface.co')
    expect(hubEnvironment({ HF_ENDPOINT: 'http://mirror:80/hf/' }).endpoint).toBe(
      'http://mirror:80/hf',
    )
    for (const HF_ENDPOINT of ['mirror', 'ftp://x', 'https://me:pass@x', 'https://x/?a=b']) {
      expect(() => hubEnvironment({ HF_ENDPOINT })).toThrow(/expected an address/)
    }
  })

  it('takes the token of the variable, then of a file', () => {
    const folder = mkdtempSync(join(tmpdir(), 'limbeck-token-'))
    try {
      writeFileSync(join(folder, 'token'), 'of-home\n')
      writeFileSync(join(folder, 'other'), 'of-path')
      const HF_TOKEN_PATH = join(folder, 'other')
      expect(hubEnvironment({ HF_HOME: folder }).token()).toBe('of-home')
      expect(hubEnvironment({ HF_HOME: folder, HF_TOKEN_PATH }).token()).toBe('of-path')
      expect(hubEnvironment({ HF_TOKEN_PATH, HF_TOKEN: ' mine ' }).token()).toBe('mine')
      expect(hubEnvironment({ HF_HOME: join(folder, 'none') }).token()).toBeUndefined()
      const broken = () => hubEnvironment({ HF_TOKEN: 'sec\nret' }).token()
      expect(broken).toThrow('HF_TOKEN: it holds characters')
      expect(broken).not.toThrow('ret.')
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})

describe('parseModelId', () => {
  it.each([
    ['org/name', { id: 'org/name', revision: undefined }],
    ['sentence-transformers/all-MiniLM-L6-v2', { id: 'sentence-transformers/all-MiniLM-L6-v2' }],
    ['a/b_c.d@v1.0', { id: 'a/b_c.d', revision: 'v1.0' }],
    ['a/b@refs/pr/1', { id: 'a/b', revision: 'refs/pr/1' }],
  ])('%s', (text, id) => expect(parseModelId(text)).toMatchObject(id))

  it.each([
    'name',
    './a/b',
    '/a/b',
    'a/b/c',
    '../b',
    'a/..',
    'a/b--c',
    'a/-b',
    'a/b.',
    'a\\b',
    'a/b@',
    'a/b@../x',
    'a/b@/x',
    'out/model.onnx',
    'out/model.safetensors',
    'a/b c',
    'a/b\0',
    'https://huggingface.co/a/b',
    `a/${'b'.repeat(99)}`,
  ])('%j is none', (text) => expect(parseModelId(text)).toBeUndefined())
})
