/** The rows of the table of results, from what was measured: the origin first, then each file of the folder. */
import { type BenchRow, parseShapes, speedupByRound } from '../bench/index.ts'
import type { MeasuredText } from '../fit/measured-text.ts'
import type { Graph } from '../graph/graph.ts'
import { graphFlops } from '../ops/graph-cost.ts'
import { parametersOf } from '../ops/parameter-count.ts'
import type { LatencyReport } from '../report/latency-report.ts'
import type { Report } from '../report/report.ts'
import type { ResultRow, ResultsReport } from '../report/results.ts'
import type { TrainingReport } from '../report/training-report.ts'
import { metricReport } from './assemble-report.ts'
import { latencyReport } from './latency-rows.ts'
import type { LoadedModel } from './load.ts'
import type { ExportedOrigin, Origin } from './origin.ts'

export interface ResultsOptions extends ExportedOrigin {
  readonly rows: readonly BenchRow[]
  readonly model: LoadedModel
  readonly text: MeasuredText
  readonly training?: TrainingReport | undefined
}

/** The table's data. @param report of the variants. */
export function resultsReport(
  report: Pick<Report, 'variants' | 'headline' | 'settings'>,
  { origin, file, judged, rows, model, text, training }: ResultsOptions,
): ResultsReport {
  const { shape } = report.headline
  const { role, name: from, unjudged } = origin
  const latency = (name: string) => rows.map((row) => against(role, row, name, report))
  const first: ResultRow = {
    ...{ name: role, ...sizesOf(origin.model.graph, shape), bytes: file.bytes },
    ...{ latency: latency(role), quality: judged && metricReport(judged) },
  }
  const made = sizesOf(model.graph, shape)
  const others = report.variants.slice(1).map(
    (variant): ResultRow => ({
      ...{ name: variant.name, ...made, bytes: variant.bytes },
      training: training && { flops: training.flops, seconds: training.seconds },
      ...{ latency: latency(variant.name), quality: variant.quality },
    }),
  )
  const why =
    text.source === 'labelled'
      ? unjudged && `${from} is not judged, since ${unjudged}`
      : noMetric(text)
  return { role, from, shape, rows: [first, ...others], unjudged: why ? [why] : [] }
}

const noMetric = ({ source }: MeasuredText): string =>
  source === 'random'
    ? 'nothing is judged, since there is no --dev data'
    : 'nothing is judged by a metric, since the dev data has no labels: see the loss'

/** Latency in a row, compared with the origin's by rounds. */
function against(
  role: Origin['role'],
  row: BenchRow,
  name: string,
  { settings }: Pick<Report, 'settings'>,
): LatencyReport {
  const rounds = (wanted: string) => row.entries.find((entry) => entry.name === wanted)!.rounds
  return {
    ...latencyReport(row, name),
    vsSource: name === role ? undefined : speedupByRound(rounds(role), rounds(name), settings.seed),
  }
}

/** What a graph is and takes, whatever file it is written to. @param shape such as `1x128`. */
export function sizesOf(graph: Graph, shape: string) {
  const [{ batch, sequence } = { batch: 1, sequence: 1 }] = parseShapes(shape)
  const flops = graphFlops(graph)({ batch_size: batch, sequence_length: sequence })
  const { total: parameters, inner } = parametersOf(graph)
  return { parameters, parametersWithoutEmbeddings: inner, flops }
}
