/**
 * Model folders that mean harm, given to the commands: one sentence, exit code 1 or 2, no stack, nothing
 * written, and no wait for a pipe that nobody writes to.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { attentionWithoutBias, withExternalData } from './fuzz/onnx-seeds.ts'
import { clear, contentsOf, dataSlice, example, limbeck, modelWith } from './support/command.ts'
import { scratchFolder } from './support/tensors.ts'

const scratch = scratchFolder()
const isPosix = process.platform !== 'win32'
const read = (name: string): Buffer => readFileSync(join(example, name))
type Json = Record<string, unknown>
const json = (name: string): Json => JSON.parse(read(name).toString()) as Json
const changed = (name: string, changes: Json): string =>
  JSON.stringify({ ...json(name), ...changes })
const index = (file: string): string => JSON.stringify({ weight_map: { a: file } })

/** A safetensors file of this header and as many bytes of data. */
function safetensors(header: string, bytes: number): Uint8Array {
  const size = Buffer.alloc(8)
  size.writeBigUInt64LE(BigInt(header.length))
  return Buffer.concat([size, Buffer.from(header), Buffer.alloc(bytes)])
}

/** The external data's place, as another text of any length. */
function externalAt(location: string): Uint8Array {
  const bytes = Buffer.from(withExternalData())
  // the entry: key 'location', value 'data', each with its length; three messages hold it
  return Buffer.from(
    bytes.toString('latin1').replace('data', location.padEnd(4).slice(0, 4)),
    'latin1',
  )
}

const special = (folder: string, name: string, make: (path: string) => void): void => {
  renameSync(join(folder, name), join(folder, '..', `moved-${name}`))
  make(join(folder, name))
}
const pipe = (path: string): void => void spawnSync('mkfifo', [path])
const link =
  (target: string) =>
  (path: string): void =>
    symlinkSync(target, path)

interface Hostile {
  readonly title: string
  readonly files?: Readonly<Record<string, string | Uint8Array | null>>
  /** Further damage; POSIX only. */
  readonly damage?: (folder: string) => void
  readonly args?: readonly string[]
  readonly error: RegExp
}

