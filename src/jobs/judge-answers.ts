/**
 * One file's answers on a data file, and what they lost against another's: by the metric of the labels where there
 * are labels, else by how often the answers are the same (classes), how near they are (vectors: cosine; a score: in
 * deviations of the source's scores).
 */
import { acceptMetric } from '../data/accept-metric.ts'
import { fidelityMeter, type RowKind } from '../data/fidelity.ts'
import { argmax, cosineSimilarity } from '../data/logits.ts'
import type { MetricResult } from '../data/metrics.ts'
import type { MeasuredText } from '../fit/measured-text.ts'
import { rowReader } from '../fit/model-rows.ts'
import { predictExamples } from '../fit/predict.ts'
import type { ExampleRows } from '../fit/ready-example.ts'
import type { JudgedBy } from '../report/mix-search.ts'
import { openProcess } from '../runtime/index.ts'
import { type Acceptance, type AllowedDrop, acceptDrop } from '../stats/acceptance.ts'
import { mean } from '../stats/interval.ts'
import { BATCH_SIZE } from './evaluate.ts'
import { type LoadedModel, tokenizerOf } from './load.ts'

export interface FileAnswers {
  readonly examples: readonly ExampleRows[]
  /** The first of the task; absent without labels. */
  readonly metric: MetricResult | undefined
  readonly kind: RowKind
}

export interface Judgement {
  readonly by: JudgedBy
  readonly before: number
  readonly after: number
  readonly acceptance: Acceptance
  /** Why the file cannot be taken whatever its metric says. */
  readonly collapsed?: string | undefined
}

/** Runs one file over all examples. */
export async function fileAnswers(
  model: LoadedModel,
  file: string,
  text: MeasuredText,
  signal: AbortSignal | undefined,
): Promise<FileAnswers> {
  const { padId } = await tokenizerOf(model)
  const reader = rowReader(model)
  const engine = await openProcess(file, { manyShapes: true, ...(signal && { signal }) })
  try {
    const judge = text.judge?.()
    const examples: ExampleRows[] = new Array(text.examples.length)
    const options = { reader, batchSize: BATCH_SIZE, padId, signal }
    for await (const done of predictExamples(engine, text.examples, options)) {
      examples[done.index] = done.rows
      judge?.add(done)
    }
    return { examples, metric: judge?.result()[0], kind: reader.kind }
  } finally {
    await engine.release()
  }
}

/** A mean cosine of the outputs below this is no model any more. */
const LEAST_COSINE = 0.9

/** What a file's answers lost. */
export function judgeAnswers(
  source: FileAnswers,
  found: FileAnswers,
  allowed: AllowedDrop,
): Judgement {
  const collapsed = collapseOf(source, found)
  // numbers that are none cannot be judged
  const broken = { drop: Number.NaN, upper: Number.NaN, allowed: Number.NaN, n: 0 }
  const rejected: Acceptance = { verdict: 'rejected', ...broken }
  if (source.metric && found.metric) {
    const acceptance = collapsed ? rejected : acceptMetric(source.metric, found.metric, allowed)
    const { name: by, value: before } = source.metric
    return { by, before, after: found.metric.value, acceptance, collapsed }
  }
  const { by, scores } = answerScores(source, found)
  const before = scores.map(() => 1)
  const acceptance = collapsed ? rejected : acceptDrop({ before, after: scores, allowed })
  return { by, before: 1, after: mean(scores), acceptance, collapsed }
}

function collapseOf(source: FileAnswers, found: FileAnswers): string | undefined {
  const meter = fidelityMeter('values')
  eachRow(source, found, (a, b) => meter.add(a, b))
  const { nonFinite, cosine } = meter.result()
  if (nonFinite > 0) return `${nonFinite} of its outputs are not finite`
  if (cosine.mean >= LEAST_COSINE) return undefined
  return `its outputs have collapsed (mean cosine to the source ${cosine.mean.toFixed(3)})`
}

/** A score of each example, 1 where nothing is lost. */
function answerScores(source: FileAnswers, found: FileAnswers): { by: JudgedBy; scores: number[] } {
  const { kind } = source
  const single = kind === 'values' && source.examples.every((rows) => rows[0]?.[0]?.length === 1)
  const values = single ? source.examples.flat(2).map((row) => row[0]!) : []
  const center = single ? mean(values) : 0
  const spread = single ? Math.sqrt(mean(values.map((value) => (value - center) ** 2))) || 1 : 1
  const score = {
    softmax: (a: Float32Array, b: Float32Array) => Number(argmax(a) === argmax(b)),
    sigmoid: (a: Float32Array, b: Float32Array) => Number(a.every((x, i) => x > 0 === b[i]! > 0)),
    values: (a: Float32Array, b: Float32Array) =>
      single ? 1 - Math.abs(a[0]! - b[0]!) / spread : cosineSimilarity(a, b),
  }[kind]
  const sums = source.examples.map(() => ({ sum: 0, rows: 0 }))
  eachRow(source, found, (a, b, example) => {
    sums[example]!.sum += score(a, b)
    sums[example]!.rows++
  })
  const by = kind === 'values' ? (single ? 'nearness of scores' : 'mean cosine') : 'same answers'
  return { by, scores: sums.map(({ sum, rows }) => (rows === 0 ? 1 : sum / rows)) }
}

function eachRow(
  source: FileAnswers,
  found: FileAnswers,
  visit: (a: Float32Array, b: Float32Array, example: number) => void,
): void {
  for (const [example, texts] of source.examples.entries()) {
    for (const [text, rows] of texts.entries()) {
      for (const [i, row] of rows.entries()) {
        visit(row, found.examples[example]![text]![i]!, example)
      }
    }
  }
}
