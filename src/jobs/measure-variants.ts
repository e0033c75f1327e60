/**
 * Measures written variants: accuracy and fidelity over the text, latency and memory interleaved.
 */
import { resolve } from 'node:path'
import { type BenchFeeds, type BenchRow, benchModels, formatShape } from '../bench/index.ts'
import { type Fidelity, fidelityMeter } from '../data/fidelity.ts'
import { floatsOf } from '../data/host-floats.ts'
import type { MetricResult } from '../data/metrics.ts'
import type { MeasuredText } from '../fit/measured-text.ts'
import { rowReader } from '../fit/model-rows.ts'
import { predictExamples } from '../fit/predict.ts'
import type { ExampleRows } from '../fit/ready-example.ts'
import type { HostTensor } from '../graph/data-type.ts'
import type { Progress } from '../report/progress.ts'
import { type Engine, type Feeds, openProcess, type SessionOptions } from '../runtime/index.ts'
import { type LoadedModel, tokenizerOf } from './load.ts'
import type { OptimizeSettings } from './optimize-into.ts'
import { type Simulated, withSimulation } from './simulate.ts'
import { type BuiltVariant, isExported, sourcePlan } from './variants.ts'
import { outputsOf, runAll } from './verify.ts'

/** What is measured and who is told. */
export interface Measured {
  readonly model: LoadedModel
  readonly folder: string
  /** The source first; files are relative to the folder, or absolute. */
  readonly variants: readonly (Pick<BuiltVariant, 'name' | 'file'> & {
    readonly quantized?: boolean
  })[]
  /** A CPU whose integer products are simulated in quantized variants as well. */
  readonly simulate?: string | undefined
  readonly signal?: AbortSignal | undefined
  readonly progress?: Progress | undefined
}

/** What a variant's answers came to. */
export interface Quality {
  readonly name: string
  /** Empty without labels; the first is the one that judges. */
  readonly metrics: readonly MetricResult[]
  /** Nearness to the source; absent for the source. */
  readonly fidelity: Fidelity | undefined
  /** The same on another CPU. */
  readonly simulated?: Simulated<SimulatedQuality> | undefined
}

type SimulatedQuality = Pick<Quality, 'metrics' | 'fidelity'>

/** Exported files run as others run them: ONNX Runtime's defaults. */
export const sessionOf = (
  variant: Pick<BuiltVariant, 'name'>,
): Pick<SessionOptions, 'optimization'> =>
  isExported(variant.name) ? { optimization: 'default' } : { optimization: 'limbeck' }

/** Runs every variant over all texts. */
export async function measureQuality(
  { model, folder, variants, signal, progress, simulate }: Measured,
  text: MeasuredText,
  batchSize: number,
): Promise<Quality[]> {
  const again = simulate === undefined ? 0 : variants.filter(({ quantized }) => quantized).length
  const texts = text.encodings.length
  const step = progress?.step('Measuring accuracy', texts * (variants.length + again))
  const padId = text.source === 'random' ? 0 : (await tokenizerOf(model)).padId
  const reader = rowReader(model)
  let before = 0
  const answersOf = async (engine: Engine, name: string) => {
    const judge = text.judge?.()
    const byExample: ExampleRows[] = new Array(text.examples.length)
    const running = predictExamples(engine, text.examples, {
      reader,
      batchSize,
      padId,
      signal,
      onProgress: (done) => step?.update(before + done, name),
    })
    for await (const done of running) {
      byExample[done.index] = done.rows
      judge?.add(done)
    }
    before += texts
    return { metrics: judge?.result() ?? [], rows: byExample.flat() }
  }
  let source: readonly Float32Array[][] | undefined
  const results: Quality[] = []
  for (const variant of variants) {
    const file = resolve(folder, variant.file)
    const session = { ...sessionOf(variant), manyShapes: true, ...(signal && { signal }) }
    const engine = await openProcess(file, session)
    const { metrics, rows } = await answersOf(engine, variant.name).finally(() => engine.release())
    const fidelity = source && fidelityOf(source, rows, reader.kind)
    source ??= rows
    const expected = source
    const simulated =
      simulate === undefined || !variant.quantized
        ? undefined
        : await withSimulation(simulate, file, session, async (other) => {
            const found = await answersOf(other, `${variant.name} on ${simulate}`)
            return {
              metrics: found.metrics,
              fidelity: fidelityOf(expected, found.rows, reader.kind),
            }
          })
    results.push({ name: variant.name, metrics, fidelity, simulated })
  }
  step?.done(
    `${texts} texts × ${variants.length} variants${again > 0 ? `, as on ${simulate}` : ''}`,
  )
  return results
}

