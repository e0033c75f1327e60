/**
 * What a user may say of a training run, with Hugging Face's habits as defaults, and what of it decides the
 * run's trajectory (its identity: a checkpoint is of a run with the same).
 */
import { LimbeckError } from '../errors.ts'
import { type ScheduleName, scheduleNamed } from '../fit/schedule.ts'
import { hardware } from '../runtime/hardware.ts'
import { checkThreads } from './model-limits.ts'
import { parseTrainedScheme, type TrainedScheme } from './train-quantize.ts'

/** Settings of the run; all have defaults. */
export interface TrainSettingsOptions {
  /** Passes over the data; default 3. */
  readonly epochs?: number | undefined
  /** Updates of the weights, instead of epochs. */
  readonly steps?: number | undefined
  /** Examples of a batch; default 32. */
  readonly batch?: number | undefined
  /** Most tokens of a batch after padding; unlimited by default. */
  readonly maxTokens?: number | undefined
  /** The highest rate; default 5e-5, of adapters 2e-4, with `quantize` 2e-5. */
  readonly learningRate?: number | undefined
  /** Share of the steps in which it rises, or their number; default 0.06. */
  readonly warmup?: number | undefined
  /** `linear` (default), `cosine` or `constant`. */
  readonly schedule?: string | undefined
  /** Of matrices; default 0.01. */
  readonly weightDecay?: number | undefined
  /** Probability of dropout, at every place that the model has it; default as its configuration says. */
  readonly dropout?: number | undefined
  /** Largest norm of all gradients together; default 1, 0 for none. */
  readonly clip?: number | undefined
  /** Batches whose gradients are summed in a step; default 1. */
  readonly accumulate?: number | undefined
  /** Decay of a moving average of the weights, which is then what is judged and written. */
  readonly ema?: number | undefined
  /** Parameters that do not learn; `*` matches any text. */
  readonly freeze?: readonly string[] | undefined
  /** Rank of low-rank adapters, which learn instead of the encoder's matrices and are merged at the end. */
  readonly lora?: number | undefined
  /** Compute layers again in the backward run: less memory, a third more time. */
  readonly recompute?: boolean | undefined
  /** Layers round while they learn, as the files then do: a scheme of `quantize`, such as `static-int8` or `int4:block=64`. */
  readonly quantize?: string | undefined
  /** Probability of skipping each layer in a step (LayerDrop), so that layers can be taken out afterwards. */
  readonly layerDrop?: number | undefined
  /** Factor of the learning rate from each layer to the one below it; default 1. */
  readonly layerDecay?: number | undefined
  /** ε of cross entropy; default 0. */
  readonly labelSmoothing?: number | undefined
  readonly seed?: number | undefined
  /** Threads of a step; default the cores allotted. Another number gives other bytes. */
  readonly threads?: number | undefined
  /** Steps between evaluations on dev data; default four a run at least, and after each epoch. */
  readonly evaluateEvery?: number | undefined
  /** Evaluations without gain that end the run. */
  readonly patience?: number | undefined
}

/** The settings with their defaults. */
export interface TrainSettings {
  readonly epochs: number | undefined
  readonly steps: number | undefined
  readonly batch: number
  readonly maxTokens: number | undefined
  readonly learningRate: number
  readonly warmup: number
  readonly schedule: ScheduleName
  readonly weightDecay: number
  readonly dropout: number | undefined
  readonly clip: number
  readonly accumulate: number
  readonly ema: number | undefined
  readonly freeze: readonly string[]
  readonly lora: number | undefined
  readonly recompute: boolean
  readonly quantize: TrainedScheme | undefined
  readonly layerDrop: number | undefined
  readonly layerDecay: number
  readonly labelSmoothing: number
  readonly seed: number
  readonly threads: number
  readonly evaluateEvery: number | undefined
  readonly patience: number | undefined
}

/** What must hold of a number, by setting. */
const ranges: Partial<Record<keyof TrainSettings, readonly [string, (value: number) => boolean]>> =
  {
    learningRate: ['a number above 0', (value) => value > 0],
    warmup: ['a number from 0', (value) => value >= 0],
    weightDecay: ['a number from 0', (value) => value >= 0],
    dropout: ['a number from 0, below 0.95', (value) => value >= 0 && value < 0.95],
    clip: ['a number from 0', (value) => value >= 0],
    layerDrop: ['a number from 0, below 1', (value) => value >= 0 && value < 1],
    ema: ['a number between 0 and 1', (value) => value > 0 && value < 1],
    layerDecay: ['a number above 0, at most 1', (value) => value > 0 && value <= 1],
    labelSmoothing: ['a number from 0, below 1', (value) => value >= 0 && value < 1],
  }

const usualRate = ({ lora, quantize }: TrainSettingsOptions): number =>
  lora !== undefined ? 2e-4 : quantize !== undefined ? 2e-5 : 5e-5

/** Fills in defaults. @throws LimbeckError `usage` for what is out of range. */
export function trainSettings(options: TrainSettingsOptions): TrainSettings {
  if (options.epochs !== undefined && options.steps !== undefined) {
    throw new LimbeckError('usage', '--epochs and --steps both say how long to train; give one.')
  }
  if (options.quantize !== undefined && options.lora !== undefined) {
    throw new LimbeckError(
      'usage',
      '--quantize rounds the matrices that --lora leaves as they are.',
      {
        hint: 'Train adapters first, then the merged model with --quantize.',
      },
    )
  }
  checkThreads(options.threads)
  const settings: TrainSettings = {
    epochs: options.steps === undefined ? (options.epochs ?? 3) : undefined,
    steps: options.steps,
    batch: options.batch ?? 32,
    maxTokens: options.maxTokens,
    learningRate: options.learningRate ?? usualRate(options),
    warmup: options.warmup ?? 0.06,
    schedule: scheduleNamed(options.schedule ?? 'linear'),
    weightDecay: options.weightDecay ?? 0.01,
    dropout: options.dropout,
    clip: options.clip ?? 1,
    accumulate: options.accumulate ?? 1,
    ema: options.ema,
    freeze: options.freeze ?? [],
    lora: options.lora,
    recompute: options.recompute ?? false,
    quantize: options.quantize === undefined ? undefined : parseTrainedScheme(options.quantize),
    layerDrop: options.layerDrop,
    layerDecay: options.layerDecay ?? 1,
    labelSmoothing: options.labelSmoothing ?? 0,
    seed: options.seed ?? 1,
    threads: options.threads ?? hardware().threads,
    evaluateEvery: options.evaluateEvery,
    patience: options.patience,
  }
  for (const [name, [expected, fits]] of Object.entries(ranges)) {
    const value = settings[name as keyof TrainSettings] as number | undefined
    if (value === undefined || (Number.isFinite(value) && fits(value))) continue
    const flag = name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
    throw new LimbeckError('usage', `--${flag} ${value}: expected ${expected}.`)
  }
  return settings
}
