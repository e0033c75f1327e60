/** `limbeck fuse` on files of others: what it tells, what it writes, and what it refuses. */
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import type { FuseResult } from '../src/index.ts'
import { contentsOf, limbeck } from './support/command.ts'
import { exported, exportsRoot, perfectCounts } from './support/exports.ts'
import { describeWith } from './support/fixtures.ts'
import { scratchFolder } from './support/tensors.ts'

/** One of each kind: eager and sdpa, opsets apart, no text, already fused, exported while training. */
const some = exported.filter((file) =>
  [
    'bert-sequence-classification/torchscript.onnx',
    'modernbert-sequence-classification/dynamo.onnx',
    'vit-image-classification/dynamo.onnx',
    'gpt2-lm/dynamo-sdpa-23.onnx',
  ].includes(file),
)

describeWith(exportsRoot, 'fuse', () => {
  const folder = scratchFolder()
  const at = (file: string): string => join(exportsRoot, file)
  const first = (): string => at(some[0]!)

  it.each(some)('%s', async (file) => {
    const output = file.replace('/', '-')
    const { code, stdout, stderr } = await limbeck(
      ['fuse', at(file), '-o', output, '--json', '--seconds', '0', '--diff'],
      { cwd: folder },
    )
    expect(code, stderr).toBe(0)
    const { source, files } = JSON.parse(stdout) as FuseResult
    const { attention, layerNorm, gelu, slimNodes } = perfectCounts(file)
    const [fused] = files
    expect(fused!.counts).toMatchObject({ attention, layerNorm, gelu })
    expect(fused!.counts.nodes).toBeLessThanOrEqual(slimNodes)
    expect(fused!.counts.nodes).toBeLessThan(source.counts.nodes)
    expect(fused!.verified).toMatchObject({ ok: true })
    expect(fused!.verified.maxAbsError).toBeLessThan(1e-4)
    expect(fused!.passes.map(({ pass }) => pass)).toContain('raise-scores')
    expect(fused!.diff).toMatch(/^\+.* = Attention\(/m)
    expect(existsSync(join(folder, output))).toBe(true)
  })

  it('tells what fired and times both', async () => {
    const args = ['fuse', first(), '-o', 'both.onnx', '--target', 'both', '--seconds', '0.1']
    const { code, stdout, stderr } = await limbeck([...args, '--explain'], { cwd: folder })
    expect(code, stderr).toBe(0)
    expect(stdout).toMatch(/source .* ms/)
    expect(stdout).toMatch(/fused, portable .* ms/)
    expect(stdout).toMatch(/Passes, fused, cpu\n/)
    expect(stdout).toMatch(/came near\. Nearest: .*value/)
    expect(readdirSync(folder)).toEqual(expect.arrayContaining(['both.onnx', 'both_cpu.onnx']))
  })

  it('says that a file trains, and compares with it at rest', async () => {
    const training = at('bert-question-answering/dynamo.onnx')
    const { code, stdout, stderr } = await limbeck(
      ['fuse', training, '-o', 'training.onnx', '--seconds', '0'],
      { cwd: folder },
    )
    expect(code, stderr).toBe(0)
    expect(stdout).toContain('training mode')
  })

  it('refuses in one sentence and leaves nothing', async () => {
    const cwd = join(folder, 'refused')
    mkdirSync(cwd)
    copyFileSync(first(), join(cwd, 'own.onnx'))
    writeFileSync(join(cwd, 'noise.onnx'), Buffer.from('no model'.repeat(64)))
    writeFileSync(join(cwd, 'cut.onnx'), readFileSync(first()).subarray(0, 9000))
    const before = contentsOf(cwd)
    const cases: readonly (readonly [readonly string[], RegExp])[] = [
      [['noise.onnx'], /noise\.onnx: .*no intact ONNX model/],
      [['cut.onnx'], /cut\.onnx: /],
      [['absent.onnx'], /absent\.onnx: there is no such file/],
      [['own.onnx', '-o', 'own.onnx'], /it is the source itself/],
      [['own.onnx', '-o', 'noise.onnx'], /there is a file already/],
      [['own.onnx', '-o', 'out'], /expected a file name that ends with \.onnx/],
      [['own.onnx', '-o', 'long.onnx', '--shapes', '1x4000'], /the run failed/],
    ]
    for (const [args, words] of cases) {
      const { code, stderr } = await limbeck(['fuse', ...args, '--seconds', '0'], { cwd })
      expect([1, 2], stderr).toContain(code)
      expect(stderr).toMatch(words)
      expect(stderr).not.toContain('internal')
      expect(contentsOf(cwd)).toEqual({ ...before, 'tmp/': '' })
    }
  })
})
