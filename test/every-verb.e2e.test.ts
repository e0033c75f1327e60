/**
 * What every verb owes its user, asked of all in one table: with --json one document on stdout and nothing
 * else anywhere, errors likewise and with the same exit codes; a closed pipe is quiet; --debug shows the
 * stack and nothing else does; no temporary file stays. Cancelling has a test of its own.
 */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { verbs } from '../src/cli/verbs.ts'
import { contentsOf, dataSlice, type Ended, limbeck, main, modelWith } from './support/command.ts'
import { scratchFolder } from './support/tensors.ts'

interface Row {
  /** A command line that succeeds soon, without the verb. */
  readonly good: readonly string[]
  /** Keys that its document must have. */
  readonly keys: readonly string[]
  /** One that fails, with code 1; absent where nothing can. */
  readonly bad?: readonly string[]
  /** It is not misuse of an option but of a value: code 2. */
  readonly misuse: readonly string[]
}

const data = ['--data', 'dev.tsv', '--label', 'label']
const fast = ['--shapes', '1x8', '--seconds', '0.2']

const rows: Readonly<Record<string, Row>> = {
  optimize: {
    good: ['model', ...data, ...fast, '-o', 'optimized', '--overwrite', '--explain'],
    keys: ['folder', 'report'],
    bad: ['nowhere', ...data],
    misuse: ['model', ...data, '--max-drop', 'much'],
  },
  export: {
    good: ['model', '-o', 'exported', '--overwrite', '--target', 'cpu', '--explain'],
    keys: ['folder', 'variants', 'verified'],
    bad: ['nowhere', '-o', 'none'],
    misuse: ['model', '-o', 'dev.tsv'],
  },
  // of the file that export wrote
  fuse: {
    good: ['exported/onnx/model_cpu.onnx', ...fast, '-o', 'fused.onnx', '--overwrite', '--explain'],
    keys: ['source', 'files', 'notes'],
    bad: ['nowhere.onnx'],
    misuse: ['model', '--seconds', '-1'],
  },
  quantize: {
    good: ['model', '-o', 'quantized', '--overwrite', '--target', 'cpu'],
    keys: ['folder', 'variants', 'verified'],
    bad: ['nowhere', '-o', 'none'],
    misuse: ['model', '-o', 'none', '--weight-bits', '9'],
  },
  sensitivity: {
    good: ['model', ...data, '--limit', '4', '--threads', '1'],
    keys: ['layers', 'loss', 'all'],
    bad: ['model', '--data', 'nowhere.tsv'],
    misuse: ['model', ...data, '--threads', '9999'],
  },
  distill: {
    good: [
      'model',
      ...data,
      '--limit',
      '16',
      '--steps',
      '2',
      '--seconds',
      '0',
      '-o',
      'taught',
      '--overwrite',
    ],
    keys: ['folder', 'training', 'report'],
    bad: ['nowhere', ...data, '-o', 'none'],
    misuse: ['model', ...data, '--method', 'magic', '-o', 'none'],
  },
  prune: {
    good: ['model', '--layers', 'every-second', '-o', 'pruned', '--overwrite', '--seconds', '0'],
    keys: ['folder', 'kept', 'parameters', 'report'],
    bad: ['nowhere', '-o', 'none'],
    misuse: ['model', '--layers', '99', '-o', 'none'],
  },
  train: {
    good: [
      ...['model', ...data, '-o', 'trained', '--overwrite', '--threads', '1'],
      ...['--steps', '2', '--batch', '4', '--seconds', '0.1'],
    ],
    keys: ['folder', 'training', 'report'],
    bad: ['model', '--data', 'nowhere.tsv', '-o', 'none'],
    misuse: ['model', ...data, '-o', 'none', '--warmup', '1.5'],
  },
  // of the file that export wrote
  compare: {
    good: ['model', 'exported', '--data', 'dev.tsv', '--limit', '4', '--threads', '1'],
    keys: ['tensors', 'worst', 'answers'],
    bad: ['model', 'nowhere'],
    misuse: ['model', 'exported', '--tolerance', 'none'],
  },
  eval: {
    good: ['model', ...data],
    keys: ['metrics', 'n', 'batchSize'],
    bad: ['model', '--data', 'nowhere.tsv', '--label', 'label'],
    misuse: ['model', ...data, '--threads', '9999'],
  },
  bench: {
    good: ['model', ...fast, '--threads', '1'],
    keys: ['rows'],
    bad: ['nowhere.onnx'],
    misuse: ['model', '--shapes', '1x99999'],
  },
  run: {
    good: ['model', 'where is my parcel?'],
    keys: ['answer', 'ms', 'tokens'],
    bad: ['nowhere', 'a text'],
    misuse: ['model'],
  },
  inspect: {
    good: ['model', '--shape', '1x8', '--explain'],
    keys: ['parameters', 'variants', 'advice'],
    bad: ['nowhere'],
    misuse: ['model', '--shape', '1x99999'],
  },
  // of the folder that optimize wrote
  report: {
    good: ['optimized', '--seconds', '0.1', '--threads', '1', '--lengths', '8'],
    keys: ['report', 'files'],
    bad: ['nowhere'],
    misuse: ['model'],
  },
  doctor: { good: [], keys: ['findings', 'facts'], misuse: ['model'] },
}

