/**
 * What is published works where it is installed: the packed files with their declared dependencies alone,
 * in a folder far from this repository, do the main job; a TypeScript consumer gets its types.
 */
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { command, dataSlice, root } from './support/command.ts'
import { scratchFolder } from './support/tensors.ts'

const home = scratchFolder()
const installed = join(home, 'node_modules/limbeck')

interface Packed {
  readonly filename: string
  readonly size: number
  readonly files: readonly { readonly path: string }[]
}

/** npm's own list of what it would publish; the packed file itself. */
function pack(): Packed {
  const args = ['pack', '--json', '--ignore-scripts', '--pack-destination', home]
  const { stdout, stderr, status } = spawnSync('npm', args, { cwd: root, encoding: 'utf8' })
  expect(status, stderr).toBe(0)
  return (JSON.parse(stdout) as Packed[])[0]!
}

/** Links everything that an installation without development tools would hold. */
function linkDependencies(): void {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { dev?: boolean }>
  }
  for (const [path, { dev }] of Object.entries(packages)) {
    const isOwn = path.lastIndexOf('node_modules/') === 0
    if (!isOwn || dev || !existsSync(join(root, path))) continue
    mkdirSync(dirname(join(home, path)), { recursive: true })
    symlinkSync(join(root, path), join(home, path))
  }
}

describe('the package', () => {
  let packed: Packed

  beforeAll(() => {
    packed = pack()
    const tar = spawnSync('tar', ['-xzf', join(home, packed.filename), '-C', home])
    expect(tar.status, String(tar.stderr)).toBe(0)
    linkDependencies()
    renameSync(join(home, 'package'), installed)
    // as npm makes it
    const { bin } = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8')) as {
      bin: { limbeck: string }
    }
    mkdirSync(join(home, 'node_modules/.bin'))
    chmodSync(join(installed, bin.limbeck), 0o755)
    symlinkSync(join(installed, bin.limbeck), join(home, 'node_modules/.bin/limbeck'))
    writeFileSync(join(home, 'package.json'), '{ "private": true, "type": "module" }\n')
  })

  it('holds what is built, the example and the pages, no tests of the toolkit, and is small', () => {
    const paths = packed.files.map(({ path }) => path)
    for (const needed of [
      'LICENSE',
      'README.md',
      'CHANGELOG.md',
      'docs/optimize.md',
      'dist/cli/main.js',
      'dist/index.d.ts',
      'examples/support-desk/model.safetensors',
      'examples/support-desk/test.tsv',
    ]) {
      expect(paths).toContain(needed)
    }
    expect(paths.filter((path) => /^(src|test|bench|node_modules|\.ci)\//.test(path))).toEqual([])
    expect(paths.filter((path) => /^dist\/.*(\.test\.|\/testing\/)/.test(path))).toEqual([])
    expect(packed.size).toBeLessThan(12e6)
  })

  it('npx limbeck optimize does the main job', async () => {
    const example = 'node_modules/limbeck/examples/support-desk'
    dataSlice(join(home, 'dev.tsv'), 40)
    const line = ['--offline', 'limbeck', 'optimize', example, '--data', 'dev.tsv']
    const { code, stdout, stderr } = await command(
      'npx',
      [...line, '--label', 'label', '--shapes', '1x16', '--seconds', '0.5', '-o', 'out'],
      { cwd: home },
    )
    expect(stderr).not.toMatch(/^error/m)
    expect(code).toBe(0)
    expect(stdout).toContain('INT8')
    expect(stdout).toContain('Written to out')
    expect(readdirSync(join(home, 'out')).sort()).toEqual([
      'config.json',
      'limbeck.json',
      'onnx',
      'report.html',
      'report.md',
      'special_tokens_map.json',
      'tokenizer.json',
      'tokenizer_config.json',
      'vocab.txt',
    ])
    expect(readdirSync(join(home, 'out/onnx')).sort()).toEqual([
      'model.onnx',
      'model_cpu.onnx',
      'model_cpu_quantized.onnx',
      'model_quantized.onnx',
    ])
  })

  it('has types for a strict consumer', () => {
    writeFileSync(
      join(home, 'consumer.ts'),
      `import { load, optimize, type Report } from 'limbeck'
import { families } from 'limbeck/models'

export async function main(): Promise<Report> {
  const model = load('./my-model')
  const labels: readonly string[] = model.labels
  const parameters: number = model.parameters
  const [type = '']: string[] = [...families.keys()]
  const { report } = await optimize({ model: type, data: { file: labels.join() }, limit: parameters })
  return report
}
`,
    )
    const { stdout, status } = spawnSync(
      process.execPath,
      [
        join(root, 'node_modules/typescript/bin/tsc'),
        ...['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2023'],
        ...['--types', 'node', '--typeRoots', join(root, 'node_modules/@types')],
        'consumer.ts',
      ],
      { cwd: home, encoding: 'utf8' },
    )
    // the one mistake is found, and no other
    expect(stdout.trim().split('\n')).toEqual([expect.stringMatching(/'limit' does not exist in/)])
    expect(status).not.toBe(0)
  })
})
