/**
 * `eval`: a model's metrics on a data file, each with its interval. One pipeline: rows are read, encoded,
 * run and judged as they come, so that neither time nor memory is spent on holding them.
 */
import { basename } from 'node:path'
import type { MetricResult } from '../data/metrics.ts'
import { LimbeckError } from '../errors.ts'
import { columnsText, type DataColumns } from '../fit/data-columns.ts'
import { type TakenLabels, takenLabels } from '../fit/data-labels.ts'
import type { DataTask } from '../fit/data-task.ts'
import { cutTexts, type DataOptions, openTextStream, type TextFacts } from '../fit/measured-text.ts'
import { rowReader } from '../fit/model-rows.ts'
import { predictExamples } from '../fit/predict.ts'
import type { Progress } from '../report/progress.ts'
import { formatCount } from '../report/units.ts'
import { openProcess } from '../runtime/index.ts'
import { tokenizerOf } from './load.ts'
import { checkThreads, maxLengthOf } from './model-limits.ts'
import { requireFile } from './require-file.ts'
import { type ModelFileOptions, withModelFile } from './with-model-file.ts'

/** Texts that run together unless told otherwise. */
export const BATCH_SIZE = 32

export interface EvaluateOptions extends ModelFileOptions {
  /** Model folder, folder that Limbeck wrote, or ONNX file. */
  readonly model: string
  readonly data: DataOptions
  /** Texts that run together; results of dynamic INT8 depend on it. Default 32. */
  readonly batchSize?: number | undefined
  readonly threads?: number | undefined
  readonly maxLength?: number | undefined
  readonly progress?: Progress | undefined
}

export interface EvaluationResult {
  /** The ONNX file that ran; the model folder where it was exported for this run alone. */
  readonly file: string
  readonly task: DataTask
  /** The columns that were read, and which were found by their names; absent for files without choice. */
  readonly columns?: DataColumns | undefined
  /** What the labels of the data were taken for; absent without classes. */
  readonly labels?: TakenLabels | undefined
  readonly metrics: readonly Omit<MetricResult, 'statistic' | 'perExample'>[]
  /** Examples. */
  readonly n: number
  /** Texts cut to `maxLength` tokens. */
  readonly truncated: number
  readonly maxLength: number
  readonly batchSize: number
  /** From the first row read to the metrics; the model was loaded before. */
  readonly seconds: number
  readonly examplesPerSecond: number
}

/**
 * Measures a model on labelled data.
 * @throws LimbeckError naming file, line, column or label for bad input.
 */
export async function evaluate(options: EvaluateOptions): Promise<EvaluationResult> {
  const { data, signal, progress, batchSize = BATCH_SIZE } = options
  checkThreads(options.threads)
  // before the model is built for it
  requireFile(data.file)
  return withModelFile(options.model, options, async (model, file, origin) => {
    const tokenizer = await tokenizerOf(model)
    const maxLength = maxLengthOf(model, tokenizer, options.maxLength)
    const text = await openTextStream(data, model, tokenizer, maxLength)
    tellColumns(text, data.file, progress)
    if (!text.judge) {
      throw new LimbeckError('usage', 'eval needs the column of the label or score.', {
        hint: 'Name it with --label; without labels, optimize compares outputs with the source.',
      })
    }
    const engine = await openProcess(file, {
      manyShapes: true,
      ...(options.threads !== undefined && { threads: options.threads }),
      ...(signal && { signal }),
    })
    const step = progress?.step('Evaluating')
    try {
      const start = performance.now()
      const judge = text.judge()
      let truncated = 0
      const running = predictExamples(engine, text.examples(), {
        reader: rowReader(model),
        batchSize,
        padId: tokenizer.padId,
        signal,
        onProgress: (done) => step?.update(done, `${formatCount(done)} texts`),
      })
      for await (const done of running) {
        judge.add(done)
        truncated += cutTexts(done.example.texts)
      }
      const metrics = judge.result().map(({ name, value, interval, n, better }) => ({
        ...{ name, value, interval, n, better },
      }))
      const seconds = (performance.now() - start) / 1000
      const { n } = metrics[0]!
      step?.done(`${formatCount(n)} examples`)
      return {
        file: origin,
        task: text.task,
        columns: text.columns,
        labels: text.labels && takenLabels(text.labels),
        metrics,
        n,
        truncated,
        maxLength,
        batchSize,
        seconds,
        examplesPerSecond: n / seconds,
      }
    } catch (error) {
      step?.fail()
      throw error
    } finally {
      await engine.release()
    }
  })
}

/** Says which columns were taken where nobody named them. */
function tellColumns(
  { columns }: Pick<TextFacts, 'columns'>,
  file: string,
  progress: Progress | undefined,
): void {
  if (!columns || columns.found.length === 0) return
  progress?.step(`Reading ${basename(file)}`).done(columnsText(columns))
}
