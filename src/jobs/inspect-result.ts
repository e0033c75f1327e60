/** What `inspect` is asked and what it tells. */
import type { Advice } from '../bench/advice.ts'
import type { ProductTime } from '../bench/measure-machine.ts'
import type { Roofline } from '../bench/roofline.ts'
import type { Task } from '../models/family.ts'
import type { Progress } from '../report/progress.ts'
import type { HubOptions } from './find-model.ts'
import type { LayerCost, TableCost } from './inspect-facts.ts'
import type { InspectedVariant } from './inspect-variant.ts'

export interface InspectOptions extends HubOptions {
  /** Model folder with safetensors, any ONNX file, or `org/name` of the Hub. */
  readonly model: string
  /** Texts x tokens; default 8x128, cut to what the model takes. */
  readonly shape?: string | undefined
  /** Default 1. */
  readonly threads?: number | undefined
  /** Sizes of a file's dimensions that the shape does not give, by name. */
  readonly dims?: Readonly<Record<string, number>> | undefined
  readonly signal?: AbortSignal | undefined
  readonly progress?: Progress | undefined
}

export interface InspectResult {
  readonly model: string
  /** Absent, as the task, for a file. */
  readonly family?: string | undefined
  readonly task?: Task | undefined
  readonly shape: string
  readonly threads: number
  readonly parameters: number
  readonly parametersByLayer: Readonly<Record<string, number>>
  /** Of the model as it is defined, before any pass. */
  readonly macs: number
  readonly flops: number
  /** Operators of a file whose work is not known. */
  readonly unknownOperators: readonly string[]
  readonly machine: Roofline & { readonly products: readonly ProductTime[] }
  /** fp32 and INT8 for this CPU; of a file that file alone. */
  readonly variants: readonly [InspectedVariant, ...InspectedVariant[]]
  /** fp32 as exported, as ONNX Runtime runs it by default; milliseconds. */
  readonly sourceMs?: number | undefined
  /** What would help, the largest saving first; then what the fp32 file already has. */
  readonly advice: readonly Advice[]
  /** Of an fp32 run what threads can share, between 0 and 1; absent where one core is allotted. */
  readonly parallelShare?: number | undefined
  readonly layer?: LayerCost | undefined
  readonly table?: TableCost | undefined
}