const cwd = scratchFolder()
const each = Object.entries(rows)
const stack = /^\s+at /m

/** What the folder of temporary files holds. */
const left = () => contentsOf(join(cwd, 'tmp'))

/** The one document on stdout. */
function documentOf(stdout: string): Record<string, unknown> {
  expect(stdout).toMatch(/\n$/)
  return JSON.parse(stdout) as Record<string, unknown>
}

/** Runs a verb whose reader is gone before it prints. */
function toClosedPipe(args: readonly string[]): Promise<{ code: number | null; stderr: string }> {
  const child = spawn(process.execPath, [main, ...args], { cwd, stdio: ['ignore', 'pipe', 'pipe'] })
  child.stdout.destroy()
  let stderr = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  return new Promise((done) => child.on('close', (code) => done({ code, stderr })))
}

beforeAll(() => {
  modelWith(join(cwd, 'model'))
  dataSlice(join(cwd, 'dev.tsv'), 20)
})

it('the table has every verb', () => {
  expect(Object.keys(rows).sort()).toEqual(Object.keys(verbs).sort())
})

describe.each(each)('%s', (verb, { good, keys, bad, misuse }) => {
  it('--json: one document, nothing beside it', async () => {
    const { code, stdout, stderr } = await limbeck([verb, ...good, '--json'], { cwd })
    expect(stderr).toBe('')
    expect(code).toBe(0)
    expect(Object.keys(documentOf(stdout))).toEqual(expect.arrayContaining([...keys]))
    expect(left()).toEqual({})
  })

  it.runIf(bad)('bad input: code 1 and an error, as a line and as a document', async () => {
    const before = contentsOf(cwd)
    const asked = [[], ['--json'], ['--debug']].map((more) =>
      limbeck([verb, ...bad!, ...more], { cwd }),
    )
    const [plain, json, debug] = (await Promise.all(asked)) as [Ended, Ended, Ended]
    expect([plain, json, debug].map((run) => run.code)).toEqual([1, 1, 1])
    expect(plain.stdout).toBe('')
    expect(plain.stderr).toMatch(/^error: nowhere.*: .+\.\n$/)
    const { error } = documentOf(json.stdout) as { error: { code: string; message: string } }
    expect(error.code).toMatch(/^(file|input)$/)
    expect(plain.stderr).toContain(error.message)
    expect(json.stderr).toMatch(/^error: .*\n$/)
    expect(debug.stderr).toMatch(stack)
    expect(contentsOf(cwd)).toEqual(before)
  })

  it('misuse: code 2, and where help is', async () => {
    const before = contentsOf(cwd)
    const [value, option] = await Promise.all([
      limbeck([verb, ...misuse, '--json'], { cwd }),
      limbeck([verb, ...good, '--bogus'], { cwd }),
    ])
    expect([value.code, option.code]).toEqual([2, 2])
    expect(documentOf(value.stdout)).toMatchObject({ error: { code: 'usage' } })
    expect(value.stderr).toMatch(/^error: .+/)
    expect(`${value.stderr}${option.stderr}`).not.toMatch(stack)
    expect(option.stdout).toBe('')
    expect(option.stderr).toBe(`error: unknown option '--bogus'\nSee limbeck ${verb} --help.\n`)
    expect(contentsOf(cwd)).toEqual(before)
  })

  it('--help to a closed pipe says nothing', async () => {
    expect(await toClosedPipe([verb, '--help'])).toEqual({ code: 0, stderr: '' })
  })
})

it('a result to a closed pipe is quiet too, and the work is done', async () => {
  const { code, stderr } = await toClosedPipe(['export', 'model', '-o', 'piped', '--target', 'cpu'])
  expect(code).toBe(0)
  expect(stderr).not.toMatch(/error|EPIPE|internal/)
  expect(contentsOf(join(cwd, 'piped'))).toHaveProperty('onnx/model_cpu.onnx')
})

it('colours are for terminals, or where they are asked for', async () => {
  const asked = [{}, { FORCE_COLOR: '1' }, { FORCE_COLOR: '0' }].map((env) =>
    limbeck(['doctor'], { cwd, env: { NO_COLOR: '', ...env } }),
  )
  const colored = (await Promise.all(asked)).map(({ stdout }) => stdout.includes('\u001b['))
  expect(colored).toEqual([false, true, false])
})
