/** What a run learns from and is judged on: the training set, the dev set, and how batches are fed. */
import { basename } from 'node:path'
import { loadTokenizer, type Tokenizer } from '../data/tokenizer.ts'
import { LimbeckError } from '../errors.ts'
import { columnsText } from '../fit/data-columns.ts'
import { type DataOptions, type MeasuredText, readMeasuredText } from '../fit/measured-text.ts'
import type { FeedOptions } from '../fit/training-feeds.ts'
import { asCosine, readTrainingSet, type TrainingSet } from '../fit/training-set.ts'
import { trainingTask } from '../fit/training-task.ts'
import type { ModelFolder } from '../hub/model-folder.ts'
import type { Progress } from '../report/progress.ts'
import { formatCount } from '../report/units.ts'
import { maxLengthOf } from './model-limits.ts'
import type { ModelForTask } from './train-model.ts'

/** Data to train on and, by its own file, to judge by. */
export interface TrainDataOptions {
  readonly data: DataOptions
  /** Dev data, with the columns of the training data. */
  readonly dev?: string | undefined
  readonly maxLength?: number | undefined
  readonly signal?: AbortSignal | undefined
  readonly progress?: Progress | undefined
}

/** Both sets, read. */
export interface TrainData {
  readonly tokenizer: Tokenizer
  readonly maxLength: number
  readonly training: TrainingSet
  /** Dev data as it is judged: by metrics, or by the loss. */
  readonly dev: MeasuredText | TrainingSet | undefined
  readonly feeds: FeedOptions
  /** How the dev file is read again by who measures. */
  readonly devData: DataOptions | undefined
}

/** Reads the data. @throws LimbeckError naming file and line for bad input. */
export async function readTrainData(
  folder: ModelFolder,
  { task, model }: ModelForTask,
  options: TrainDataOptions,
): Promise<TrainData> {
  const { signal, progress } = options
  const tokenizer = await loadTokenizer(folder.path, model.dims.vocab)
  const maxLength = maxLengthOf({ ...model, folder }, tokenizer, options.maxLength)
  const row = trainingTask(task)
  const reading = <T>(file: string, read: (told: object) => Promise<T>): Promise<T> => {
    const step = progress?.step(`Reading ${basename(file)}`)
    const onProgress = (done: number) => step?.update(done, `${formatCount(done)} examples`)
    return read({ signal, onProgress }).then(
      (set) => {
        const { examples, columns } = set as Pick<TrainingSet, 'examples' | 'columns'>
        const count = `${formatCount(examples.length)} examples`
        step?.done(columns ? `${count}, ${columnsText(columns)}` : count)
        return set
      },
      (error: unknown) => {
        step?.fail()
        throw error
      },
    )
  }
  const set = (data: DataOptions) =>
    reading(data.file, (told) => readTrainingSet(task, data, model, tokenizer, maxLength, told))
  const read = await set(options.data)
  const training = task === 'similarity' ? withCosines(read, read) : read
  const { dev: file } = options
  const devData = file === undefined ? undefined : { ...options.data, file, task: row.data }
  const dev =
    devData === undefined
      ? undefined
      : row.judgedByLoss
        ? await set({ ...devData, task: undefined })
        : await reading(devData.file, (told) =>
            readMeasuredText(devData, model, tokenizer, maxLength, told),
          )
  const inputs = model.graph.inputs.map(({ name }) => name)
  const classes = model.labels.length
  const vocabulary = task === 'fill-mask' ? maskVocabulary(tokenizer, model.dims.vocab) : undefined
  const feeds = { task, inputs, padId: tokenizer.padId, classes, vocabulary }
  return { tokenizer, maxLength, training, dev, feeds, devData }
}

/** Scores of a set as cosines, by the range of the training set. */
function withCosines(set: TrainingSet, training: TrainingSet): TrainingSet {
  const scores = training.examples.map(({ target }) => target as number)
  const range = [Math.min(...scores), Math.max(...scores)] as const
  const examples = set.examples.map((example) => ({
    ...example,
    target: asCosine(example.target as number, range),
  }))
  return { ...set, examples }
}

function maskVocabulary(tokenizer: Tokenizer, size: number) {
  const { mask } = tokenizer.special
  if (mask === undefined) {
    throw new LimbeckError('input', 'the tokenizer has no mask token, which fill-mask learns by.', {
      hint: "Set 'mask_token' in tokenizer_config.json.",
    })
  }
  return { mask, size, special: new Set(Object.values(tokenizer.special)) }
}
