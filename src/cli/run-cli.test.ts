import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { LimbeckError } from '../errors.ts'
import { fullReport } from '../report/testing/sample-details.ts'
import { sampleReport } from '../report/testing/sample-report.ts'
import { runCli } from './run-cli.ts'
import { fakeContext } from './testing/fake-context.ts'

const jobs = vi.hoisted(() => ({
  optimize: vi.fn(),
  exportModel: vi.fn(),
  quantize: vi.fn(),
  evaluate: vi.fn(),
  bench: vi.fn(),
  run: vi.fn(),
  runVariants: vi.fn(),
  report: vi.fn(),
}))
vi.mock('../jobs/optimize.ts', () => ({ optimize: jobs.optimize }))
vi.mock('../jobs/export-model.ts', () => jobs)
vi.mock('../jobs/evaluate.ts', () => ({ evaluate: jobs.evaluate }))
vi.mock('../jobs/bench.ts', () => ({ bench: jobs.bench }))
vi.mock('../jobs/run.ts', () => ({ run: jobs.run }))
vi.mock('../jobs/report.ts', () => ({ report: jobs.report }))
vi.mock('../jobs/run-variants.ts', () => ({ runVariants: jobs.runVariants }))

beforeEach(() => {
  jobs.optimize.mockResolvedValue({ report: sampleReport, folder: '/out' })
})
afterEach(() => vi.clearAllMocks())

const limbeck = async (...args: string[]) => {
  const context = fakeContext()
  const code = await runCli(args, context)
  return { code, out: context.stdout.text, err: context.stderr.text }
}

/** What a job was called with, without what every call has. */
const called = (job: keyof typeof jobs) => {
  const { signal: _, progress: __, ...options } = jobs[job].mock.calls[0]![0]
  return JSON.parse(JSON.stringify(options)) as unknown
}

test('optimize: every option reaches the job by its name', async () => {
  const line =
    'optimize ./m --data dev.tsv --text s --text-pair t --label y --task regression --encoding latin1 --no-header --limit 5 --max-length 64 --max-drop 1% --strict --threads 2 --shapes 1x16,8x128 --seconds 3 --batch-size 8 --seed 0 -o out --overwrite'
  expect((await limbeck(...line.split(' '))).code).toBe(0)
  expect(called('optimize')).toMatchInlineSnapshot(`
    {
      "batchSize": 8,
      "command": "limbeck optimize ./m --data dev.tsv --text s --text-pair t --label y --task regression --encoding latin1 --no-header --limit 5 --max-length 64 --max-drop 1% --strict --threads 2 --shapes 1x16,8x128 --seconds 3 --batch-size 8 --seed 0 -o out --overwrite",
      "data": {
        "encoding": "latin1",
        "file": "dev.tsv",
        "header": false,
        "label": "y",
        "limit": 5,
        "task": "regression",
        "text": "s",
        "textPair": "t",
      },
      "maxDrop": "1%",
      "maxLength": 64,
      "model": "./m",
      "output": "out",
      "overwrite": true,
      "seconds": 3,
      "seed": 0,
      "shapes": "1x16,8x128",
      "strict": true,
      "threads": 2,
    }
  `)
})

test('optimize: a student reaches the job with its data; none is none', async () => {
  const line = 'optimize ./m --data dev.tsv --distill 2x128 --train-data train.tsv --epochs 5'
  expect((await limbeck(...line.split(' '), '--learning-rate', '5e-4', '--resume')).code).toBe(0)
  expect(called('optimize')).toMatchObject({
    data: { file: 'dev.tsv' },
    distill: { student: '2x128', data: 'train.tsv', epochs: 5, learningRate: 5e-4, resume: true },
  })
  jobs.optimize.mockClear()
  await limbeck(...line.replace('2x128', 'none').split(' '))
  expect(called('optimize')).not.toHaveProperty('distill')
  const half = await limbeck(...'optimize ./m --data dev.tsv --distill 2x128'.split(' '))
  expect(half.err).toBe('error: --distill needs data to learn from. Name it with --train-data.\n')
  const other = await limbeck(...'optimize ./m --data dev.tsv --train-data train.tsv'.split(' '))
  expect(other.err).toMatch(/^error: --train-data is for a student, and there is no --distill\./)
  expect([half.code, other.code]).toEqual([2, 2])
})

test('optimize: what is not given is left to the job', async () => {
  await limbeck('optimize', './m')
  expect(called('optimize')).toEqual({ model: './m', command: 'limbeck optimize ./m' })
})