const text = ['run', 'model', 'hello']
const exported = ['export', 'model', '-o', 'out']
const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`
const tokenizer = (changes: Json) => ({ 'tokenizer.json': changed('tokenizer.json', changes) })
const config = (changes: Json) => ({ 'config.json': changed('config.json', changes) })

const folders: readonly Hostile[] = [
  { title: 'a config.json of depth', files: { 'config.json': deep }, error: /deeper than 200/ },
  { title: 'a config.json that is a list', files: { 'config.json': '[]' }, error: /JSON object/ },
  { title: 'a config.json of NUL', files: { 'config.json': '\0'.repeat(99) }, error: /no JSON/ },
  {
    title: 'sixteen million labels',
    files: config({ id2label: null, num_labels: 2 ** 24 }),
    error: /at most \d+ labels/,
  },
  {
    title: 'a million layers',
    files: config({ num_hidden_layers: 1e6 }),
    error: /at most 1024 layers/,
  },
  {
    title: 'a width of 2^53',
    files: config({ hidden_size: 2 ** 53 }),
    error: /hidden_size to be a whole/,
  },
  { title: 'heads of no width', files: config({ num_attention_heads: 7 }), error: /multiple of/ },
  {
    title: 'a model type with commands to a terminal',
    files: config({ model_type: '\u001b[2J' }),
    error: /model_type/,
  },
  {
    title: 'a header of four exabytes',
    files: { 'model.safetensors': Buffer.alloc(99, 0x3f) },
    error: /header of at most/,
  },
  {
    title: 'a tensor of more elements than numbers',
    files: {
      'model.safetensors': safetensors(
        '{"a":{"dtype":"F32","shape":[9007199254740991,9007199254740991],"data_offsets":[0,4]}}',
        4,
      ),
    },
    error: /needs .* bytes/,
  },
  {
    title: 'a shard by ..',
    files: { 'model.safetensors': null, 'model.safetensors.index.json': index('../m') },
    error: /same folder, got '\.\.\/m'/,
  },
  {
    title: 'a shard by its root',
    files: { 'model.safetensors': null, 'model.safetensors.index.json': index('/etc/passwd') },
    error: /same folder/,
  },
  {
    title: 'a shard by a drive',
    files: { 'model.safetensors': null, 'model.safetensors.index.json': index('C:\\m') },
    error: /same folder/,
  },
  {
    title: 'modules out of the folder',
    files: { 'modules.json': JSON.stringify([{ type: 'x.Pooling', path: '../..' }]) },
    error: /inside the folder/,
  },
  {
    title: 'a pattern that never ends',
    files: tokenizer({
      pre_tokenizer: {
        type: 'Split',
        pattern: { Regex: '(a+)+$' },
        behavior: 'Isolated',
        invert: false,
      },
    }),
    args: text,
    error: /may take for ever/,
  },
  {
    title: 'an id beyond memory',
    files: tokenizer({ added_tokens: [{ id: 2 ** 31, content: 'x' }] }),
    args: text,
    error: /no id below/,
  },
  {
    title: 'ids beyond the embedding',
    files: tokenizer({
      added_tokens: [
        {
          id: 1e6,
          content: 'hello',
          special: true,
          normalized: false,
          single_word: false,
          lstrip: false,
          rstrip: false,
        },
      ],
    }),
    args: text,
    error: /expected ids below the \d+ of the model's embedding, got 1000000/,
  },
  {
    title: 'a tokenizer without a model',
    files: tokenizer({ model: null }),
    args: text,
    error: /has no 'model'/,
  },
  {
    title: 'a tokenizer of depth',
    files: { 'tokenizer.json': deep },
    args: text,
    error: /tokenizer\.json/,
  },
  {
    title: 'a folder in the place of config.json',
    damage: (f) => special(f, 'config.json', mkdirSync),
    error: /it is a folder/,
  },
  {
    title: 'a folder in the place of the weights',
    damage: (f) => special(f, 'model.safetensors', mkdirSync),
    error: /it is a folder/,
  },
  {
    title: 'a pipe in the place of config.json',
    damage: (f) => special(f, 'config.json', pipe),
    error: /pipe, socket or device/,
  },
  {
    title: 'a pipe in the place of the weights',
    damage: (f) => special(f, 'model.safetensors', pipe),
    error: /pipe, socket or device/,
  },
  {
    title: 'a pipe in the place of the tokenizer',
    damage: (f) => special(f, 'tokenizer.json', pipe),
    args: text,
    error: /pipe, socket or device/,
  },
  {
    title: 'a device in the place of config.json',
    damage: (f) => special(f, 'config.json', link('/dev/zero')),
    error: /link out|device/,
  },
  {
    title: 'config.json as a link out',
    damage: (f) => special(f, 'config.json', link('../moved-config.json')),
    error: /link out of the folder/,
  },
  {
    title: 'weights as a link out',
    damage: (f) => special(f, 'model.safetensors', link('../moved-model.safetensors')),
    error: /link out of the folder/,
  },
  {
    title: 'a tokenizer as a link out',
    damage: (f) => special(f, 'tokenizer.json', link('../moved-tokenizer.json')),
    args: text,
    error: /link out of the folder/,
  },
  {
    title: 'a vocabulary to copy as a link out',
    damage: (f) => special(f, 'vocab.txt', link('/etc/hostname')),
    args: exported,
    error: /link out of the folder/,
  },
  {
    title: 'links in a circle',
    damage: (f) => special(f, 'config.json', link('config.json')),
    error: /config\.json/,
  },
  {
    title: 'data that is a pipe',
    damage: (f) => pipe(join(f, '..', 'pipe.tsv')),
    args: ['eval', 'model', '--data', 'pipe.tsv', '--label', 'label'],
    error: /pipe, socket or device/,
  },
]

/** Lines of stderr that are not progress. */
const errorLines = (stderr: string): string[] =>
  stderr
    .slice(Math.max(0, stderr.indexOf('error: ')))
    .split('\n')
    .filter(Boolean)

async function refused(cwd: string, args: readonly string[], error: RegExp): Promise<void> {
  const before = contentsOf(cwd)
  const start = performance.now()
  const ended = await limbeck(args, { cwd })
  expect(errorLines(ended.stderr)).toEqual([expect.stringMatching(/^error: .*\.$/)])
  expect(ended.stderr).toMatch(error)
  expect(ended.stderr).not.toMatch(/^\s+at |internal:/m)
  expect(ended.stderr).not.toContain('\u001b')
  expect(ended.stdout).toBe('')
  expect([1, 2]).toContain(ended.code)
  expect(contentsOf(cwd)).toEqual({ ...before, 'tmp/': '' })
  expect(performance.now() - start).toBeLessThan(120_000)
}

describe('a hostile folder', () => {
  beforeAll(() => clear(scratch))

  it.each(folders.filter(({ damage }) => isPosix || !damage))('of $title', async (hostile) => {
    const { files = {}, damage, args, error } = hostile
    const cwd = join(scratch, String(folders.indexOf(hostile)))
    const model = modelWith(join(cwd, 'model'), files)
    dataSlice(join(cwd, 'dev.tsv'), 5)
    damage?.(model)
    for (const asked of args ? [args] : [exported, ['inspect', 'model']])
      await refused(cwd, asked, error)
  })

  it.each([
    ['external data by ..', '../a'],
    ['external data by its root', '/etc'],
    ['external data by a drive', 'C:\\x'],
    ['external data that is not there', 'none'],
  ])('of ONNX with %s', async (_, location) => {
    const cwd = join(scratch, `onnx-${location.replace(/\W/g, '')}`)
    mkdirSync(cwd, { recursive: true })
    writeFileSync(join(cwd, 'm.onnx'), externalAt(location))
    writeFileSync(join(scratch, 'a'), Buffer.alloc(64))
    await refused(
      cwd,
      ['bench', 'm.onnx', '--shapes', '1x8', '--seconds', '0.1'],
      /m\.onnx|external/i,
    )
  })

  // ONNX Runtime ends the process that runs it
  it.each([
    ['bench', 'm.onnx', '--shapes', '1x8', '--seconds', '0.1'],
    ['run', 'model', 'hello'],
    ['eval', 'model', '--data', 'dev.tsv', '--label', 'label'],
  ])('%s of a model that crashes ONNX Runtime', async (...args) => {
    const cwd = join(scratch, `crash-${args[0]}`)
    const model = modelWith(join(cwd, 'model'))
    dataSlice(join(cwd, 'dev.tsv'), 5)
    mkdirSync(join(model, 'onnx'))
    for (const file of ['m.onnx', 'model/onnx/model.onnx']) {
      writeFileSync(join(cwd, file), attentionWithoutBias())
    }
    await refused(cwd, args, /its process was killed by SIG|no answer|ONNX Runtime/)
  })
})
