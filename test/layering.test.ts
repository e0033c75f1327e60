/**
 * The order of the rooms: a room imports only from rooms above it in the design's list, the first seven
 * know no `node:` module and no runtime, and ONNX Runtime has one importer.
 *
 * Every import counts: `import`, `export … from`, and `import()` in code and in types; those of types alone
 * too, for a reader follows them just the same.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { dirname, join, relative, sep } from 'node:path'
import { describe, expect, it } from 'vitest'

const rooms = [
  'graph',
  'ops',
  'onnx',
  'models',
  'passes',
  'train',
  'stats',
  'data',
  'runtime',
  'hub',
  'fit',
  'bench',
  'tune',
  'report',
  'jobs',
  'serve',
  'cli',
]
/** Rooms that run in a browser too. */
const pure = new Set(['graph', 'ops', 'onnx', 'models', 'passes', 'train', 'stats'])
/** Free for all. */
const common = new Set(['errors.ts'])

interface Import {
  readonly file: string
  readonly target: string
  readonly typeOnly: boolean
}

const source = join(import.meta.dirname, '../src')
const isTest = (file: string): boolean => file.includes('.test.') || file.includes('/testing/')
const files = readdirSync(source, { recursive: true, encoding: 'utf8' })
  .map((file) => file.split(sep).join('/'))
  .filter((file) => file.endsWith('.ts') && !isTest(file))

/** Imports in a file's text: what is imported, and whether only its types are. */
function importsOf(text: string): { target: string; typeOnly: boolean }[] {
  const code = text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '')
  const found: { target: string; typeOnly: boolean }[] = []
  for (const [, clause, target] of code.matchAll(
    /^\s*(?:import|export)\s+([^'"`;]*?\sfrom\s+|)['"]([^'"]+)['"]/gm,
  )) {
    const names = /^\{([^}]*)\}/.exec(clause!.trim())?.[1]?.split(',') ?? []
    const listed = names.map((name) => name.trim()).filter((name) => name !== '')
    const allTypes = listed.length > 0 && listed.every((name) => name.startsWith('type '))
    found.push({ target: target!, typeOnly: /^type\s/.test(clause!.trim()) || allTypes })
  }
  for (const [, target] of code.matchAll(/\bimport\(\s*['"`]([^'"`]+)['"`]/g)) {
    found.push({ target: target!, typeOnly: false })
  }
  return found
}

const imports: Import[] = files.flatMap((file) =>
  importsOf(readFileSync(join(source, file), 'utf8')).map(({ target, typeOnly }) => ({
    file,
    typeOnly,
    target: target.startsWith('.')
      ? relative(source, join(source, dirname(file), target))
          .split(sep)
          .join('/')
      : target,
  })),
)
const roomOf = (file: string): string => (file.includes('/') ? file.split('/')[0]! : '')
const text = ({ file, target, typeOnly }: Import): string =>
  `${file} → ${target}${typeOnly ? ' (types)' : ''}`

describe('layering', () => {
  it('reads every way of importing', () => {
    const code = [
      `import { a,\n  type B } from './a.ts'`,
      `import type { C } from './c.ts'`,
      `import { type D, type E } from './d.ts'`,
      `export * from './e.ts'`,
      `import './f.ts'`,
      `const g = await import('./g.ts')`,
      `import h, * as all from 'h'`,
      ` * import { i } from './i.ts'`,
      `// import { j } from './j.ts'`,
    ].join('\n')
    expect(importsOf(code)).toEqual([
      { target: './a.ts', typeOnly: false },
      { target: './c.ts', typeOnly: true },
      { target: './d.ts', typeOnly: true },
      { target: './e.ts', typeOnly: false },
      { target: './f.ts', typeOnly: false },
      { target: 'h', typeOnly: false },
      { target: './g.ts', typeOnly: false },
    ])
    expect(imports.length).toBeGreaterThan(300)
  })

  it('every file stands in a room of the list', () => {
    const unknown = files.map(roomOf).filter((room) => room !== '' && !rooms.includes(room))
    expect([...new Set(unknown)]).toEqual([])
  })

  it('a room imports only from rooms above it', () => {
    const inside = imports.filter(({ file, target }) => {
      const known = rooms.includes(roomOf(target)) || target === 'index.ts'
      return known && roomOf(file) !== '' && !common.has(target)
    })
    const down = inside.filter(
      ({ file, target }) =>
        target === 'index.ts' || rooms.indexOf(roomOf(target)) > rooms.indexOf(roomOf(file)),
    )
    expect(down.map(text)).toEqual([])
  })

  it('imports lead nowhere but to rooms, common files and packages', () => {
    const lost = imports.filter(
      ({ target }) =>
        target.endsWith('.ts') && !files.includes(target) && !target.startsWith('onnx/generated/'),
    )
    expect(lost.map(text)).toEqual([])
  })

  it('the first seven rooms import nothing of Node and no runtime', () => {
    const foreign = imports.filter(
      ({ file, target }) =>
        pure.has(roomOf(file)) &&
        (target.startsWith('node:') ||
          builtinModules.includes(target) ||
          target.startsWith('onnxruntime')),
    )
    expect(foreign.map(text)).toEqual([])
    expect(imports.some(({ target }) => target.startsWith('node:'))).toBe(true)
  })

  it('only the runtime room imports ONNX Runtime', () => {
    const importers = imports
      .filter(({ target }) => target.startsWith('onnxruntime'))
      .map(({ file }) => roomOf(file))
    expect([...new Set(importers)]).toEqual(['runtime'])
  })
})
