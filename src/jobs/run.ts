/**
 * `run`: a text in, the answer out.
 */
import type { Tokenizer } from '../data/tokenizer.ts'
import type { Answer, Question } from '../fit/answer.ts'
import { rowReader } from '../fit/model-rows.ts'
import { predict } from '../fit/predict.ts'
import { readDocuments } from '../fit/read-documents.ts'
import { askModel, chooseRunTask, type RunTask } from '../fit/run-task.ts'
import { openProcess } from '../runtime/index.ts'
import { median } from '../stats/quantile.ts'
import { type OpenedModel, tokenizerOf } from './load.ts'
import { checkThreads, maxLengthOf } from './model-limits.ts'
import { type ModelFileOptions, withModelFile } from './with-model-file.ts'

export interface RunOptions extends ModelFileOptions, Omit<Question, 'documents'> {
  /** Model folder, folder that Limbeck wrote, or ONNX file. */
  readonly model: string
  /** Such as `zero-shot`; by default what the model and the options say. */
  readonly task?: string | undefined
  /** Texts to rank by the query, or the file that holds them. */
  readonly documents?: readonly string[] | string | undefined
  readonly threads?: number | undefined
}

export interface RunResult {
  /** The ONNX file that ran; the model folder where it was exported for this run alone. */
  readonly file: string
  readonly task: RunTask
  readonly answer: Answer
  /** Median time from tokens to answer over some runs, after a first; milliseconds. */
  readonly ms: number
  /** Tokens that ran: of all windows of a context, all documents, all hypotheses. */
  readonly tokens: number
  /** True when the text was cut to the model's length. */
  readonly truncated: boolean
}

/** Runs that are timed: so many, or as many as begin within the time. */
const TIMED_RUNS = 5
const TIMED_MS = 2000
/** Windows of a context run one by one, the many texts of other tasks together. */
const BATCH_SIZE = 32

/** Runs a model on one text. */
export async function run(options: RunOptions): Promise<RunResult> {
  checkThreads(options.threads)
  return withModelFile(options.model, options, async (model, file, origin) => {
    const tokenizer = await tokenizerOf(model)
    return { ...(await runFile(model, tokenizer, file, options)), file: origin }
  })
}

/** Runs one ONNX file of a model on one text. */
export async function runFile(
  model: OpenedModel,
  tokenizer: Tokenizer,
  file: string,
  options: Omit<RunOptions, 'model' | 'variant'>,
): Promise<RunResult> {
  const { threads, signal, task: given } = options
  const documents = await documentsOf(options.documents)
  const task = chooseRunTask(model, { ...options, documents }, given)
  const maxLength = maxLengthOf(model, tokenizer)
  const asked = { ...options, documents, model, tokenizer, maxLength }
  const { encodings, read } = askModel(task, asked)
  const engine = await openProcess(file, {
    ...(threads !== undefined && { threads }),
    ...(signal && { signal }),
  })
  try {
    const batchSize = task === 'question-answering' ? 1 : BATCH_SIZE
    const settings = { reader: rowReader(model), batchSize, padId: tokenizer.padId, signal }
    const rows = await predict(engine, encodings, settings)
    const times: number[] = []
    const begin = performance.now()
    while (times.length < TIMED_RUNS && performance.now() - begin < TIMED_MS) {
      const start = performance.now()
      await predict(engine, encodings, settings)
      times.push(performance.now() - start)
    }
    return {
      file,
      task,
      answer: read(rows),
      ms: median(times),
      tokens: encodings.reduce((sum, { ids }) => sum + ids.length, 0),
      truncated: encodings.some(({ truncated }) => truncated > 0),
    }
  } finally {
    await engine.release()
  }
}

const documentsOf = async (given: RunOptions['documents']): Promise<Question['documents']> =>
  typeof given === 'string' ? readDocuments(given) : given
