/** `limbeck train` as users run it: it learns, it goes on after SIGKILL to the same bytes, it says what is wrong. */
import { createHash } from 'node:crypto'
import { copyFileSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { halfToFloat } from '../src/onnx/half-floats.ts'
import { limbeck } from './support/command.ts'
import { readTensors, scratchFolder } from './support/tensors.ts'
import { writeTinyModel, writeToyData } from './support/tiny-model.ts'

const cwd = scratchFolder()
let [base, data, dev] = ['', '', '']
beforeAll(() => {
  base = writeTinyModel(join(cwd, 'base'))
  data = writeToyData(join(cwd, 'train.tsv'), 320, 1)
  dev = writeToyData(join(cwd, 'dev.tsv'), 48, 2)
})

/** Quick to the end: one thread, no time for latency. */
const quick = ['--threads', '1', '--seconds', '0', '--learning-rate', '3e-3']
const train = (output: string, ...more: string[]) =>
  limbeck(['train', base, '--data', data, '--dev', dev, '-o', output, ...quick, ...more], { cwd })
const hashOf = (output: string) =>
  createHash('sha256')
    .update(readFileSync(join(cwd, output, 'model.safetensors')))
    .digest('hex')
const json = (path: string) => JSON.parse(readFileSync(join(cwd, path), 'utf8'))

describe('limbeck train', () => {
  const whole = ['--epochs', '8', '--evaluate-every', '20']

  it('learns a task that one word tells apart, and writes what transformers loads', async () => {
    const { code, stderr, stdout } = await train('one', ...whole, '--json')
    expect(stderr + stdout).not.toMatch(/internal/)
    expect(code).toBe(0)
    const { training, report } = JSON.parse(stdout)
    expect(training).toMatchObject({ task: 'text-classification', steps: 80, examples: 320 })
    expect(report.variants[0].quality.value).toBeGreaterThan(0.95)
    expect(training.losses.at(-1).loss).toBeLessThan(0.2 * training.losses[0].loss)
    // the warm-up rises, the fall is linear
    const rates = training.losses.map((point: { learningRate: number }) => point.learningRate)
    expect(rates[1]).toBeGreaterThan(rates[0])
    expect(rates.at(-1)).toBeCloseTo(3e-3 / 75, 7)
    const config = json('one/config.json')
    expect(config).toMatchObject({
      architectures: ['BertForSequenceClassification'],
      id2label: { 0: 'complaint', 1: 'praise' },
      label2id: { complaint: 0, praise: 1 },
      num_labels: 2,
      problem_type: 'single_label_classification',
      hidden_size: 32,
      dtype: 'float32',
    })
    const names = Object.keys(readTensors(join(base, 'model.safetensors')))
    const written = Object.keys(readTensors(join(cwd, 'one/model.safetensors')))
    const expected = [
      ...names.map((name) => `bert.${name}`),
      'classifier.weight',
      'classifier.bias',
    ]
    expect(written.sort()).toEqual(expected.sort())
    for (const name of ['tokenizer.json', 'onnx/model.onnx', 'onnx/model_cpu_quantized.onnx']) {
      expect(existsSync(join(cwd, 'one', name)), name).toBe(true)
    }
    expect(json('one/limbeck.json').recipe).toMatchObject({ seed: 1, learningRate: 3e-3 })
    expect(readFileSync(join(cwd, 'one/report.html'), 'utf8')).toContain('Training loss by step')
    expect(existsSync(join(cwd, 'one.training'))).toBe(false)
  })

  it('goes on after Ctrl-C, and after SIGKILL, to the very same bytes', async () => {
    const state = join(cwd, 'two.training/state.safetensors')
    const args = ['train', base, '--data', data, '--dev', dev, '-o', 'two', ...quick, ...whole]
    /** Runs until a checkpoint is written, then sends a signal. */
    const stopped = async (signal: 'SIGINT' | 'SIGKILL', ...more: string[]) => {
      const written = () => (existsSync(state) ? statSync(state).mtimeMs : 0)
      const before = written()
      let timer: NodeJS.Timeout | undefined
      const ended = await limbeck([...args, ...more], {
        cwd,
        onStderr: (_, child) => {
          timer ??= setInterval(() => {
            if (written() <= before) return
            clearInterval(timer)
            child.kill(signal)
          }, 5)
        },
      })
      clearInterval(timer)
      return ended
    }
    const first = await stopped('SIGINT')
    expect(first.code).toBe(130)
    expect(first.stderr).toMatch(/Cancelled after step \d+, which is kept\. Go on with --resume\./)
    const refused = await limbeck(args, { cwd })
    expect(refused.code).toBe(2)
    expect(refused.stderr).toContain('two.training holds a run that was stopped.')
    const other = await limbeck([...args, '--resume', '--batch', '16'], { cwd })
    expect(other.stderr).toContain('the checkpoint is of another run: batch was 32, is 16.')
    expect((await stopped('SIGKILL', '--resume')).code).toBeNull()
    expect(existsSync(join(cwd, 'two'))).toBe(false)
    const resumed = await limbeck([...args, '--resume'], { cwd })
    expect(resumed.stderr).not.toContain('internal')
    expect(resumed.code).toBe(0)
    expect(hashOf('two')).toBe(hashOf('one'))
    const again = await limbeck([...args, '--resume', '--overwrite'], { cwd })
    expect(again.stderr).toContain('--resume: there is no checkpoint in')
  })

  it('begins with drawn weights where it is told to, and writes half floats', async () => {
    const bare = join(cwd, 'bare')
    mkdirSync(bare)
    for (const name of ['config.json', 'tokenizer.json', 'tokenizer_config.json'])
      copyFileSync(join(base, name), join(bare, name))
    const scratch = (...more: string[]) =>
      limbeck(['train', bare, '--data', data, '-o', 'drawn', ...quick, ...more], { cwd })
    expect((await scratch()).stderr).toContain('model.safetensors is missing')
    const settings = ['--from-scratch', '--dtype', 'float16', '--steps', '1', '--warmup', '0']
    const { code, stderr } = await scratch(...settings)
    expect(code, stderr).toBe(0)
    expect(json('drawn/config.json').dtype).toBe('float16')
    const written = readTensors(join(cwd, 'drawn/model.safetensors'))
    expect(new Set(Object.values(written).map(({ dtype }) => dtype))).toEqual(new Set(['float16']))
    // one step of AdamW moves a weight by the learning rate at most, so what was drawn is still seen
    const { data: half } = written['bert.encoder.layer.0.intermediate.dense.weight']!
    const values = halfToFloat(half as Uint16Array)
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length
    const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length
    expect(Math.abs(mean)).toBeLessThan(4e-3)
    expect(Math.sqrt(variance)).toBeGreaterThan(0.018)
    expect(Math.sqrt(variance)).toBeLessThan(0.022)
  })

  it('stops at numbers that are none, naming step and tensor, and keeps what it had', async () => {
    const { code, stderr } = await train(
      'wild',
      '--steps',
      '40',
      '--learning-rate',
      '1e25',
      '--clip',
      '0',
      '--warmup',
      '0',
    )
    expect(code).toBe(1)
    expect(stderr).toMatch(
      /step \d+: the (loss|gradient of \S+) is .*learning rate 9\.75e\+24; \d+ of 41 gradients/,
    )
    expect(existsSync(join(cwd, 'wild'))).toBe(false)
  })
})

describe('what is wrong is said in one sentence', () => {
  const cases: readonly (readonly [string, string, readonly string[]])[] = [
    ['empty.tsv', 'text\tlabel\n', ['empty.tsv: expected rows of data, got only a header.']],
    [
      'columns.tsv',
      'words\tkind\na b\tx\n',
      ['columns.tsv: cannot tell which column holds the text'],
    ],
    ['blank.tsv', 'text\tlabel\na b\tx\nc d\t\n', ['blank.tsv:3: expected a label, got none.']],
  ]
  it.each(cases)('%s', async (name, text, expected) => {
    writeFileSync(join(cwd, name), text)
    const { code, stderr } = await limbeck(['train', base, '--data', name, '-o', 'never'], { cwd })
    expect(code).toBeGreaterThan(0)
    for (const part of expected) expect(stderr).toContain(part)
    expect(stderr).not.toMatch(/internal|\n {4}at /)
  })

  it('a label of the dev data that the training data has not', async () => {
    writeFileSync(join(cwd, 'strange.tsv'), 'text\tlabel\nhello\tunheard\n')
    const { stderr } = await limbeck(
      ['train', base, '--data', data, '--dev', 'strange.tsv', '-o', 'never'],
      { cwd },
    )
    expect(stderr).toContain("strange.tsv:2: unknown label 'unheard'")
  })

  it('a pattern, a schedule, a task that do not fit', async () => {
    const ask = (...more: string[]) =>
      limbeck(['train', base, '--data', data, '-o', 'never', ...more], { cwd })
    expect((await ask('--freeze', 'decoder.*')).stderr).toContain(
      "--freeze decoder.* matches none of the model's",
    )
    expect((await ask('--task', 'translation')).stderr).toContain(
      '--task translation is not known here',
    )
    expect((await ask('--epochs', '1', '--steps', '3')).stderr).toContain(
      '--epochs and --steps both say',
    )
  })
})
