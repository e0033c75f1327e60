/**
 * What `report` measures beyond `optimize`: every thread count, the length of texts, time by operator, bytes
 * by layer. Each file runs in a process of its own, turns interleaved with its rivals.
 */
import { mkdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import {
  type BenchOptions,
  type BenchRow,
  type BenchShape,
  benchModels,
  formatShape,
} from '../bench/index.ts'
import { profileRuns } from '../bench/measure-machine.ts'
import { type BenchFeeds, tokenFeeds } from '../bench/token-feeds.ts'
import { nodeFiles } from '../hub/node-files.ts'
import { readOnnx } from '../onnx/index.ts'
import { NO_LAYER } from '../ops/layer-of.ts'
import { weightBytes } from '../ops/weight-bytes.ts'
import type { Progress } from '../report/progress.ts'
import type { LayerBytes, OperatorTime, OperatorTimes } from '../report/report-details.ts'
import type { Profile } from '../runtime/profile.ts'
import { sessionOf } from './measure-variants.ts'
import { sourcePlan } from './variants.ts'

/** A file to measure. */
export interface MeasuredFile {
  readonly name: string
  readonly path: string
}

/** How long, and who is told. */
export interface DetailOptions {
  /** For each row. */
  readonly seconds: number
  readonly seed: number
  /** Inputs to measure with; random tokens where absent. */
  readonly feeds?: BenchFeeds | undefined
  readonly signal?: AbortSignal | undefined
  readonly progress?: Progress | undefined
}

/** Times files at every shape and thread count; ratios are taken to the source where it is there. */
export async function timeFiles(
  title: string,
  files: readonly MeasuredFile[],
  rows: { readonly shapes: readonly BenchShape[]; readonly threads: readonly number[] },
  { seconds, seed, feeds, signal, progress }: DetailOptions,
): Promise<BenchRow[]> {
  const step = progress?.step(title, 100)
  const candidates = files.map((file) => ({
    ...file,
    options: sessionOf(file),
    ...(feeds && { feeds }),
  }))
  const options: BenchOptions = {
    ...rows,
    seed,
    maxSeconds: seconds,
    ...(files.some(({ name }) => name === sourcePlan.name) && { vs: sourcePlan.name }),
    signal,
    onProgress: ({ fraction, shape, threads }) =>
      step?.update(
        Math.round(fraction * 100),
        `${formatShape(shape)}, ${threads} thread${threads === 1 ? '' : 's'}`,
      ),
  }
  const measured = await benchModels(candidates, options)
  step?.done(`${measured.length} row${measured.length === 1 ? '' : 's'}`)
  return measured
}

const PROFILED_RUNS = 12

/** Profiles files one after the other: shares of a run, not figures to compare to the microsecond. */
export async function profileFiles(
  files: readonly MeasuredFile[],
  shape: BenchShape,
  threads: number,
  folder: string,
  { feeds = tokenFeeds, signal, progress }: DetailOptions,
): Promise<OperatorTimes> {
  const step = progress?.step('Profiling', files.length)
  const variants: OperatorTimes['variants'][number][] = []
  for (const { name, path } of files) {
    step?.update(variants.length, name)
    const own = join(folder, `profile-${variants.length}`)
    mkdirSync(own)
    const profile = await profileRuns(path, (inputs) => feeds(shape, inputs), {
      folder: own,
      threads,
      runs: PROFILED_RUNS,
      ...sessionOf({ name }),
      ...(signal && { signal }),
    })
    variants.push({ name, runMs: profile.runMs, operators: operatorTimes(profile) })
  }
  step?.done(`${formatShape(shape)}, ${threads} thread${threads === 1 ? '' : 's'}`)
  return { shape: formatShape(shape), threads, variants }
}

function operatorTimes({ nodes }: Profile): OperatorTime[] {
  const times = new Map<string, OperatorTime>()
  for (const { kernel, ms } of nodes) {
    const so = times.get(kernel) ?? { name: kernel, nodes: 0, ms: 0 }
    times.set(kernel, { name: kernel, nodes: so.nodes + 1, ms: so.ms + ms })
  }
  return [...times.values()].sort((a, b) => b.ms - a.ms)
}

/** What each file's size is made of. */
export const layerBytes = (files: readonly MeasuredFile[]): LayerBytes => ({
  variants: files.map(({ name, path }) => {
    const graph = readOnnx(path, nodeFiles)
    const layers = [...weightBytes(graph)]
      .filter(([layer]) => layer !== NO_LAYER)
      .map(([layer, bytes]) => ({ name: layer, bytes }))
    const weights = layers.reduce((sum, { bytes }) => sum + bytes, 0)
    return { name, layers, graphBytes: Math.max(0, bytesOf(path) - weights) }
  }),
})

/** A file with its external data. */
const bytesOf = (path: string): number =>
  [path, `${path}_data`].reduce(
    (sum, file) => sum + (statSync(file, { throwIfNoEntry: false })?.size ?? 0),
    0,
  )