test('optimize prints one table and where everything lies', async () => {
  const { out } = await limbeck('optimize', './m')
  expect(`\n${out}`).toMatchInlineSnapshot(`
    "
       variant           file                              size      p50      p95              speed-up  peak memory               accuracy                 drop
    ─  ────────────────  ─────────────────────────────  ───────  ───────  ───────  ────────────────────  ───────────  ─────────────────────  ───────────────────
       fp32 as exported  –                              15.2 MB  8.42 ms  9.09 ms                    1×       141 MB  94.4 % (93.0 to 95.5)                    –
       fp32 optimized    onnx/model_cpu.onnx            15.1 MB  6.93 ms  7.48 ms  1.22× (1.19 to 1.24)       139 MB  94.4 % (93.0 to 95.5)     0.00 pt (proven)
       INT8 portable     onnx/model_quantized.onnx      3.92 MB  4.13 ms  4.46 ms  2.04× (2.00 to 2.08)       117 MB  93.7 % (92.3 to 94.9)  0.68 pt (undecided)
    ✔  INT8              onnx/model_cpu_quantized.onnx  3.90 MB  3.38 ms  3.65 ms  2.49× (2.44 to 2.54)       113 MB  94.3 % (92.8 to 95.4)     0.12 pt (proven)

    Latency at 1x128, 1 thread; p50, p95 and speed-up interleaved with fp32 as exported; intervals 95 %.
    INT8 is 2.49× as fast (2.44 to 2.54) and 3.90× smaller than fp32 as exported; accuracy 94.3 %, the source 94.4 %. The
    fastest variant that is not rejected.
    Verdict proven: a drop of 0.12 pt on 1,600 paired examples, at most 0.49 pt with 95 % confidence; 0.94 pt is allowed
    (1%).
    Note: 4 threads are more than the 2 cores allotted: those rows are not to be quoted.

    Written to /out
      /out/onnx/model_cpu_quantized.onnx
      /out/onnx/model_quantized.onnx
      /out/report.html
    "
  `)
})

test('--json prints one document, and nothing else', async () => {
  const { code, out, err } = await limbeck('optimize', './m', '--json')
  expect(code).toBe(0)
  expect(err).toBe('')
  expect(JSON.parse(out)).toEqual({
    folder: '/out',
    report: JSON.parse(JSON.stringify(sampleReport)),
  })
})

test('export and quantize', async () => {
  const written = { variants: [], verified: [], folder: '/out', seconds: 1.2, peakBytes: 1 }
  jobs.exportModel.mockResolvedValue(written)
  jobs.quantize.mockResolvedValue({
    ...written,
    variants: [{ name: 'INT8', file: 'onnx/model_quantized.onnx', bytes: 4e6, nodes: 231 }],
    verified: [{ name: 'INT8', maxAbsError: 0.0123, cosine: 0.99987 }],
  })
  await limbeck('export', './m', '-o', 'out', '--target', 'cpu', '--external-data')
  expect(called('exportModel')).toEqual({
    model: './m',
    output: 'out',
    targets: ['cpu'],
    externalData: true,
  })
  const line = 'quantize ./m -o out --weight-bits 7 --exclude a.*,b --exclude c'
  const { out } = await limbeck(...line.split(' '))
  expect(called('quantize')).toEqual({
    model: './m',
    output: 'out',
    scheme: 'dynamic-int8',
    weightBits: 7,
    exclude: ['a.*', 'b', 'c'],
  })
  expect(`\n${out}`).toMatchInlineSnapshot(`
    "
    "
  `)
})

test('eval', async () => {
  jobs.evaluate.mockResolvedValue({
    file: '/out/onnx/model.onnx',
    task: 'similarity',
    metrics: [
      {
        name: 'spearman',
        value: 0.82031,
        interval: { low: 0.8, high: 0.84 },
        n: 1379,
        better: 'higher',
      },
    ],
    n: 1379,
    truncated: 3,
    maxLength: 128,
    batchSize: 32,
    seconds: 12.3,
    examplesPerSecond: 112,
  })
  const { out } = await limbeck('eval', './m', '--data', 'sts.csv', '--text', '6', '--no-header')
  expect(called('evaluate')).toEqual({
    model: './m',
    data: { file: 'sts.csv', text: '6', header: false },
  })
  expect(`\n${out}`).toMatchInlineSnapshot(`
    "
    metric        value (95 % interval)
    ────────  ─────────────────────────
    Spearman  0.8203 (0.8000 to 0.8400)
    1,379 examples (similarity), 3 texts cut to 128 tokens, batch size 32.
    12.3 s, 112 examples a second.
    Model: /out/onnx/model.onnx
    "
  `)
})

