/**
 * What bad input gets: one clear line, exit code 1 (2 for misuse), and an output folder that is as it was,
 * absent or byte by byte; nothing beside it, no temporary file.
 */

import { spawnSync } from 'node:child_process'
import {
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { create, toBinary } from '@bufbuild/protobuf'
import { beforeAll, describe, expect, it } from 'vitest'
import { ModelProtoSchema } from '../src/onnx/generated/onnx-ml.ts'
import { floatToHalf } from '../src/onnx/half-floats.ts'
import {
  type Changes,
  command,
  contentsOf,
  dataSlice,
  example,
  limbeck,
  main,
  modelWith,
} from './support/command.ts'
import { scratchFolder } from './support/tensors.ts'

const scratch = scratchFolder()
const fast = ['--shapes', '1x16', '--seconds', '0.3']
const labelled = ['--data', 'dev.tsv', '--label', 'label', ...fast]

const weights = readFileSync(join(example, 'model.safetensors'))
const config = JSON.parse(readFileSync(join(example, 'config.json'), 'utf8')) as object
const configWith = (changes: object): string => JSON.stringify({ ...config, ...changes })

type Header = Record<string, { dtype: string; shape: number[]; data_offsets: number[] }>

/** The example's weights under a changed header. */
function weightsWith(change: (header: Header) => void): Uint8Array {
  const length = Number(weights.readBigUInt64LE(0))
  const header = JSON.parse(weights.toString('utf8', 8, 8 + length)) as Header
  change(header)
  const text = Buffer.from(JSON.stringify(header))
  const size = Buffer.alloc(8)
  size.writeBigUInt64LE(BigInt(text.length))
  return Buffer.concat([size, text, weights.subarray(8 + length)])
}

const query = 'bert.encoder.layer.0.attention.self.query.weight'
const index = JSON.stringify({
  metadata: {},
  weight_map: { [query]: 'model-00001-of-00002.safetensors' },
})

/** The example's weights with another number in the middle of a tensor. */
function weightsHolding(value: number, name = query): Uint8Array {
  const length = Number(weights.readBigUInt64LE(0))
  const header = JSON.parse(weights.toString('utf8', 8, 8 + length)) as Header
  const [begin, end] = header[name]!.data_offsets as [number, number]
  const changed = Buffer.from(weights)
  const bits = floatToHalf(Float32Array.of(value))[0]!
  changed.writeUInt16LE(bits, 8 + length + begin + 2 * Math.floor((end - begin) / 4))
  return changed
}

/** An ONNX file with a weight of 8 bytes in a file beside it. */
function externalModel(location: string, more: Readonly<Record<string, string>> = {}): Uint8Array {
  const externalData = Object.entries({ location, ...more }).map(([key, value]) => ({ key, value }))
  const model = create(ModelProtoSchema, {
    irVersion: 8n,
    opsetImport: [{ domain: '', version: 17n }],
    graph: {
      name: 'g',
      input: [{ name: 'x' }],
      output: [{ name: 'y' }],
      initializer: [{ name: 't', dataType: 1, dims: [2n], dataLocation: 1, externalData }],
      node: [{ opType: 'Add', input: ['x', 't'], output: ['y'] }],
    },
  })
  return toBinary(ModelProtoSchema, model)
}

interface Case {
  readonly title: string
  /** Files of the model folder that differ from the example's. */
  readonly model?: Changes
  /** Content of `bad.tsv`. */
  readonly data?: string
  /** The command without its output folder; default: `optimize` on good data. */
  readonly args?: readonly string[]
  readonly code?: 1 | 2
  readonly error: RegExp
}

const badData = ['optimize', 'model', '--data', 'bad.tsv', '--label', 'label', ...fast]

const cases: readonly Case[] = [
  {
    title: 'a lone ONNX file, where text is to be read',
    model: { 'config.json': null, 'lone.onnx': 'text' },
    args: ['run', 'model/lone.onnx', 'hi'],
    error:
      /^model\/lone\.onnx: no config\.json beside it or in the folder above\. .*bench and inspect/,
  },
  {
    title: 'a folder that is not there',
    args: ['optimize', 'nowhere', ...labelled],
    error:
      /^nowhere: there is no such file or folder, and it is no id of the Hub \(org\/name\)\. .*Give the folder/,
  },
  {
    title: 'no model.safetensors',
    model: { 'model.safetensors': null },
    error: /^\S+model: model\.safetensors is missing\. Download the weights into the folder\.$/,
  },
  {
    title: 'a truncated model.safetensors',
    model: { 'model.safetensors': weights.subarray(0, 1_000_000) },
    error: /^\S+model\.safetensors: .*(truncated|expected|ends).*$/,
  },
  {
    title: 'a model.safetensors of a few bytes',
    model: { 'model.safetensors': weights.subarray(0, 5) },
    error:
      /^\S+model\.safetensors: expected a safetensors file, got 5 bytes\. The file is truncated/,
  },
  {
    title: 'a header that lies about offsets',
    model: {
      'model.safetensors': weightsWith((header) => {
        const [begin, end] = header[query]!.data_offsets as [number, number]
        header[query]!.data_offsets = [begin + 1e9, end + 1e9]
      }),
    },
    error: /^\S+model\.safetensors: tensor '\S+' leaves a hole before it: expected it to begin at/,
  },
  {
    title: 'a header that lies about sizes',
    model: {
      'model.safetensors': weightsWith((header) => {
        header[query]!.shape = [256, 512]
      }),
    },
    error: /^\S+model\.safetensors: tensor '\S+query\.weight'.*$/,
  },
  {
    title: 'a header longer than the file',
    model: { 'model.safetensors': Buffer.from([255, 255, 255, 255, 255, 0, 0, 0, 123, 125]) },
    error: /^\S+model\.safetensors: .*header.*$/,
  },
  {
    title: 'a missing shard',
    model: { 'model.safetensors': null, 'model.safetensors.index.json': index },
    error: /index\.json: its shard model-00001-of-00002\.safetensors is missing\. Download or copy/,
  },
  {
    title: 'a shard outside the folder',
    model: {
      'model.safetensors': null,
      'model.safetensors.index.json': index.replace('model-00001', '../model-00001'),
    },
    error: /expected a file in the same folder, got '\.\.\/model-00001/,
  },
  {
    title: 'a tensor of the wrong shape',
    model: { 'config.json': configWith({ intermediate_size: 512 }) },
    error:
      /layer\.0\.intermediate\.dense\.weight has shape \[1024,256\], expected \[512,256\] by config/,
  },
  {
    title: 'a tensor that is not there',
    model: { 'config.json': configWith({ num_hidden_layers: 5 }) },
    error: /layer\.4\./,
  },
  {
    title: 'an unknown model_type',
    model: { 'config.json': configWith({ model_type: 'brt' }) },
    error:
      /config\.json: model_type "brt" is not known; known are .*\bbert\b.*Did you mean bert\?$/,
  },
  {
    title: 'a configuration that is no JSON',
    model: { 'config.json': '{' },
    error: /config\.json: it is no JSON/,
  },
  {
    title: 'no tokenizer, and text to read',
    model: { 'tokenizer.json': null, 'vocab.txt': null },
    error: /model: no tokenizer\.json, which reading text needs\. Save the model's tokenizer there/,
  },
  {
    title: 'no tokenizer, and a text to run',
    model: { 'tokenizer.json': null, 'vocab.txt': null },
    args: ['run', 'model', 'hello'],
    error: /model: no tokenizer\.json/,
  },
  {
    title: 'a tokenizer that is cut short',
    model: { 'tokenizer.json': '{"model": {"vo' },
    error: /tokenizer\.json: expected a JSON object.*cut short/,
  },
  {
    title: 'no data file',
    args: ['optimize', 'model', '--data', 'none.tsv', '--label', 'label'],
    error: /none\.tsv: it does not exist\.$/,
  },
  {
    title: 'a data file without the column',
    args: ['optimize', 'model', '--data', 'dev.tsv', '--text', 'txt', '--label', 'label'],
    error: /^dev\.tsv: no column 'txt'; the columns are 'text', 'label'\. Did you mean 'text'\?$/,
  },
  {
    title: 'an unknown label',
    data: 'text\tlabel\nhello\ttrack_order\nhello\ttrack_ordr\n',
    args: badData,
    error: /^bad\.tsv:3: unknown label 'track_ordr'; .* Did you mean 'track_order'\?$/,
  },
  {
    title: 'a row with a column too many',
    data: 'text\tlabel\nhello\tthere\ttrack_order\n',
    args: badData,
    error: /^bad\.tsv:2: expected 2 columns as in the header, got 3\./,
  },
  {
    title: 'empty data',
    data: '',
    args: badData,
    error: /^bad\.tsv: expected rows of data, got nothing\./,
  },
  {
    title: 'data that is a header only',
    data: 'text\tlabel\n',
    args: badData,
    error: /^bad\.tsv: expected rows of data, got only a header\./,
  },
  {
    title: 'data of an unknown format',
    args: ['optimize', 'model', '--data', 'data.xlsx', '--label', 'label'],
    code: 2,
    error: /^data\.xlsx: unknown extension '\.xlsx'; known are tsv, csv, jsonl, json, parquet, txt/,
  },
  {
    title: 'shapes longer than the positions',
    args: ['optimize', 'model', '--shapes', '1x16,1x512'],
    code: 2,
    error: /^--shapes 1x512: the model takes at most 128 tokens\./,
  },
  {
    title: 'texts cut to more than the positions',
    args: ['eval', 'model', '--data', 'dev.tsv', '--label', 'label', '--max-length', '512'],
    code: 2,
    error: /^--max-length 512: the model takes at most 128 tokens\./,
  },
  {
    title: 'more threads than anybody has',
    args: ['run', 'model', 'hello', '--threads', '100000'],
    code: 2,
    error: /^--threads 100000: expected at most \d+, 8 for each core of this machine\.$/,
  },
  {
    title: 'an allowed drop that is no drop',
    args: ['optimize', 'model', '--max-drop', 'much'],
    code: 2,
    error: /much/,
  },
  {
    title: 'eval without labels',
    data: 'text\ttopic\nhello\tgreeting\n',
    args: ['eval', 'model', '--data', 'bad.tsv'],
    code: 2,
    error: /^eval needs the column of the label or score\. Name it with --label/,
  },
  {
    title: 'columns that nobody can tell',
    data: 'body\ttopic\nhello\tgreeting\n',
    args: ['eval', 'model', '--data', 'bad.tsv'],
    code: 2,
    error:
      /^bad\.tsv: cannot tell which column holds the text; the columns are 'body', 'topic'\. Name it with --text/,
  },
  {
    title: 'a label map of a class that is none',
    args: ['eval', 'model', '--data', 'dev.tsv', '--label-map', 'a=99'],
    code: 2,
    error: /^label map: 'a' is said to be "99", which is none of the model's classes: /,
  },
  {
    title: 'how data is read, without data',
    args: ['optimize', 'model', '--limit', '5'],
    code: 2,
    error: /^--limit says how data is read, and there is no --data\. Name the file with --data\.$/,
  },
  {
    title: 'a variant that the folder has not',
    args: ['run', 'old', 'hello', '--variant', 'model_q4'],
    code: 2,
    error: /^old: there is no variant model_q4\. Variants are files of its onnx folder/,
  },
  {
    title: 'a weight of NaN, to quantize',
    model: { 'model.safetensors': weightsHolding(Number.NaN) },
    args: ['quantize', 'model', '-o', 'new'],
    error:
      /^\S+self\.query\.weight holds NaN: a weight to quantize has to be finite\. .*--exclude\.$/,
  },
  {
    title: 'a weight of infinity, to quantize in blocks',
    model: { 'model.safetensors': weightsHolding(Number.POSITIVE_INFINITY) },
    args: ['quantize', 'model', '--scheme', 'int4', '-o', 'new'],
    error: /^\S+self\.query\.weight holds infinity: a weight to quantize has to be finite\./,
  },
  {
    title: 'a bias of NaN, to convert',
    model: { 'model.safetensors': weightsHolding(Number.NaN, query.replace('weight', 'bias')) },
    args: ['export', 'model', '--target', 'portable', '-o', 'new'],
    error: /^fp32 portable: \d+ of its outputs are not finite .*, since \S+query\.bias holds NaN\./,
  },
  {
    title: 'ranges of NaN',
    model: { 'model.safetensors': weightsHolding(Number.NaN) },
    args: [
      ...['quantize', 'model', '--scheme', 'static-int8', '--data', 'dev.tsv'],
      ...['--exclude', '*.0.attention.self.query', '-o', 'new'],
    ],
    error: /^Calibration found NaN in the input of \S+attention\.output\.dense\.weight, expected/,
  },
  {
    title: 'a pattern that matches nothing',
    args: ['quantize', 'model', '--exclude', '*.self.qery', '-o', 'new'],
    code: 2,
    error: /^--exclude \*\.self\.qery matches none of the model's \d+ layers and parameters\. /,
  },
  {
    title: 'ranges from no data',
    args: ['quantize', 'model', '--scheme', 'static-int8', '-o', 'new'],
    code: 2,
    error:
      /^--scheme static-int8 needs calibration data, and there is none\. .* take --scheme dynamic/,
  },
  {
    title: 'ranges from data that is not there',
    args: ['quantize', 'model', '--scheme', 'static-int8', '--data', 'none.tsv', '-o', 'new'],
    error: /^none\.tsv: there is no such file\.$/,
  },
  {
    title: 'ranges from columns that hold no text',
    data: 'a\tb\n1\t2\n',
    args: ['quantize', 'model', '--smooth', '--data', 'bad.tsv', '-o', 'new'],
    code: 2,
    error: /^bad\.tsv: cannot tell which column holds the text; the columns are 'a', 'b'\./,
  },
  {
    title: 'ranges of a file alone',
    model: { 'config.json': null, 'm.onnx': externalModel('m.bin'), 'm.bin': new Uint8Array(8) },
    args: ['quantize', 'model/m.onnx', '--scheme', 'static-int8', '--data', 'dev.tsv', '-o', 'new'],
    code: 2,
    error:
      /^--data: no config\.json lies beside m\.onnx .*, so there is nothing to read text with\./,
  },
  {
    title: 'blocks that no kernel has',
    args: ['quantize', 'model', '--scheme', 'int4', '--block', '20', '-o', 'new'],
    code: 2,
    error: /^--block 20 is no size that kernels have\. Sizes are 16, 32, 64, 128, 256\.$/,
  },
  {
    title: 'a setting of another scheme',
    args: ['quantize', 'model', '--scheme', 'fp16', '--symmetric', '-o', 'new'],
    code: 2,
    error:
      /^--symmetric means nothing to --scheme fp16\. It belongs to int8-weights, int4, q4f16\.$/,
  },
  {
    title: 'external data that is not there',
    model: { 'm.onnx': externalModel('m.bin') },
    args: ['fuse', 'model/m.onnx'],
    error: /m\.onnx: tensor 't': its external data m\.bin is missing\. Copy or download it/,
  },
  {
    title: 'external data that is cut short',
    model: { 'm.onnx': externalModel('m.bin', { offset: '4' }), 'm.bin': new Uint8Array(8) },
    args: ['export', 'model/m.onnx', '-o', 'new'],
    error: /m\.onnx: tensor 't': its external data m\.bin: expected at least 12 bytes, got 8\./,
  },
  {
    title: 'external data outside the folder',
    model: { 'm.onnx': externalModel('../dev.tsv') },
    args: ['quantize', 'model/m.onnx', '-o', 'new'],
    error: /tensor 't': expected external data in the folder of the model, got '\.\.\/dev\.tsv'\.$/,
  },
]

const misuse: readonly Case[] = [
  { title: 'no verb', args: [], error: /^Usage: limbeck/ },
  {
    title: 'an unknown verb',
    args: ['optimise', 'model'],
    error: /unknown command 'optimise'\s+\(Did you mean optimize\?\)/,
  },
  {
    title: 'an unknown option',
    args: ['optimize', 'model', '--max-dorp', '1%'],
    error: /unknown option '--max-dorp'\s+\(Did you mean --max-drop\?\)/,
  },
  {
    title: 'an option without its value',
    args: ['optimize', 'model', '--data'],
    error: /option '--data <file>' argument missing/,
  },
  {
    title: 'a value that is none',
    args: ['optimize', 'model', '--threads', 'two'],
    error: /'two' is invalid.*Expected a whole number, at least 1\./,
  },
  {
    title: 'no model',
    args: ['optimize'],
    error: /missing required argument 'model'/,
  },
  {
    title: 'no output folder where one is needed',
    args: ['export', 'model'],
    error: /required option '-o, --output <dir>' not specified/,
  },
  {
    title: 'a target that nobody knows',
    args: ['quantize', 'model', '--target', 'tpu', '-o', 'new'],
    error: /'tpu' is invalid.*Allowed choices are portable, cpu/,
  },
  {
    title: 'an unknown scheme',
    args: ['quantize', 'model', '--scheme', 'gptq', '-o', 'new'],
    error: /'gptq' is invalid.*Allowed choices are dynamic-int8, static-int8, int8-weights/,
  },
]

/** Lines of stderr that are not progress. */
const errorLines = (stderr: string): string[] => {
  const lines = stderr.split('\n')
  const start = lines.findIndex((line) => line.startsWith('error: '))
  return start < 0 ? lines : lines.slice(start).filter((line) => line !== '')
}

describe('bad input', () => {
  const old = join(scratch, 'old')

  // an output of ours, from data with a text that is longer than the model takes
  beforeAll(async () => {
    modelWith(join(scratch, 'model'))
    dataSlice(join(scratch, 'dev.tsv'), 40)
    const good = readFileSync(join(scratch, 'dev.tsv'), 'utf8')
    writeFileSync(
      join(scratch, 'long.tsv'),
      `${good}${'where is my parcel '.repeat(100)}\ttrack_order\n`,
    )
    const args = ['optimize', 'model', '--data', 'long.tsv', '--label', 'label', ...fast]
    const { code, stderr } = await limbeck([...args, '-o', 'old'], { cwd: scratch })
    expect(stderr).not.toMatch(/^error/m)
    expect(code).toBe(0)
  })

  it.each(cases)('$title', async ({ model = {}, data, args, code = 1, error }) => {
    const cwd = join(scratch, `case-${Math.random().toString(36).slice(2)}`)
    modelWith(join(cwd, 'model'), model)
    dataSlice(join(cwd, 'dev.tsv'), 20)
    if (data !== undefined) writeFileSync(join(cwd, 'bad.tsv'), data)
    symlinkSync(old, join(cwd, 'old'))
    const before = contentsOf(cwd)
    const typed = args ?? ['optimize', 'model', ...labelled]
    const ended = await limbeck(typed[0] === 'optimize' ? [...typed, '-o', 'new'] : typed, { cwd })
    expect(errorLines(ended.stderr)).toEqual([expect.stringMatching(/^error: /)])
    expect(errorLines(ended.stderr)[0]!.replace('error: ', '')).toMatch(error)
    expect(ended.stderr).not.toMatch(/^\s+at |internal:/m)
    expect(ended.stdout).toBe('')
    expect(ended.code).toBe(code)
    expect(contentsOf(cwd)).toEqual({ ...before, 'tmp/': '' })
  })

  it.each(misuse)('misuse: $title', async ({ args = [], error }) => {
    const before = contentsOf(scratch)
    const { code, stdout, stderr } = await limbeck(args, { cwd: scratch })
    expect(stderr.replace(/^error: /, '')).toMatch(error)
    expect(stderr).not.toMatch(/^\s+at |internal:/m)
    expect(stdout).toBe('')
    expect(code).toBe(2)
    expect(contentsOf(scratch)).toEqual(before)
  })

  it('counts texts that were cut to the positions in the report', () => {
    const { report } = JSON.parse(readFileSync(join(old, 'limbeck.json'), 'utf8')) as {
      report: { data: { rows: number; truncated: number; maxLength: number }; notes: string[] }
    }
    expect(report.data).toMatchObject({ rows: 41, truncated: 1, maxLength: 128 })
    expect(report.notes.join()).toContain('longer than 128 tokens')
  })

  it('exports without a tokenizer: no text is read', async () => {
    const cwd = join(scratch, 'without-tokenizer')
    modelWith(join(cwd, 'model'), { 'tokenizer.json': null, 'vocab.txt': null })
    const { code, stderr } = await limbeck(
      ['export', 'model', '--target', 'portable', '-o', 'new'],
      { cwd },
    )
    expect(stderr).not.toMatch(/^error/m)
    expect(code).toBe(0)
    expect(readdirSync(join(cwd, 'new')).sort()).toEqual(
      expect.arrayContaining(['config.json', 'limbeck.json', 'onnx']),
    )
  })
})

describe('an output folder that is in the way', () => {
  const cwd = join(scratch, 'outputs')
  const to = (output: string, ...more: string[]) =>
    limbeck(['export', 'model', '--target', 'cpu', '-o', output, ...more], { cwd })

  beforeAll(() => {
    modelWith(join(cwd, 'model'))
    mkdirSync(join(cwd, 'mine'))
    writeFileSync(join(cwd, 'mine/notes.txt'), 'mine')
    writeFileSync(join(cwd, 'file'), 'mine')
    mkdirSync(join(cwd, 'ours'))
    writeFileSync(join(cwd, 'ours/limbeck.json'), '{}')
    mkdirSync(join(cwd, 'tmp'))
  })

  it.each([
    ['a folder of other files', ['mine'], /^error: mine: the folder is not empty and was not writ/],
    ['the same with --overwrite', ['mine', '--overwrite'], /was not written by Limbeck\. Give ano/],
    ['a folder of ours', ['ours'], /^error: ours: the folder is not empty\. Pass --overwrite/],
    ['a file', ['file'], /^error: file: expected a folder to write, found a file\./],
    ['a folder below a file', ['file/new'], /^error: .*file/],
  ] as const)('%s', async (_, [output, ...more], error) => {
    const before = contentsOf(cwd)
    const { code, stdout, stderr } = await to(output, ...more)
    expect(errorLines(stderr)).toEqual([expect.stringMatching(error)])
    expect(stderr).not.toMatch(/^\s+at |internal:/m)
    expect(stdout).toBe('')
    expect(code).toBe(output === 'file/new' ? 1 : 2)
    expect(contentsOf(cwd)).toEqual(before)
  })
})

/** Whether a disk of our own can be made: a file system in memory, seen by one process only. */
const ownDisk =
  process.platform === 'linux' &&
  spawnSync('unshare', ['-rm', 'sh', '-c', 'mount -t tmpfs none /mnt']).status === 0

describe.skipIf(!ownDisk)('a full disk (needs unshare and tmpfs)', () => {
  const onDisk = (cwd: string, bytes: number, script: string) =>
    command(
      'unshare',
      [
        '-rm',
        'sh',
        '-c',
        `mount -t tmpfs -o size=${bytes} none disk && cp -r seed/. disk && ${script}; code=$?; ` +
          'rm -rf seen; cp -r disk seen; exit $code',
      ],
      { cwd, env: { LIMBECK: main } },
    )

  it.each([
    ['in the middle of the weights', 'old', -1500],
    ['with room for the weights alone', 'nothing', 0],
    ['with room for the weights and half of the tokenizer', 'none', 4],
  ] as const)('%s', async (_, seed, pages) => {
    const cwd = join(scratch, `disk-${seed}`)
    modelWith(join(cwd, 'model'))
    for (const name of ['disk', 'seen']) mkdirSync(join(cwd, name))
    mkdirSync(join(cwd, 'seed'))
    if (seed === 'old') {
      mkdirSync(join(cwd, 'seed/out'))
      cpSync(join(scratch, 'old/limbeck.json'), join(cwd, 'seed/out/limbeck.json'))
    }
    const { size } = statSync(join(scratch, 'without-tokenizer/new/onnx/model.onnx'))
    const bytes = (Math.ceil(size / 4096) + pages) * 4096
    const { code, stderr } = await onDisk(
      cwd,
      bytes,
      'node $LIMBECK export model --target portable --overwrite -o disk/out',
    )
    expect(errorLines(stderr)).toEqual([
      expect.stringMatching(/^error: disk\/out.*: the disk is full\.$/),
    ])
    expect(stderr).not.toMatch(/^\s+at |internal:/m)
    expect(code).toBe(1)
    expect(contentsOf(join(cwd, 'seen'))).toEqual(contentsOf(join(cwd, 'seed')))
    expect(contentsOf(join(cwd, 'tmp'))).toEqual({})
  })
})
