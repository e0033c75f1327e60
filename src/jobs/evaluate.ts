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
import type { SimulatedLayers } from '../report/simulation.ts'
import { formatCount } from '../report/units.ts'
import { type Engine, openProcess } from '../runtime/index.ts'
import { tokenizerOf } from './load.ts'
import { checkThreads, maxLengthOf } from './model-limits.ts'
import { requireFile } from './require-file.ts'
import { simulatedSaturates, withSimulation } from './simulate.ts'
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
  /** A CPU whose integer products are to be simulated as well, such as `avx2`. */
  readonly simulate?: string | undefined
  readonly progress?: Progress | undefined
}

/** A metric without the scores of its examples. */
type MetricValue = Omit<MetricResult, 'statistic' | 'perExample'>

/** The same on another CPU. */
export interface SimulatedEvaluation extends SimulatedLayers {
  /** Absent where nothing can differ. */
  readonly metrics?: readonly MetricValue[] | undefined
  /** What the first metric loses there, positive where it gets worse. */
  readonly drop?: number | undefined
}

export interface EvaluationResult {
  /** The ONNX file that ran; the model folder where it was exported for this run alone. */
  readonly file: string
  readonly task: DataTask
  /** The columns that were read, and which were found by their names; absent for files without choice. */
  readonly columns?: DataColumns | undefined
  /** What the labels of the data were taken for; absent without classes. */
  readonly labels?: TakenLabels | undefined
  readonly metrics: readonly MetricValue[]
  /** Examples. */
  readonly n: number
  /** Texts cut to `maxLength` tokens. */
  readonly truncated: number
  readonly maxLength: number
  readonly batchSize: number
  /** From the first row read to the metrics; the model was loaded before. */
  readonly seconds: number
  readonly examplesPerSecond: number
  readonly simulated?: SimulatedEvaluation | undefined
}

/**
 * Measures a model on labelled data.
 * @throws LimbeckError naming file, line, column or label for bad input.
 */
export async function evaluate(options: EvaluateOptions): Promise<EvaluationResult> {
  const { data, signal, progress, batchSize = BATCH_SIZE } = options
  checkThreads(options.threads)
  if (options.simulate !== undefined) simulatedSaturates(options.simulate)
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
    const judge = text.judge
    const session = {
      manyShapes: true,
      ...(options.threads !== undefined && { threads: options.threads }),
      ...(signal && { signal }),
    }
    const measure = async (engine: Engine, title: string) => {
      const step = progress?.step(title)
      try {
        const judging = judge()
        let truncated = 0
        const running = predictExamples(engine, text.examples(), {
          reader: rowReader(model),
          batchSize,
          padId: tokenizer.padId,
          signal,
          onProgress: (done) => step?.update(done, `${formatCount(done)} texts`),
        })
        for await (const done of running) {
          judging.add(done)
          truncated += cutTexts(done.example.texts)
        }
        const metrics = judging
          .result()
          .map(({ name, value, interval, n, better }) => ({ name, value, interval, n, better }))
        step?.done(`${formatCount(metrics[0]!.n)} examples`)
        return { metrics, truncated }
      } catch (error) {
        step?.fail()
        throw error
      }
    }
    const engine = await openProcess(file, session)
    const start = performance.now()
    const { metrics, truncated } = await measure(engine, 'Evaluating').finally(() =>
      engine.release(),
    )
    const seconds = (performance.now() - start) / 1000
    const { n } = metrics[0]!
    const { simulate: cpu } = options
    const simulated =
      cpu === undefined
        ? undefined
        : await withSimulation(cpu, file, session, (other) =>
            measure(other, `Evaluating as on ${cpu}`),
          )
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
      simulated: simulated && {
        ...simulated.layers,
        metrics: simulated.result?.metrics,
        drop: simulated.result && dropOf(metrics[0]!, simulated.result.metrics[0]!),
      },
    }
  })
}

const dropOf = ({ value, better }: MetricValue, other: MetricValue): number =>
  better === 'higher' ? value - other.value : other.value - value

/** Says which columns were taken where nobody named them. */
function tellColumns(
  { columns }: Pick<TextFacts, 'columns'>,
  file: string,
  progress: Progress | undefined,
): void {
  if (!columns || columns.found.length === 0) return
  progress?.step(`Reading ${basename(file)}`).done(columnsText(columns))
}
