/** What is told of how a model was trained, as plain data. */
import type { MetricName } from '../data/metrics.ts'

export interface TrainingReport {
  readonly task: string
  /** Model and data that it was trained from, as the user gave them. */
  readonly base: string
  readonly data: string
  readonly dev?: string | undefined
  readonly examples: number
  /** Steps done, of those that the schedule has. */
  readonly steps: number
  readonly plannedSteps: number
  readonly epochs: number
  /** Why it ended before. */
  readonly ended?: 'patience' | 'time' | undefined
  /** Seconds of steps, evaluations and checkpoints left out. */
  readonly seconds: number
  /** Real tokens, padding left out. */
  readonly tokens: number
  /** Of all steps together, padding included. */
  readonly flops: number
  /** Parameters that learned, and that did not. */
  readonly trained: number
  readonly frozen: number
  /** Bytes that were estimated, and the most that its process held. */
  readonly estimatedBytes: number
  readonly peakBytes: number
  /** What it was trained to be rounded to: the scheme, and the files that are. */
  readonly rounded?: { readonly scheme: string; readonly files: readonly string[] } | undefined
  /** Name of the headline metric, or `loss`. */
  readonly metric?: MetricName | 'loss' | undefined
  /** The step whose weights were kept; the last where nothing judges. */
  readonly keptStep: number
  readonly settings: Readonly<Record<string, unknown>>
  readonly losses: readonly {
    readonly step: number
    readonly loss: number
    readonly learningRate: number
    readonly gradientNorm: number
  }[]
  readonly evaluations: readonly {
    readonly step: number
    readonly metrics: readonly { readonly name: MetricName | 'loss'; readonly value: number }[]
  }[]
}
