/**
 * What the documentation says is so: its commands and programs run, its links lead somewhere, every option
 * of every verb stands on the verb's page. `LIMBECK_REGENERATE=1` writes the generated sections anew.
 */
import { execFileSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { parquetWriteBuffer } from 'hyparquet-writer'
import { beforeAll, describe, expect, it } from 'vitest'
import { verbReference } from '../src/cli/verb-reference.ts'
import { verbs } from '../src/cli/verbs.ts'
import { load } from '../src/jobs/load.ts'
import { save } from '../src/jobs/save.ts'
import { families } from '../src/models/build-model.ts'
import { command, contentsOf, example, limbeck, modelWith, root } from './support/command.ts'
import { namedLabels, type RandomHead, writeRandomHead } from './support/random-head.ts'
import { scratchFolder } from './support/tensors.ts'

const pages = [
  'README.md',
  'ARCHITECTURE.md',
  'CHANGELOG.md',
  'examples/support-desk/README.md',
  ...readdirSync(join(root, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
]
const textOf = (page: string): string => readFileSync(join(root, page), 'utf8')

/** Fenced blocks of a language. */
const blocksOf = (page: string, language: string): string[] =>
  [...textOf(page).matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)]
    .filter(([, name]) => name === language)
    .map(([, , body]) => body!)

/** Replaces what stands between two marks of a page, or expects it to be that. */
function expectSection(page: string, mark: string, body: string): void {
  const pattern = new RegExp(`<!-- ${mark} -->[\\s\\S]*?<!-- /${mark} -->`)
  const wanted = `<!-- ${mark} -->\n\n${body}\n\n<!-- /${mark} -->`
  const text = textOf(page)
  expect(text, `${page} has the mark ${mark}`).toMatch(pattern)
  if (process.env.LIMBECK_REGENERATE === '1') {
    writeFileSync(
      join(root, page),
      text.replace(pattern, () => wanted),
    )
    return
  }
  const hint = 'LIMBECK_REGENERATE=1 npx vitest run test/docs.e2e.test.ts writes it anew'
  expect(pattern.exec(text)![0], hint).toBe(wanted)
}

describe('pages', () => {
  it.each(Object.keys(verbs))('docs/%s.md holds the options of its help', async (verb) => {
    expect(pages).toContain(`docs/${verb}.md`)
    expect(textOf('docs/README.md')).toContain(`](${verb}.md)`)
    const page = `docs/${verb}.md`
    if (textOf(page).includes('<!-- reference -->')) {
      expectSection(page, 'reference', `## Options\n\n${await verbReference(verb)}`)
    }
    const help = execFileSync(process.execPath, [join(root, 'dist/cli/main.js'), verb, '--help'])
    const flags = [...String(help).matchAll(/^ +(?:-\w, )?(--[\w-]+)/gm)].map(([, flag]) => flag!)
    expect(flags.length).toBeGreaterThan(2)
    const text = textOf(page)
    expect(flags.filter((flag) => flag !== '--help' && !text.includes(flag))).toEqual([])
  })

  it('the index leads to every page', () => {
    const index = textOf('docs/README.md')
    const names = pages.filter((page) => page.startsWith('docs/') && page !== 'docs/README.md')
    expect(names.filter((page) => !index.includes(`](${page.slice(5)})`))).toEqual([])
  })

  it('README names every family', () => {
    const names = [...families.keys()].map((name) => `\`${name}\``)
    expectSection('README.md', 'families', `${names.join(', ')}.`)
  })

  it.each(pages)('links of %s lead to files and headings that exist', (page) => {
    const slug = (heading: string): string =>
      heading
        .toLowerCase()
        .replaceAll(/[^\w\s-]/g, '')
        .trim()
        .replaceAll(/\s/g, '-')
    const text = textOf(page).replaceAll(/^```[\s\S]*?^```$/gm, '')
    for (const [, target] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^https?:/.test(target!)) continue
      const [path, anchor] = target!.split('#') as [string, string?]
      const file = path === '' ? join(root, page) : resolve(root, dirname(page), path)
      expect(existsSync(file), `${page}: ${target}`).toBe(true)
      if (anchor === undefined) continue
      const headings = [...readFileSync(file, 'utf8').matchAll(/^#+ (.*)$/gm)].map(([, h]) =>
        slug(h!),
      )
      expect(headings, `${page}: ${target}`).toContain(anchor)
    }
  })
})

/** A command line cut into words as a shell does: quotes, no expansion. */
const wordsOf = (line: string): string[] =>
  [...line.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(([, a, b, c]) => a ?? b ?? c!)

/** What is recognised and not run: it would install, or test the tests. */
const notRun = [
  /^npm ci$/,
  /^npm start$/,
  /^npm test$/,
  /^(ONNXRUNTIME_NODE_INSTALL=skip )?npm install limbeck$/,
]
const ways = [/^npx limbeck /, /^npm start -- /, /^npm run limbeck -- /]

/** The command that several pages show: run once, before them; they find what it wrote. */
const mainCommand =
  'npx limbeck optimize ./my-model --data dev.tsv --text sentence --label label --max-drop 1%'

/** Options that keep a command quick; what the page gives itself stays. */
const quick: Readonly<Record<string, readonly (readonly [string, string])[]>> = {
  optimize: [
    ['--seconds', '0.2'],
    ['--shapes', '1x16'],
    ['--limit', '24'],
  ],
  bench: [
    ['--seconds', '0.1'],
    ['--shapes', '1x16'],
    ['--threads', '1'],
  ],
  eval: [['--limit', '24']],
  train: [
    ['--steps', '2'],
    ['--batch', '4'],
    ['--seconds', '0'],
  ],
  distill: [
    ['--steps', '2'],
    ['--batch', '4'],
    ['--seconds', '0'],
  ],
  prune: [
    ['--seconds', '0'],
    ['--limit', '24'],
  ],
  fuse: [['--seconds', '0.1']],
  report: [
    ['--seconds', '0.1'],
    ['--threads', '1'],
    ['--lengths', '8'],
  ],
}

/** The arguments of `limbeck` in a line of a page; undefined where it is not run. */
function argumentsOf(line: string): string[] | undefined {
  if (notRun.some((pattern) => pattern.test(line))) return undefined
  const way = ways.find((pattern) => pattern.test(line))
  expect(way, `a command that this test knows: ${line}`).toBeDefined()
  const words = wordsOf(line.replace(way!, ''))
  const fits = (flag: string): boolean =>
    !words.includes(flag) &&
    (flag !== '--limit' || words.includes('--data') || words.includes('--dev'))
  const more = (quick[words[0]!] ?? []).filter(([flag]) => fits(flag))
  const taught = words.includes('--distill') ? ['--steps', '2'] : []
  return [...words, ...more.flat(), ...taught]
}

/** Models of tasks that the example is not for, their heads drawn: they run, and mean nothing. */
const heads: Readonly<Record<string, RandomHead>> = {
  'my-nli': {
    config: namedLabels(['entailment', 'neutral', 'contradiction']),
    draw: { 'classifier.weight': [3, 256], 'classifier.bias': [3] },
    seed: 1,
  },
  'my-ranker': {
    config: { ...namedLabels(['LABEL_0']), problem_type: undefined },
    draw: { 'classifier.weight': [1, 256], 'classifier.bias': [1] },
    seed: 2,
  },
  'my-masked-lm': {
    config: { architectures: ['BertForMaskedLM'] },
    draw: {
      'cls.predictions.transform.dense.weight': [256, 256],
      'cls.predictions.transform.dense.bias': [256],
      'cls.predictions.transform.LayerNorm.weight': [256],
      'cls.predictions.transform.LayerNorm.bias': [256],
      'cls.predictions.bias': [2048],
    },
    seed: 3,
  },
}

describe('commands and programs of the pages run', () => {
  const seed = scratchFolder()

  /** What the pages' commands find: a classifier, an embedder, data in all formats, an earlier output. */
  beforeAll(async () => {
    const rows = readFileSync(join(example, 'test.tsv'), 'utf8').trim().split('\n').slice(1, 41)
    const cells = rows.map((row) => row.split('\t') as [string, string])
    const lines = {
      'dev.tsv': ['sentence\tlabel', ...rows],
      'dev-without-header.tsv': rows,
      'labels.json': [JSON.stringify({ track_order: 'track_order' })],
      'texts.txt': cells.map(([text]) => text),
      'tickets.jsonl': cells.map(([body, intent]) => JSON.stringify({ body, intent })),
      'answers.tsv': [
        'query\tdocument\trelevance',
        ...cells.map(([text, intent], i) => [text, intent, i % 3].join('\t')),
        ...cells.map(([, intent], i) => ['', `${intent} ${i}`, 0].join('\t')),
      ],
      'sts.tsv': cells.map(([text], i) => [text, 'where is my parcel?', i % 6].join('\t')),
      'sts.csv': [
        'sentence1,sentence2,score',
        ...cells.map(([text], i) => `"${text.replaceAll('"', '""')}",where is my parcel?,${i % 5}`),
      ],
    }
    for (const [name, content] of Object.entries(lines)) {
      writeFileSync(join(seed, name), `${content.join('\n')}\n`)
    }
    const records = cells.map(([text, label]) => ({ text, label }))
    writeFileSync(join(seed, 'dev.json'), JSON.stringify({ data: records }))
    const parquet = parquetWriteBuffer({
      columnData: (['text', 'label'] as const).map((name) => ({
        name,
        data: records.map((record) => record[name]),
      })),
    })
    writeFileSync(join(seed, 'dev.parquet'), new Uint8Array(parquet))
    modelWith(join(seed, 'my-model'))
    const config = JSON.parse(readFileSync(join(example, 'config.json'), 'utf8')) as object
    const modules = [
      { path: '', type: 'sentence_transformers.models.Transformer' },
      { path: '1_Pooling', type: 'sentence_transformers.models.Pooling' },
    ]
    modelWith(join(seed, 'my-embedder'), {
      'config.json': JSON.stringify({ ...config, architectures: ['BertModel'] }),
      'modules.json': JSON.stringify(modules),
    })
    mkdirSync(join(seed, 'my-embedder/1_Pooling'))
    writeFileSync(
      join(seed, 'my-embedder/1_Pooling/config.json'),
      JSON.stringify({ pooling_mode_mean_tokens: true }),
    )
    for (const [name, head] of Object.entries(heads))
      writeRandomHead(example, join(seed, name), head)
    const args = argumentsOf(mainCommand)!
    const { code, stderr } = await limbeck(args, { cwd: seed })
    expect(code, stderr).toBe(0)
    save(load(example).graph, join(seed, 'my-model.onnx'), { lowering: 'exported' })
  })

  // its commands read data that is not in the repository
  const elsewhere = ['docs/results.md', 'examples/support-desk/README.md']

  it.each(
    pages.filter((page) => !elsewhere.includes(page) && /^```(sh|ts)$/m.test(textOf(page))),
  )('%s', async (page) => {
    const cwd = join(seed, 'pages', page.replaceAll('/', '-'))
    mkdirSync(cwd, { recursive: true })
    for (const name of readdirSync(seed)) {
      if (['pages', 'tmp', 'limbeck-output'].includes(name)) continue
      symlinkSync(join(seed, name), join(cwd, name))
    }
    cpSync(join(seed, 'limbeck-output'), join(cwd, 'limbeck-output'), { recursive: true })
    mkdirSync(join(cwd, 'node_modules/@huggingface'), { recursive: true })
    symlinkSync(root, join(cwd, 'node_modules/limbeck'))
    symlinkSync(
      join(root, 'node_modules/@huggingface/transformers'),
      join(cwd, 'node_modules/@huggingface/transformers'),
    )
    for (const line of blocksOf(page, 'sh').flatMap((block) => block.trim().split(/\n| && /))) {
      const args = line === mainCommand ? undefined : argumentsOf(line)
      if (!args) continue
      const { code, stdout, stderr } = await limbeck(args, { cwd })
      expect(code, `${page}: ${line}\n${stderr}`).toBe(0)
      expect(stdout).not.toBe('')
    }
    for (const [i, program] of blocksOf(page, 'ts').entries()) {
      writeFileSync(join(cwd, `program-${i}.mjs`), program)
      const { code, stderr } = await command(process.execPath, [`program-${i}.mjs`], { cwd })
      expect(code, `${page}:\n${program}\n${stderr}`).toBe(0)
    }
    expect(contentsOf(join(cwd, 'tmp'))).toEqual({})
  })
})