test('bench', async () => {
  const interval = { low: 3.3, high: 3.5 }
  const entry = {
    n: 40,
    min: 3,
    mean: 3.4,
    p50: 3.38,
    p95: 3.65,
    p50Interval: interval,
    p95Interval: interval,
    tokensPerSecond: 37870,
    memory: { peak: 112.7e6, baseline: 9e7, afterLoad: 1e8, model: 2e7 },
    turn: { warm: 1, timed: 4 },
    rounds: [[3.4, 3.3]],
  }
  const row = { shape: { batch: 1, sequence: 128 }, vs: 'raw' }
  const vsRival = { speedup: 2.41, interval: { low: 2.35, high: 2.47 } }
  const entries = [
    { ...entry, name: 'raw' },
    { ...entry, name: 'int8', vsRival },
  ]
  jobs.bench.mockResolvedValue({
    rows: [
      { ...row, threads: 1, oversubscribed: false, entries },
      { ...row, threads: 4, oversubscribed: true, entries: [{ ...entry, name: 'int8' }] },
    ],
  })
  const { out } = await limbeck('bench', './m', '--vs', 'raw.onnx', '--threads', '1,4')
  expect(called('bench')).toEqual({ model: './m', vs: 'raw.onnx', threads: [1, 4] })
  expect(`\n${out}`).toMatchInlineSnapshot(`
    "
    shape  threads  model                     p50      p95              speed-up  tokens/s  peak memory
    ─────  ───────  ─────  ──────────────────────  ───────  ────────────────────  ────────  ───────────
    1x128        1  raw    3.38 ms (3.30 to 3.50)  3.65 ms                    1×    37,870       113 MB
    1x128        1  int8   3.38 ms (3.30 to 3.50)  3.65 ms  2.41× (2.35 to 2.47)    37,870       113 MB
    1x128      4 !  int8   3.38 ms (3.30 to 3.50)  3.65 ms                    1×    37,870       113 MB
    p50 and p95 in one process each, turns interleaved; intervals 95 %.
    ! more threads than the cores allotted: oversubscribed, not a figure to quote.
    "
  `)
  const { out: json } = await limbeck('bench', './m', '--json')
  expect(JSON.parse(json).rows[0].entries[1]).toMatchObject({ name: 'int8', rounds: 1, vsRival })
})

const answers = {
  labels: [
    { label: 'refund', score: 0.981 },
    { label: '\u001b[31mred', score: 0.019 },
  ],
  vector: Array.from({ length: 384 }, (_, i) => i / 1000),
  entities: [{ text: 'Ada', label: 'PER', score: 0.99, start: 0, end: 3 }],
}

test('run: an answer of each kind', async () => {
  const kinds = [
    { kind: 'labels', labels: answers.labels },
    { kind: 'vector', vector: answers.vector },
    { kind: 'entities', entities: answers.entities },
    { kind: 'span', text: 'in 1843', score: 0.87 },
    { kind: 'value', value: 2.345678901 },
    { kind: 'similarities', labels: [{ label: 'sport', score: 0.41234 }] },
    { kind: 'masks', masks: [[{ token: ' capital', id: 812, score: 0.91 }]] },
    {
      kind: 'masks',
      masks: ['a', 'b'].map((token, id) => [{ token, id, score: 0.5 }]),
    },
    {
      kind: 'ranking',
      documents: [{ rank: 1, score: -1.25, text: `It is\t${'long '.repeat(30)}`, index: 4 }],
    },
  ]
  const texts: string[] = []
  for (const answer of kinds) {
    jobs.run.mockResolvedValue({ answer, ms: 1.234, tokens: 7, truncated: false })
    texts.push((await limbeck('run', './m', 'a text', 'another', '--threads', '2')).out)
  }
  expect(called('run')).toEqual({ model: './m', text: 'a text', textPair: 'another', threads: 2 })
  expect(`\n${texts.join('\n')}`).toMatchInlineSnapshot(`
    "
    label     probability
    ────────  ───────────
    refund         98.1 %
    �[31mred        1.9 %
    1.23 ms, 7 tokens

    [0.0000, 0.0010, 0.0020, 0.0030, 0.0040, 0.0050, 0.0060, 0.0070, … (384 values; --json prints all)]
    1.23 ms, 7 tokens

    entity  label  probability  characters
    ──────  ─────  ───────────  ──────────
    Ada     PER         99.0 %         0-3
    1.23 ms, 7 tokens

    answer   probability
    ───────  ───────────
    in 1843       87.0 %
    1.23 ms, 7 tokens

    2.34568
    1.23 ms, 7 tokens

    label  cosine
    ─────  ──────
    sport  0.4123
    1.23 ms, 7 tokens

    word     probability
    ───────  ───────────
    capital       91.0 %
    1.23 ms, 7 tokens

    mask  word  probability
    ────  ────  ───────────
       1  a          50.0 %
       2  b          50.0 %
    1.23 ms, 7 tokens

    rank    score  text
    ────  ───────  ────────────────────────────────────────────────────────────────────────────────────────────────
       1  -1.2500  It is long long long long long long long long long long long long long long long long long long…
    1.23 ms, 7 tokens
    "
  `)
})

