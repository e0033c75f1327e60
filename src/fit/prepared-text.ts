/** Examples of tasks that run other texts than an example's own, or judge several together. */
import type { MetricResult } from '../data/metrics.ts'
import type { Example } from '../data/read-examples.ts'
import type { Encoding, Tokenizer } from '../data/tokenizer.ts'
import type { ModelInfo } from '../models/build-model.ts'

/** What runs, and what the rows of all of it come to. */
export interface PreparedText {
  /** What is counted: texts, or queries. */
  readonly examples: readonly Example[]
  readonly encodings: readonly Encoding[]
  judge(rows: readonly Float32Array[][]): MetricResult[]
}

export interface PrepareSettings {
  /** How errors name the data. */
  readonly file: string
  readonly model: ModelInfo
  readonly tokenizer: Tokenizer
  readonly maxLength: number
  readonly candidates?: readonly string[] | undefined
  readonly hypothesis?: string | undefined
}

/** Examples with their targets, made ready. */
export type Prepare = (examples: readonly Example[], settings: PrepareSettings) => PreparedText