function fidelityOf(
  source: readonly Float32Array[][],
  rows: readonly Float32Array[][],
  kind: Parameters<typeof fidelityMeter>[0],
): Fidelity {
  const meter = fidelityMeter(kind)
  source.forEach((expected, i) => {
    expected.forEach((row, j) => {
      meter.add(row, rows[i]![j]!)
    })
  })
  return meter.result()
}

/** Runs every variant on made-up inputs: each text of each float output is one row. */
export async function measureFidelity(
  { folder, variants, signal, progress, simulate }: Omit<Measured, 'model'>,
  feeds: readonly Feeds[],
): Promise<Quality[]> {
  const step = progress?.step('Measuring fidelity', variants.length)
  let source: Float32Array[] | undefined
  const results: Quality[] = []
  for (const variant of variants) {
    step?.update(results.length, variant.name)
    const { optimization } = sessionOf(variant)
    const file = resolve(folder, variant.file)
    const rowsOfAll = (outputs: readonly Record<string, HostTensor>[]) =>
      outputs.flatMap((batch) => Object.values(batch).flatMap(rowsOf))
    const rows = rowsOfAll(await outputsOf(file, feeds, optimization!, signal))
    const fidelity = source && fidelityOf([source], [rows], 'values')
    source ??= rows
    const expected = source
    const simulated =
      simulate === undefined || !variant.quantized
        ? undefined
        : await withSimulation(
            simulate,
            file,
            { ...sessionOf(variant), signal },
            async (engine) => {
              const outputs = rowsOfAll(await runAll(engine, feeds, signal))
              return { metrics: [], fidelity: fidelityOf([expected], [outputs], 'values') }
            },
          )
    results.push({ name: variant.name, metrics: [], fidelity, simulated })
  }
  step?.done(`${feeds.length} batches × ${variants.length} variants`)
  return results
}

/** An output along its first axis. */
function rowsOf(tensor: HostTensor): Float32Array[] {
  const [count = 1] = tensor.shape
  if (!tensor.dtype.includes('float') || count === 0) return []
  const data = Float32Array.from(floatsOf(tensor))
  const width = data.length / count
  return Array.from({ length: count }, (_, i) => data.subarray(i * width, (i + 1) * width))
}

/** Times every variant against the source, each in a process of its own; nothing in no seconds. */
export async function measureLatency(
  { folder, variants, signal, progress }: Omit<Measured, 'model'>,
  { shapes, threads, seconds, seed }: OptimizeSettings,
  feeds?: BenchFeeds,
): Promise<BenchRow[]> {
  if (seconds === 0) return []
  const step = progress?.step('Measuring latency', 100)
  const candidates = variants.map((variant) => ({
    name: variant.name,
    path: resolve(folder, variant.file),
    options: sessionOf(variant),
    ...(feeds && { feeds }),
  }))
  const rows = await benchModels(candidates, {
    shapes,
    threads,
    vs: sourcePlan.name,
    maxSeconds: seconds,
    seed,
    ...(signal && { signal }),
    onProgress: (at) => step?.update(Math.round(at.fraction * 100), formatShape(at.shape)),
  })
  step?.done(shapes.map(formatShape).join(', '))
  return rows
}
