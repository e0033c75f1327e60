/** How the layers of more bits were found, as plain data, and as the tables of the terminal. */
import type { MetricName } from '../data/metrics.ts'
import type { Verdict } from '../stats/acceptance.ts'
import { verdictTones } from './outcome.ts'
import { smallNumber } from './sensitivity-section.ts'
import type { Table } from './table.ts'
import {
  formatBytes,
  formatCount,
  formatDrop,
  formatMetric,
  formatPercent,
  metricTitle,
} from './units.ts'

/** What files are judged by where no label says what is right. */
const answerScores = ['same answers', 'mean cosine', 'nearness of scores'] as const
export type AnswerScore = (typeof answerScores)[number]
export type JudgedBy = MetricName | AnswerScore

/** A layer that has more bits than the rest. */
export interface RaisedLayer {
  readonly path: string
  /** As a user names it, or `fp32`. */
  readonly scheme: string
  /** Loss of the answers that it saves, estimated for the layer alone. */
  readonly saved: number
  /** What it adds to a file. */
  readonly bytes: number
}

/** A file that was tried. */
export interface TriedMix {
  /** Steps up that its layers have taken, together. */
  readonly steps: number
  readonly target: string
  readonly bytes: number
  readonly value: number
  readonly verdict: Verdict
  readonly drop: number
  readonly accepted: boolean
  /** Why it cannot be taken whatever its metric says. */
  readonly collapsed?: string | undefined
}

export interface MixSearch {
  /** What files are judged by, and what fp32 has of it. */
  readonly by: JudgedBy
  readonly source: number
  readonly maxDrop: string
  readonly examples: number
  /** Layers of more bits in the files that are written; none where all could have the fewest. */
  readonly raised: readonly RaisedLayer[]
  readonly tried: readonly TriedMix[]
  /** Of each file that is written. */
  readonly chosen: readonly TriedMix[]
  /** As one sentence. */
  readonly why: string
}

const isMetric = (by: JudgedBy): by is MetricName => !answerScores.some((name) => name === by)

/** A value of what files are judged by. */
export const valueText = (by: JudgedBy, value: number): string =>
  isMetric(by) ? formatMetric(by, value) : formatPercent(value)

const right = { align: 'right' } as const

/** What was tried, in order. */
export const triedTable = ({ by, tried }: MixSearch): Table => ({
  columns: [
    { title: 'steps up', ...right },
    { title: 'file' },
    { title: isMetric(by) ? metricTitle(by) : by, ...right },
    { title: 'drop', ...right },
    { title: 'verdict' },
    { title: 'size', ...right, drop: 1 },
  ],
  rows: tried.map(({ steps, target, value, drop, verdict, bytes, collapsed }) => [
    formatCount(steps),
    target,
    valueText(by, value),
    isMetric(by) ? formatDrop(by, drop) : formatPercent(drop),
    collapsed === undefined
      ? { text: verdict, tone: verdictTones[verdict] }
      : { text: collapsed, tone: 'bad' },
    formatBytes(bytes),
  ]),
})

/** Which layers have more bits, and what each of them saves and adds. */
export const raisedTable = ({ raised }: MixSearch): Table => ({
  columns: [
    { title: 'layer' },
    { title: 'has' },
    { title: 'loss saved, estimated', ...right },
    { title: 'adds', ...right },
  ],
  rows: raised.map(({ path, scheme, saved, bytes }) => [
    path,
    scheme,
    smallNumber(saved),
    formatBytes(bytes),
  ]),
})
