/** `limbeck optimize --distill` as users run it: both models in one report, stopped and taken up again. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { limbeck } from './support/command.ts'
import { namedLabels, writeRandomHead } from './support/random-head.ts'
import { readTensors, scratchFolder } from './support/tensors.ts'
import { writeTinyModel, writeToyData } from './support/tiny-model.ts'

const cwd = scratchFolder()
const file = (...parts: string[]) => join(cwd, ...parts)
const json = (...parts: string[]) => JSON.parse(readFileSync(file(...parts), 'utf8'))

beforeAll(() => {
  const head = { 'classifier.weight': [2, 32], 'classifier.bias': [2] }
  const config = namedLabels(['complaint', 'praise'])
  const architectures = ['BertForSequenceClassification']
  const made = { config: { ...config, architectures }, draw: head, seed: 3 }
  writeRandomHead(writeTinyModel(file('base')), file('model'), made)
  writeToyData(file('train.tsv'), 64, 1)
  writeToyData(file('dev.tsv'), 32, 2)
})

const optimize = (...more: string[]) =>
  limbeck(['optimize', 'model', '--data', 'dev.tsv', ...more], { cwd })

describe('limbeck optimize --distill', () => {
  const taught = ['--distill', 'first-1', '--train-data', 'train.tsv', '--steps', '4']
  const quick = ['--shapes', '1x8', '--seconds', '0.05', '-o', 'out']

  it('stops, goes on, and writes a student measured beside its model', async () => {
    let told = false
    const args = ['optimize', 'model', '--data', 'dev.tsv', ...taught, ...quick]
    const stopped = await limbeck(args, {
      cwd,
      onStderr: (text, child) => {
        if (told || !text.includes('Training for text-classification')) return
        told = true
        child.kill('SIGINT')
      },
    })
    expect(stopped.code).toBe(130)
    expect(stopped.stderr).toMatch(/Cancelled after step \d, which is kept\. Go on with --resume\./)
    expect(existsSync(file('out'))).toBe(false)
    const { code, stdout, stderr } = await optimize(...taught, ...quick, '--resume', '--json')
    expect(code, stderr).toBe(0)
    expect(existsSync(file('out.training'))).toBe(false)
    const { report } = JSON.parse(stdout)
    const names = report.variants.map(({ name }: { name: string }) => name)
    const kinds = ['fp32 portable', 'fp32 optimized', 'INT8 portable', 'INT8']
    const students = kinds.map((kind) => `student ${kind}`)
    expect(names).toEqual(['fp32 as exported', ...kinds, ...students])
    expect(report.training).toMatchObject({ task: 'text-classification', steps: 4 })
    // judged against the model, not against itself
    for (const variant of report.variants.slice(5)) {
      expect(variant.acceptance.n).toBe(32)
      expect(variant.fidelity.maxAbsError).toBeGreaterThan(1e-3)
      expect(variant.verification.ok).toBe(true)
    }
    const isChosen = report.chosen.startsWith('student')
    expect(report.notes[0]).toMatch(isChosen ? /^The student \(first-1: 1 layer/ : /is not chosen/)
    expect(json('out/limbeck.json').student.recipe).toMatchObject({ student: 'first-1', steps: 4 })
    expect(json('out/config.json').num_hidden_layers).toBe(2)
    expect(json('out/student/config.json').num_hidden_layers).toBe(1)
    expect(existsSync(file('out/student/source'))).toBe(false)
    // it has learned: what it shares with the model is no longer the model's
    const name = 'embeddings.LayerNorm.weight'
    const before = readTensors(file('model/model.safetensors'))[name]!
    const after = readTensors(file('out/student/model.safetensors'))[`bert.${name}`]!
    expect(after.data).not.toEqual(before.data)
  })

  it('is run from its own folder, and from the output where it was chosen', async () => {
    const ran = async (folder: string) => {
      const { stdout, stderr } = await limbeck(['run', folder, 'all is well', '--json'], { cwd })
      expect(stderr).not.toContain('error')
      return JSON.parse(stdout).file
    }
    expect(await ran('out/student')).toBe('out/student/onnx/model_cpu_quantized.onnx')
    const known = json('out/limbeck.json')
    writeFileSync(
      file('out/limbeck.json'),
      JSON.stringify({ ...known, chosen: 'student fp32 optimized' }),
    )
    expect(await ran('out')).toBe('out/student/onnx/model_cpu.onnx')
  })

  it.each([
    [['--distill', 'first-9', '--train-data', 'train.tsv'], 'first-9'],
    [['--distill', 'first-1', '--train-data', 'none.tsv'], 'none.tsv: there is no such file.'],
  ])('%j is refused', async (words, sentence) => {
    const { code, stderr } = await optimize(...words, '-o', 'never')
    expect(code).toBeGreaterThan(0)
    expect(stderr).toContain(sentence)
    expect(stderr).not.toMatch(/internal|\n {4}at /)
    expect(existsSync(file('never'))).toBe(false)
  })
})
