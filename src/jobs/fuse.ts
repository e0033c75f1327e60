/**
 * `fuse`: one ONNX file of any exporter in, the same model with fused operators out, compared with the file
 * on inputs made up from its own declaration.
 */
import { existsSync, mkdirSync, renameSync, statSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { type BenchRow, benchModels } from '../bench/bench-models.ts'
import { type BenchShape, formatShape, parseShapes } from '../bench/bench-shape.ts'
import { LimbeckError } from '../errors.ts'
import type { Graph } from '../graph/graph.ts'
import { printGraph } from '../graph/print.ts'
import { nodeFiles } from '../hub/node-files.ts'
import { withScratchFolder } from '../hub/scratch-folder.ts'
import { readOnnx } from '../onnx/read-onnx.ts'
import { lineDiff } from '../report/line-diff.ts'
import type { Progress } from '../report/progress.ts'
import { buildInChild } from './build-in-child.ts'
import { asRough } from './build-with-source.ts'
import { comparableFile, floatFile } from './comparable-file.ts'
import type { Verification } from './compare-outputs.ts'
import type { Target } from './export-model.ts'
import { checkDims, comparedFeeds, fileFeeds, type NamedSizes } from './file-inputs.ts'
import { type FusedCounts, foreignNotes, fusedCounts, roundingOf } from './foreign-facts.ts'
import { bytesOf } from './inspect-file.ts'
import { type Reading, raisedGraph } from './logical-graph.ts'
import { checkThreads } from './model-limits.ts'
import { requireFile } from './require-file.ts'
import type { BuiltVariant, VariantPlan } from './variants.ts'
import { checkFloats, compareFiles, refused } from './verify.ts'

export interface FuseOptions extends Reading {
  /** Any ONNX file; weights may lie beside it. */
  readonly file: string
  /** File to write; default `<name>_fused.onnx` beside the source. */
  readonly output?: string | undefined
  /** Default `cpu`; `both` writes the portable file, and one with `_cpu` before the ending. */
  readonly target?: Target | 'both' | undefined
  /** Three shapes to compare at, texts x tokens; default 1x5,2x17,3x9. */
  readonly shapes?: string | undefined
  /** Sizes of dimensions that a shape does not give, by name. */
  readonly dims?: NamedSizes | undefined
  /** Seconds to measure latency before and after, at 1x128 or the first shape given; 0 for none. Default 2. */
  readonly seconds?: number | undefined
  readonly threads?: number | undefined
  readonly externalData?: boolean | undefined
  /** Give the graphs before and after as a diff of their texts. */
  readonly diff?: boolean | undefined
  readonly overwrite?: boolean | undefined
  readonly signal?: AbortSignal | undefined
  readonly progress?: Progress | undefined
}

/** A file that was written. */
export interface FusedFile extends BuiltVariant {
  /** Absolute path. */
  readonly path: string
  readonly counts: FusedCounts
  readonly verified: Verification
  /** Median milliseconds of a run; absent when latency was not measured. */
  readonly ms?: number | undefined
  /** Before and after as a unified diff. */
  readonly diff?: string | undefined
}

export interface FuseResult {
  readonly source: {
    readonly path: string
    readonly bytes: number
    readonly counts: FusedCounts
    /** Under ONNX Runtime's default options. */
    readonly ms?: number | undefined
  }
  readonly files: readonly FusedFile[]
  /** Shape of the latencies; absent when none were measured. */
  readonly shape: string | undefined
  readonly threads: number
  /** Shapes that were compared at. */
  readonly compared: readonly string[]
  /** What the source is, where that matters; a sentence each. */
  readonly notes: readonly string[]
  readonly seconds: number
}

/**
 * Raises, lowers, writes, and compares with the source, whose optimization is off meanwhile.
 * @throws LimbeckError for a file that is no intact model, or a result that is not the source; nothing is
 *   written then.
 * @example
 * const { source, files } = await fuse({ file: './model.onnx', output: './fused.onnx' })
 * console.log(source.counts.nodes, files[0].counts)
 */
export async function fuse(options: FuseOptions): Promise<FuseResult> {
  const { dims, dequantize, signal, progress, threads = 1 } = options
  const start = performance.now()
  const file = resolve(requireFile(options.file))
  checkThreads(threads)
  const graph = readOnnx(file, nodeFiles)
  if (dims) checkDims(graph, dims)
  const shapes = parseShapes(options.shapes ?? '1x5,2x17,3x9')
  const feeds = comparedFeeds(graph, shapes, dims)
  const output = outputOf(options, file)
  const plans = plansOf(options, output)
  for (const plan of plans) checkOutput(join(dirname(output), plan.file), file, options.overwrite)
  mkdirSync(dirname(output), { recursive: true })
  const besides = join(dirname(output), `.${basename(output)}.`)
  return withScratchFolder(async (folder) => {
    const step = progress?.step('Fusing', plans.length)
    let begun = 0
    const built = await buildInChild(
      { model: file, folder, variants: plans, dequantize },
      { signal, onVariant: (name) => step?.update(begun++, name) },
    )
    const variants = dequantize ? built.variants : asRough(built.variants, roundingOf(graph))
    step?.done(`${variants.length} file${variants.length === 1 ? '' : 's'}`)
    const given = comparableFile(file, graph, folder)
    const floats = dequantize ? floatFile(graph, folder) : undefined
    if (floats) await checkFloats(given, floats, feeds, { signal, progress })
    const verified = await compareFiles(floats ?? given, folder, variants, feeds, {
      signal,
      progress,
    })
    const bad = verified.find(({ ok }) => !ok)
    if (bad) {
      const named = raisedGraph(graph).graph
      throw refused(bad, named, 'Nothing was written; please report the model.')
    }
    const row = await latencies(file, graph, shapes, folder, variants, options)
    const msOf = (name: string): number | undefined =>
      row?.entries.find((entry) => entry.name === name)?.p50
    const files = variants.map((variant, i): FusedFile => {
      const fused = readOnnx(join(folder, variant.file), nodeFiles)
      return {
        ...variant,
        path: join(dirname(output), variant.file),
        counts: fusedCounts(fused),
        verified: verified[i]!,
        ms: msOf(variant.name),
        diff: options.diff ? graphDiff(graph, fused) : undefined,
      }
    })
    // weights before the model that names them
    for (const name of variants.flatMap((variant) => variant.files.toReversed())) {
      renameSync(join(folder, name), join(dirname(output), name))
    }
    return {
      source: {
        path: file,
        bytes: bytesOf(graph, file),
        counts: fusedCounts(graph),
        ms: msOf(SOURCE),
      },
      files,
      shape: row && formatShape(row.shape),
      threads,
      compared: shapes.map(formatShape),
      notes: foreignNotes(graph, { dequantize }),
      seconds: (performance.now() - start) / 1000,
    }
  }, besides)
}

const SOURCE = 'source'

function outputOf({ output }: FuseOptions, file: string): string {
  if (output === undefined) return file.replace(/\.onnx$/, '_fused.onnx')
  if (output.endsWith('.onnx')) return resolve(output)
  throw new LimbeckError('usage', `${output}: expected a file name that ends with .onnx.`)
}

function plansOf({ target = 'cpu', externalData }: FuseOptions, output: string): VariantPlan[] {
  const name = basename(output)
  const files: Readonly<Record<string, Readonly<Partial<Record<Target, string>>>>> = {
    cpu: { cpu: name },
    portable: { portable: name },
    both: { portable: name, cpu: name.replace(/\.onnx$/, '_cpu.onnx') },
  }
  const wanted = files[target]
  if (!wanted) {
    throw new LimbeckError(
      'usage',
      `--target ${target} is not known; known are ${Object.keys(files).join(', ')}.`,
    )
  }
  return Object.entries(wanted).map(([lowering, path]) => ({
    name: `fused, ${lowering}`,
    file: path,
    lowering: lowering as Target,
    externalData,
  }))
}

/** An output must not be the source, nor what stands there already unless that was allowed. */
function checkOutput(path: string, source: string, overwrite = false): void {
  if (!existsSync(path)) return
  const [there, from] = [statSync(path), statSync(source)]
  if (there.ino === from.ino && there.dev === from.dev) {
    throw new LimbeckError('usage', `${path}: it is the source itself.`, {
      hint: 'Give another --output.',
    })
  }
  if (overwrite && there.isFile()) return
  throw new LimbeckError(
    'usage',
    `${path}: there is ${there.isFile() ? 'a file' : 'a folder'} already.`,
    {
      hint: there.isFile()
        ? 'Pass --overwrite to replace it, or give another --output.'
        : 'Give another --output.',
    },
  )
}

/** Times of source and results; of a model that takes no 128 tokens, at the last shape compared. */
async function latencies(
  file: string,
  graph: Graph,
  shapes: readonly BenchShape[],
  folder: string,
  variants: readonly BuiltVariant[],
  { seconds = 2, threads = 1, dims, signal, progress, shapes: asked }: FuseOptions,
): Promise<BenchRow | undefined> {
  if (seconds === 0) return undefined
  const step = progress?.step('Measuring latency')
  const feeds = (shape: BenchShape) => fileFeeds(graph, shape, dims)
  const candidates = [
    { name: SOURCE, path: file, options: { optimization: 'default' }, feeds } as const,
    ...variants.map(({ name, file: path }) => ({
      ...{ name, path: join(folder, path), feeds },
      options: { optimization: 'limbeck' } as const,
    })),
  ]
  const at = async (shape: BenchShape): Promise<BenchRow> => {
    const options = { shapes: [shape], threads: [threads], maxSeconds: seconds, vs: SOURCE }
    const [row] = await benchModels(candidates, { ...options, ...(signal && { signal }) })
    step?.done(formatShape(shape))
    return row!
  }
  const last = shapes.at(-1)!
  if (asked !== undefined) return at(last)
  try {
    return await at({ batch: 1, sequence: 128 })
  } catch (error) {
    if (error instanceof LimbeckError && error.code === 'input') return at(last)
    throw error
  }
}

/** Numbers of values shift with every node that goes; a line is the same without them. */
const graphDiff = (before: Graph, after: Graph): string =>
  lineDiff(printGraph(before), printGraph(after), (line) => line.replaceAll(/%\d+/g, '%'))
