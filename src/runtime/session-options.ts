/**
 * How a session is set up, and the same in ONNX Runtime's own terms.
 *
 * ONNX Runtime takes every raw key in silence, known or not, so what users may say is a closed list
 * here. Defaults are what was fastest for Transformers on CPUs: as many threads as cores we may use,
 * one operator at a time, threads that spin within a run and sleep between runs.
 */
import type { InferenceSession } from 'onnxruntime-node'
import { LimbeckError, nearest } from '../errors.ts'

/** What ONNX Runtime itself may do to a graph while loading it. */
export type Optimization = 'limbeck' | 'default' | 'basic' | 'disabled'

/** When the threads of a session wait by spinning: only inside a run, also after it, or never. */
export type Spinning = 'during-run' | 'always' | 'never'

/** Options of a session; everything but `externalData` can be sent to another process. */
export interface SessionOptions {
  /** Threads inside an operator; default: the cores allotted to this process. */
  readonly threads?: number
  /**
   * `limbeck` (default): all of ONNX Runtime's optimizers but those that make Transformers slower;
   * `default`: all; `basic`: no fusion into its own operators; `disabled`: none, for verification.
   */
  readonly optimization?: Optimization
  /** Default `during-run`. */
  readonly spinning?: Spinning
  /**
   * Whether shapes vary from run to run. ONNX Runtime else keeps a plan of its memory for each shape that it
   * meets, and memory for each plan. Default false.
   */
  readonly manyShapes?: boolean
  /** File prefix: ONNX Runtime writes a profile of every operator there when the engine is released. */
  readonly profile?: string
  /** Path to which ONNX Runtime writes the graph as it optimized it. */
  readonly optimizedModel?: string
  /** Folder of the external data of a model given as bytes. */
  readonly externalFolder?: string
  /** External data in memory, by the file name that the model uses; inline engines only. */
  readonly externalData?: readonly { readonly path: string; readonly data: Uint8Array }[]
  /** Raw ONNX Runtime session configuration, such as `session.disable_prepacking`; last word. */
  readonly config?: Readonly<Record<string, string>>
}

// SkipLayerNormalization is slower than Add + LayerNormalization on x86 (10-13 % of a BERT)
const slowOptimizers: Readonly<Record<string, readonly string[]>> = {
  x64: ['SkipLayerNormFusion', 'BiasSkipLayerNormFusion'],
}

const levels = { limbeck: 'all', default: 'all', basic: 'basic', disabled: 'disabled' } as const

const spinningConfig: { readonly [S in Spinning]: Readonly<Record<string, string>> } = {
  'during-run': { 'session.force_spinning_stop': '1' },
  always: {},
  never: { 'session.intra_op.allow_spinning': '0' },
}

const known = {
  threads: (value: unknown) =>
    Number.isInteger(value) && (value as number) >= 1 ? undefined : 'a whole number from 1',
  optimization: oneOf(levels),
  spinning: oneOf(spinningConfig),
  manyShapes: (value: unknown) => (typeof value === 'boolean' ? undefined : 'true or false'),
  profile: () => undefined,
  optimizedModel: () => undefined,
  externalFolder: () => undefined,
  externalData: () => undefined,
  config: () => undefined,
} satisfies { [K in keyof Required<SessionOptions>]: (value: unknown) => string | undefined }

function oneOf(table: object): (value: unknown) => string | undefined {
  const names = Object.keys(table)
  return (value) => (names.includes(String(value)) ? undefined : `one of ${names.join(', ')}`)
}

/** Throws LimbeckError `usage` when an option is unknown or out of range. */
export function checkSessionOptions(options: SessionOptions): void {
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined) continue
    const check = known[name as keyof typeof known]
    if (!check) {
      const near = nearest(name, Object.keys(known))
      throw new LimbeckError('usage', `Session option '${name}' is not known.`, {
        hint: near ? `Did you mean '${near}'?` : `Known are ${Object.keys(known).join(', ')}.`,
      })
    }
    const expected = check(value)
    if (expected) {
      throw new LimbeckError(
        'usage',
        `Session option '${name}': expected ${expected}, got ${value}.`,
      )
    }
  }
}

/** The options in ONNX Runtime's terms, for a CPU architecture (`process.arch`) and its cores. */
export function toOrtOptions(
  options: SessionOptions,
  machine: { readonly arch: string; readonly cores: number },
): InferenceSession.SessionOptions {
  checkSessionOptions(options)
  const { optimization = 'limbeck', spinning = 'during-run' } = options
  const slow = optimization === 'limbeck' ? (slowOptimizers[machine.arch] ?? []) : []
  return {
    executionProviders: ['cpu'],
    intraOpNumThreads: options.threads ?? machine.cores,
    interOpNumThreads: 1,
    executionMode: 'sequential',
    graphOptimizationLevel: levels[optimization],
    logSeverityLevel: 4,
    ...(options.manyShapes && { enableMemPattern: false }),
    ...(options.profile && { enableProfiling: true, profileFilePrefix: options.profile }),
    ...(options.optimizedModel && { optimizedModelFilePath: options.optimizedModel }),
    ...(options.externalData && { externalData: options.externalData }),
    extra: {
      ...spinningConfig[spinning],
      // separated by ';': what the library's code reads, though its header says comma
      ...(slow.length > 0 && { 'optimization.disable_specified_optimizers': slow.join(';') }),
      ...(options.externalFolder && {
        'session.model_external_initializers_file_folder_path': options.externalFolder,
      }),
      ...options.config,
    },
  }
}
