/**
 * The folder of an earlier `optimize`: its report and the hash of its source, read from `limbeck.json` and
 * checked, since anybody may have edited it: no field that is used later is missing or of another kind, and
 * no file lies outside the folder.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { LimbeckError } from '../errors.ts'
import { folderFile } from '../hub/folder-file.ts'
import { readJsonObject } from '../hub/model-folder.ts'
import { LIMBECK_FILE } from '../hub/write-folder.ts'
import type { Report } from '../report/report.ts'

export interface OptimizedFolder {
  readonly report: Report
  /** SHA-256 of the source's weights. */
  readonly sourceHash: string | undefined
}

type Kind = 'string' | 'number' | 'boolean' | 'list' | 'object'

/** What `optimize` always writes, by path; `*` stands for every element of a list. */
const fields: readonly (readonly [path: string, kind: Kind])[] = [
  ['title', 'string'],
  ['createdAt', 'string'],
  ['chosen', 'string'],
  ['chosenWhy', 'string'],
  ['headline', 'object'],
  ['headline.shape', 'string'],
  ['headline.threads', 'number'],
  ['model', 'object'],
  ['model.folder', 'string'],
  ['model.name', 'string'],
  ['model.family', 'string'],
  ['model.task', 'string'],
  ['model.parameters', 'number'],
  ['model.layers', 'number'],
  ['model.hidden', 'number'],
  ['model.labels', 'list'],
  ['model.labels.*', 'string'],
  ['data', 'object'],
  ['data.source', 'string'],
  ['data.rows', 'number'],
  ['data.truncated', 'number'],
  ['machine', 'object'],
  ['machine.cpu', 'string'],
  ['machine.cores', 'number'],
  ['machine.allottedCores', 'number'],
  ['machine.isa', 'list'],
  ['machine.int8Kernel', 'string'],
  ['machine.node', 'string'],
  ['machine.onnxruntime', 'string'],
  ['machine.limbeck', 'string'],
  ['settings', 'object'],
  ['settings.maxDrop', 'string'],
  ['settings.strict', 'boolean'],
  ['settings.threads', 'list'],
  ['settings.shapes', 'list'],
  ['settings.batchSize', 'number'],
  ['settings.seed', 'number'],
  ['variants', 'list'],
  ['variants.*', 'object'],
  ['variants.*.name', 'string'],
  ['variants.*.target', 'string'],
  ['variants.*.precision', 'string'],
  ['variants.*.bytes', 'number'],
  ['variants.*.passes', 'list'],
  ['variants.*.passes.*', 'object'],
  ['variants.*.passes.*.pass', 'string'],
  ['variants.*.passes.*.ms', 'number'],
  ['variants.*.passes.*.nodesBefore', 'number'],
  ['variants.*.passes.*.nodesAfter', 'number'],
  ['variants.*.passes.*.hits', 'object'],
  ['variants.*.latency', 'list'],
  ['variants.*.latency.*', 'object'],
  ['variants.*.latency.*.shape', 'string'],
  ['variants.*.latency.*.threads', 'number'],
  ['variants.*.latency.*.p50', 'number'],
  ['variants.*.latency.*.p95', 'number'],
  ['variants.*.latency.*.p50Interval', 'object'],
  ['variants.*.latency.*.p95Interval', 'object'],
  ['notes', 'list'],
  ['notes.*', 'string'],
  ['files', 'list'],
  ['files.*', 'object'],
  ['files.*.role', 'string'],
  ['files.*.path', 'string'],
  ['stages', 'list'],
  ['stages.*', 'object'],
  ['stages.*.name', 'string'],
  ['stages.*.seconds', 'number'],
]

const isKind: { readonly [K in Kind]: (value: unknown) => boolean } = {
  string: (value) => typeof value === 'string',
  number: (value) => typeof value === 'number',
  boolean: (value) => typeof value === 'boolean',
  list: Array.isArray,
  object: (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
}

/**
 * Reads what `optimize` wrote.
 * @throws LimbeckError `usage` for a folder of another kind, `input` for a file that was changed, `file` for
 * what is not there.
 */
export function readOptimized(folder: string): OptimizedFolder {
  const file = join(folder, LIMBECK_FILE)
  const hint = 'Write the folder again with limbeck optimize … --overwrite.'
  if (!existsSync(folder)) {
    throw new LimbeckError('file', `${folder}: there is no such folder.`, {
      hint: 'Give a folder that limbeck optimize wrote.',
    })
  }
  if (!folderFile(folder, LIMBECK_FILE)) {
    throw new LimbeckError('usage', `${folder}: it has no ${LIMBECK_FILE}, so it is no output.`, {
      hint: 'Give a folder that limbeck optimize wrote.',
    })
  }
  const { report, source } = readJsonObject(file)
  if (report === undefined) {
    throw new LimbeckError('usage', `${file}: it holds no measurements.`, {
      hint: 'Give a folder that limbeck optimize wrote; export and quantize measure nothing.',
    })
  }
  const wrong = isKind.object(report) ? firstWrong(report) : 'report to be an object'
  if (wrong) throw new LimbeckError('input', `${file}: expected ${wrong}.`, { hint })
  const known = report as Report
  // the source comes first and is not kept
  for (const { name, file: path = '' } of known.variants.slice(1)) {
    if (!/^(student\/)?onnx\/[\w.-]+\.onnx$/.test(path)) {
      throw new LimbeckError(
        'input',
        `${file}: '${path}' of ${name} is no file of its onnx folder.`,
      )
    }
    if (!existsSync(join(folder, path))) {
      throw new LimbeckError('file', `${join(folder, path)}: there is no such file.`, { hint })
    }
  }
  const hash = (source as { readonly sha256?: unknown } | undefined)?.sha256
  return { report: known, sourceHash: typeof hash === 'string' ? hash : undefined }
}

/** The first field that is not as it should be, in words. */
function firstWrong(report: unknown): string | undefined {
  const { version, variants } = report as { readonly version?: unknown; variants?: unknown }
  if (version !== 1) return `report.version 1, found ${JSON.stringify(version)}`
  if (Array.isArray(variants) && variants.length < 2)
    return `a source and variants in its report, found ${variants.length}`
  for (const [path, kind] of fields) {
    const bad = valuesAt(report, path.split('.')).find(({ value }) => !isKind[kind](value))
    if (!bad) continue
    const found = bad.value === undefined ? 'nothing' : JSON.stringify(bad.value).slice(0, 40)
    return `report.${bad.path} to be ${kind === 'object' ? 'an' : 'a'} ${kind}, found ${found}`
  }
  return undefined
}

/** All values at a path, each with its own. What stands above them was checked before. */
function valuesAt(root: unknown, parts: readonly string[]): { path: string; value: unknown }[] {
  const [key, ...rest] = parts
  if (key === undefined) return [{ path: '', value: root }]
  const below: readonly (readonly [string, unknown])[] =
    key === '*'
      ? (root as readonly unknown[]).map((value, i) => [String(i), value] as const)
      : [[key, (root as Readonly<Record<string, unknown>>)[key]]]
  return below.flatMap(([name, value]) =>
    valuesAt(value, rest).map((one) => ({
      path: one.path === '' ? name : `${name}.${one.path}`,
      value: one.value,
    })),
  )
}