test('run: what a task needs', async () => {
  jobs.run.mockResolvedValue({ answer: { kind: 'value', value: 1 }, ms: 1, tokens: 1 })
  await limbeck('run', './m', 'a', '--candidates', 'x, y', '--multi-label', '--task', 'zero-shot')
  expect(called('run')).toEqual({
    ...{ model: './m', text: 'a', task: 'zero-shot' },
    ...{ candidates: ['x', 'y'], multiLabel: true },
  })
  jobs.run.mockClear()
  await limbeck('run', './m', '--query', 'q', '--documents', 'd.txt', '--top', '3')
  expect(called('run')).toEqual({ model: './m', text: 'q', documents: 'd.txt', top: 3 })
  const { code, err } = await limbeck('run', './m', '--query', 'q', '--question', 'p')
  expect([code, err]).toEqual([2, 'error: --question and --query cannot both be given.\n'])
})

test('run --all-variants: what each says, rankings by their order', async () => {
  const document = { rank: 1, score: 1, text: 'the first', index: 0 }
  const one = { ms: 1, tokens: 9, truncated: false }
  const kinds = [
    [
      { kind: 'ranking', documents: [document] },
      { tau: 0.98765, sameFirst: true },
    ],
    [{ kind: 'masks', masks: [[{ token: 'a', id: 1, score: 0.5 }]] }],
    [{ kind: 'similarities', labels: [{ label: 'sport', score: 0.25 }] }],
  ]
  const texts: string[] = []
  for (const [answer, order] of kinds) {
    jobs.runVariants.mockResolvedValue([
      { ...one, variant: 'fp32 portable', answer },
      { ...one, variant: 'INT8', answer, ...(order && { order }) },
    ])
    texts.push((await limbeck('run', './m', 'a text', '--all-variants')).out)
  }
  expect(`\n${texts.join('\n')}`).toMatchInlineSnapshot(`
    "
    variant        first document  order (Kendall's tau)  latency
    ─────────────  ──────────────  ─────────────────────  ───────
    fp32 portable  the first                           –  1.00 ms
    INT8           the first                      0.9877  1.00 ms
    Every variant gives the same first document.
    9 tokens; medians of single runs.

    variant        answer  probability  latency
    ─────────────  ──────  ───────────  ───────
    fp32 portable  a            50.0 %  1.00 ms
    INT8           a            50.0 %  1.00 ms
    Every variant gives the same answer.
    9 tokens; medians of single runs.

    variant        answer  cosine  latency
    ─────────────  ──────  ──────  ───────
    fp32 portable  sport   0.2500  1.00 ms
    INT8           sport   0.2500  1.00 ms
    Every variant gives the same answer.
    9 tokens; medians of single runs.
    "
  `)
})

test.each([
  [[], 'Usage: limbeck'],
  [['optimise', './m'], 'Did you mean optimize?'],
  [['optimize'], "missing required argument 'model'"],
  [['optimize', 'm', '--dta', 'x'], 'Did you mean --data?'],
  [['optimize', 'm', '--threads', '0'], 'Expected a whole number, at least 1.'],
  [['optimize', 'm', '--shapes', '128'], 'Expected texts x tokens'],
  [['optimize', 'm', 'n'], 'too many arguments'],
  [['export', 'm'], "required option '-o, --output <dir>' not specified"],
  [['quantize', 'm', '-o', 'o', '--weight-bits', '3'], 'Allowed choices are 4, 5, 6, 7, 8.'],
  [['bench', 'm', '--threads', '1,x'], 'Expected a whole number'],
  [['eval', 'm', '--dat', 'x'], "unknown option '--dat'"],
  [['eval', 'm'], "required option '--data <file>' not specified"],
])('misuse: %j ends with 2', async (args, message) => {
  const { code, out, err } = await limbeck(...args)
  expect([code, out]).toEqual([2, ''])
  expect(err).toContain(message)
})

