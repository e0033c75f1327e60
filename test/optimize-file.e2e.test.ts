/** `optimize`, `quantize` and `export` of ONNX files: with the configuration that lies beside them, and without. */
import { copyFileSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { load, type Report, save, type WriteResult } from '../src/index.ts'
import { contentsOf, dataSlice, example, limbeck } from './support/command.ts'
import { exportsRoot } from './support/exports.ts'
import { describeWith } from './support/fixtures.ts'
import { scratchFolder } from './support/tensors.ts'

const cwd = scratchFolder()
const fast = ['--shapes', '1x8,2x9', '--seconds', '0.1', '--json']

/** The example as others would have exported it: alone, and in the folder of a Transformers.js model. */
beforeAll(() => {
  save(load(example).graph, join(cwd, 'alone.onnx'), { lowering: 'exported' })
  mkdirSync(join(cwd, 'model/onnx'), { recursive: true })
  copyFileSync(join(cwd, 'alone.onnx'), join(cwd, 'model/onnx/model.onnx'))
  for (const name of ['config.json', 'tokenizer.json', 'tokenizer_config.json']) {
    copyFileSync(join(example, name), join(cwd, 'model', name))
  }
  dataSlice(join(cwd, 'dev.tsv'), 40)
})

async function optimized(...args: readonly string[]): Promise<Report> {
  const { code, stdout, stderr } = await limbeck(['optimize', ...args, ...fast], { cwd })
  expect(code, stderr).toBe(0)
  return (JSON.parse(stdout) as { report: Report }).report
}

describe('a file alone', () => {
  it('is optimized on made-up inputs and says so', async () => {
    const { variants, notes, model, files } = await optimized('alone.onnx', '-o', 'from-alone')
    const [source, ...made] = variants
    expect(source!.file).toBeUndefined()
    expect(made).toHaveLength(4)
    for (const { precision, verification, fidelity } of made) {
      expect(verification!.ok).toBe(true)
      expect(fidelity!.cosine.mean).toBeGreaterThan(precision === 'fp32' ? 0.99999 : 0.98)
    }
    const int8 = made.find(({ name }) => name === 'INT8')!
    expect(int8.bytes).toBeLessThan(source!.bytes / 3)
    expect(notes[0]).toMatch(/no config\.json lies beside alone\.onnx.*made up/)
    expect(model).toMatchObject({ family: 'ONNX file', layers: 4, hidden: 256 })
    expect(files.map(({ path }) => path)).toContain('onnx/model_quantized.onnx')
    const names = Object.keys(contentsOf(join(cwd, 'from-alone')))
    expect(names).toEqual(expect.arrayContaining(['limbeck.json', 'report.html']))
    expect(names).not.toContain('config.json')
  })

  it('is reported on as folders are, at lengths that it takes', async () => {
    const quick = ['--threads', '1', '--seconds', '0.1', '--json']
    const { code, stdout, stderr } = await limbeck(['report', 'from-alone', ...quick], { cwd })
    expect(code, stderr).toBe(0)
    const { report } = JSON.parse(stdout) as { report: Report }
    const { threads, lengths, operators, layers } = report.details!
    const names = report.variants.map(({ name }) => name)
    expect(threads!.variants.map(({ name }) => name)).toEqual(names)
    expect(lengths!.variants[0]!.latency.map(({ shape }) => shape)).toEqual(
      // the model has 128 positions, which only its table tells
      [8, 16, 32, 64, 128].map((length) => `1x${length}`),
    )
    expect(operators!.variants[0]!.operators.some(({ name }) => name === 'MatMul')).toBe(true)
    expect(layers!.variants).toHaveLength(names.length)
    const data = await limbeck(['report', 'from-alone', '--data', 'dev.tsv'], { cwd })
    expect(data.code).toBe(2)
    expect(data.stderr).toMatch(/--data: from-alone was made from a file without a configuration/)
  })

  it('takes no data, and says what is missing', async () => {
    const before = contentsOf(cwd)
    const { code, stderr } = await limbeck(
      ['optimize', 'alone.onnx', '--data', 'dev.tsv', '-o', 'none'],
      { cwd },
    )
    expect(code).toBe(2)
    expect(stderr).toMatch(/^error: --data: no config\.json lies beside alone\.onnx.*\n$/)
    expect(contentsOf(cwd)).toEqual(before)
  })

  it.each(['export', 'quantize'])('goes through %s', async (verb) => {
    const args = [verb, 'alone.onnx', '-o', `${verb}-alone`, '--json']
    const { code, stdout, stderr } = await limbeck(args, { cwd })
    expect(code, stderr).toBe(0)
    const { verified } = JSON.parse(stdout) as { verified: { cosine: number }[] }
    expect(verified).toHaveLength(2)
    for (const { cosine } of verified) expect(cosine).toBeGreaterThan(0.98)
  })

  it('that is quantized is fused and not quantized again', async () => {
    const file = 'quantize-alone/onnx/model_quantized.onnx'
    const again = await limbeck(['quantize', file, '-o', 'again'], { cwd })
    expect(again.code).toBe(1)
    expect(again.stderr).toMatch(/it is quantized already \(.*\)\. Add --dequantize/)
    const { variants, notes } = await optimized(file, '-o', 'from-quantized')
    expect(variants.map(({ name }) => name)).toEqual([
      'fp32 as exported',
      'fp32 portable',
      'fp32 optimized',
    ])
    expect(notes.join(' ')).toMatch(/quantized already \(.*MatMulInteger/)
  })

  it('that is quantized becomes floats by option', async () => {
    const file = 'quantize-alone/onnx/model_quantized.onnx'
    const { variants, notes } = await optimized(file, '--dequantize', '-o', 'from-floats')
    expect(variants.map(({ name }) => name)).toContain('INT8')
    expect(variants.map(({ precision }) => precision).slice(0, 3)).toEqual(['int8', 'fp32', 'fp32'])
    expect(notes.join(' ')).toMatch(/Floats were made of .*MatMulInteger/)
    // held to the floats that were made, not to the rounding of the file
    const [, ...fp32] = variants.filter(({ precision }) => precision === 'fp32')
    for (const { verification } of fp32) expect(verification!.maxAbsError).toBeLessThan(1e-4)
    expect(variants[1]!.bytes).toBeGreaterThan(3 * variants[0]!.bytes)
  })

  it('in half floats is converted as it is, and quantized by option', async () => {
    const run = async (...args: string[]) => {
      const { code, stdout, stderr } = await limbeck([...args, '--json'], { cwd })
      return { code, stderr, result: code === 0 ? (JSON.parse(stdout) as WriteResult) : undefined }
    }
    const half = ['--target', 'portable']
    expect(
      (await run('quantize', 'alone.onnx', '--scheme', 'fp16', ...half, '-o', 'half')).code,
    ).toBe(0)
    const file = 'half/onnx/model_fp16.onnx'
    const exported = await run('export', file, ...half, '-o', 'from-half')
    expect(exported.code, exported.stderr).toBe(0)
    expect(exported.result!.notes.join()).toMatch(/computes in half floats.*--dequantize/)
    const refused = await run('quantize', file, '-o', 'none')
    expect(refused.code).toBe(1)
    expect(refused.stderr).toMatch(/it computes in half floats\. Add --dequantize/)
    const made = await run(
      'quantize',
      file,
      '--scheme',
      'int4',
      '--dequantize',
      ...half,
      '-o',
      'q4',
    )
    expect(made.code, made.stderr).toBe(0)
    expect(made.result!.verified[0]!.cosine).toBeGreaterThan(0.95)
  })

  it.each([
    [
      ['alone.onnx', '--dim', 'sequence_lenght=9'],
      /--dim sequence_lenght: .*Did you mean sequence_length\?/,
    ],
    [
      ['alone.onnx', '--dim', 'past=9'],
      /--dim past: no input has a dimension .*Names are batch_size, seq/,
    ],
    [['alone.onnx', '--dim', 'past=x'], /'past=x' is invalid/],
    [[example, '--dim', 'past=9'], /--dim means nothing to .*its configuration says its sizes/],
    [[example, '--dequantize'], /--dequantize means nothing to the model folder/],
  ])('%j is misuse', async (args, words) => {
    const verb = args[0] === example ? 'quantize' : 'export'
    const { code, stderr } = await limbeck([verb, ...args, '-o', 'none'], { cwd })
    expect(code, stderr).toBe(2)
    expect(stderr).toMatch(words)
  })
})

it('a file with its configuration is measured on data like its folder', async () => {
  const data = ['--data', 'dev.tsv', '--text', 'text', '--label', 'label']
  const fromFile = await optimized('model/onnx/model.onnx', ...data, '-o', 'from-file')
  const fromFolder = await optimized(example, ...data, '-o', 'from-folder')
  expect(fromFile.model).toMatchObject({ family: 'bert', labels: fromFolder.model.labels })
  const accuracy = ({ variants }: Report) => variants.map(({ quality }) => quality!.value)
  expect(accuracy(fromFile).slice(0, 3)).toEqual(accuracy(fromFolder).slice(0, 3))
  expect(fromFile.variants.map(({ nodes }) => nodes).slice(1)).toEqual(
    fromFolder.variants.map(({ nodes }) => nodes).slice(1),
  )
  const config = readFileSync(join(cwd, 'from-file/config.json'), 'utf8')
  expect(JSON.parse(config)).toMatchObject({ model_type: 'bert' })
})

describeWith(exportsRoot, 'of families that Limbeck does not build', () => {
  it.each([
    'vit-image-classification/dynamo.onnx',
    'gpt2-lm/torchscript.onnx',
  ])('%s', async (file) => {
    const { notes, variants } = await optimized(
      join(exportsRoot, file),
      '-o',
      file.replace('/', '-').replace('.onnx', ''),
    )
    expect(notes[0]).toMatch(/model_type .* is not known.*made up/)
    expect(variants.slice(1).every(({ verification }) => verification!.ok)).toBe(true)
  })
})