test('errors of a job: one line and the code of its kind', async () => {
  const hint = 'Restore the file.'
  jobs.optimize.mockRejectedValue(new LimbeckError('file', 'm: truncated.', { hint }))
  expect(await limbeck('optimize', './m')).toEqual({
    code: 1,
    out: '',
    err: 'error: m: truncated. Restore the file.\n',
  })
  jobs.optimize.mockRejectedValue(new LimbeckError('usage', 'no such drop.'))
  expect((await limbeck('optimize', './m')).code).toBe(2)
})

test('with --json an error is the one document', async () => {
  jobs.optimize.mockRejectedValue(new LimbeckError('input', 'bad.', { hint: 'Do.' }))
  const { out } = await limbeck('optimize', './m', '--json')
  expect(JSON.parse(out)).toEqual({ error: { code: 'input', message: 'bad.', hint: 'Do.' } })
  expect(JSON.parse((await limbeck('optimize', '--json')).out).error.code).toBe('usage')
})

test('a stack only with --debug', async () => {
  jobs.optimize.mockRejectedValue(new TypeError('x is undefined'))
  const plain = await limbeck('optimize', './m')
  expect(plain.err).toBe(
    'error: internal: x is undefined\nRun it again with --debug for the stack.\n',
  )
  expect(plain.code).toBe(1)
  expect((await limbeck('optimize', './m', '--debug')).err).toMatch(/\n {4}at /)
})

test('Ctrl-C aborts the job and ends with 130; once more ends at once', async () => {
  const context = fakeContext()
  jobs.optimize.mockImplementation(
    ({ signal }) =>
      new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('gone')))),
  )
  const ending = runCli(['optimize', './m'], context)
  await vi.waitFor(() => expect(jobs.optimize).toHaveBeenCalled())
  context.signals.emit('SIGINT')
  expect(context.signals.exited).toBeUndefined()
  context.signals.emit('SIGINT')
  expect(context.signals.exited).toBe(130)
  expect(await ending).toBe(130)
  expect(context.stderr.text).toBe('Stopping; once more stops at once.\nerror: Cancelled.\n')
  // what comes while the process ends must not end it otherwise
  expect(context.signals.listenerCount('SIGINT')).toBe(1)
})

test('a verb that ends by itself listens no more', async () => {
  const context = fakeContext()
  await runCli(['optimize', './m'], context)
  expect(context.signals.listenerCount('SIGINT')).toBe(0)
})

test('Ctrl-C under --json is an error document too', async () => {
  const context = fakeContext()
  jobs.optimize.mockImplementation(async () => {
    context.signals.emit('SIGTERM')
    throw new Error('gone')
  })
  expect(await runCli(['optimize', './m', '--json'], context)).toBe(143)
  expect(JSON.parse(context.stdout.text)).toEqual({
    error: { code: 'cancelled', message: 'Cancelled.' },
  })
})

test('report: every option reaches the job by its name, and the files are told', async () => {
  jobs.report.mockResolvedValue({ report: fullReport, files: ['/out/report.html'] })
  const line =
    'report ./out --source ./m --data dev.tsv --text s --label y --max-length 64 --price 0.1 --currency € --power 45 --threads 1,2 --lengths 8,64 --seconds 2 --batch-size 8 --seed 3 -o r.html --format html'
  const { code, out } = await limbeck(...line.split(' '))
  expect(code).toBe(0)
  expect(called('report')).toEqual({
    command: `limbeck ${line.replace('€', "'€'")}`,
    folder: './out',
    source: './m',
    data: { file: 'dev.tsv', text: 's', label: 'y' },
    maxLength: 64,
    price: 0.1,
    currency: '€',
    power: 45,
    threads: [1, 2],
    lengths: [8, 64],
    seconds: 2,
    batchSize: 8,
    seed: 3,
    output: 'r.html',
    format: 'html',
  })
  for (const part of [
    'Threads',
    'Length of the text',
    'A million requests',
    '  /out/report.html',
  ]) {
    expect(out).toContain(`\n${part}\n`)
  }
})

test.each([
  ['report ./out --price 0', 'Expected a number above 0'],
  ['report ./out --format pdf', 'html, markdown, json'],
  ['report ./out --lengths 8,x', 'Expected a whole number'],
  ['report', "missing required argument 'folder'"],
])('%s is refused', async (line, words) => {
  const { code, err } = await limbeck(...line.split(' '))
  expect(code).toBe(2)
  expect(err).toContain(words)
})
