/**
 * `optimize`: the main job. One model folder in; a folder with smaller, faster variants out, each
 * verified against its source, measured beside it, and judged by the acceptance contract.
 */
import { join, resolve } from 'node:path'
import type { DataOptions } from '../fit/measured-text.ts'
import { checkTarget, writeFolder } from '../hub/write-folder.ts'
import type { Progress } from '../report/progress.ts'
import type { Report } from '../report/report.ts'
import { loadAny } from './any-model.ts'
import type { NamedSizes } from './file-inputs.ts'
import { findModel, type HubOptions } from './find-model.ts'
import type { Reading } from './logical-graph.ts'
import { optimizeInto, settingsOf } from './optimize-into.ts'
import {
  checkStudentOptions,
  type OptimizeStudentOptions,
  type Taught,
  teachStudent,
} from './optimize-student.ts'

export interface OptimizeOptions extends HubOptions, Reading {
  /** Hugging Face or sentence-transformers folder, ONNX file of any exporter, or `org/name` of the Hub. */
  readonly model: string
  /** Labelled data judges accuracy, bare text fidelity; without data random tokens stand in. */
  readonly data?: DataOptions | undefined
  /** Folder to write; default `limbeck-output/<model name>`. */
  readonly output?: string | undefined
  /** Allowed drop of the metric: `1%` of it, or `0.5pt` (points). Default 1%. */
  readonly maxDrop?: string | undefined
  /** Choose only among variants whose drop is proven to be allowed. */
  readonly strict?: boolean | undefined
  /** Threads of latency measurements; default 1. */
  readonly threads?: number | undefined
  /** Such as `1x16,1x128`; the last decides. Default 1x16,1x128. */
  readonly shapes?: string | undefined
  /** Texts that run together when accuracy is taken; dynamic INT8 depends on it. Default 32. */
  readonly batchSize?: number | undefined
  readonly maxLength?: number | undefined
  /** A CPU whose integer products are simulated as well, such as `avx2`: a variant must stand there, too. */
  readonly simulate?: string | undefined
  /** Of an ONNX file alone: sizes of dimensions that shapes do not give, by name. */
  readonly dims?: NamedSizes | undefined
  /** Seconds of latency measurement per shape; default 8. */
  readonly seconds?: number | undefined
  readonly seed?: number | undefined
  /** A smaller model that learns from this one first, and is written and measured beside it. */
  readonly distill?: OptimizeStudentOptions | undefined
  readonly overwrite?: boolean | undefined
  /** The command as typed, for the report. */
  readonly command?: string | undefined
  readonly signal?: AbortSignal | undefined
  readonly progress?: Progress | undefined
}

export interface OptimizeResult {
  readonly report: Report
  /** Absolute path of the folder written. */
  readonly folder: string
}

/**
 * Optimizes a model folder. Writes `onnx/model.onnx` and `onnx/model_quantized.onnx` (portable),
 * `onnx/model_cpu.onnx` and `onnx/model_cpu_quantized.onnx` (this CPU), tokenizer and configuration,
 * `limbeck.json` and `report.html`; with `distill` also `student`, a folder with the same files of the student.
 * @throws LimbeckError for bad input or cancellation; the output folder is then untouched.
 * @example
 * const { report } = await optimize({
 *   model: './my-model',
 *   data: { file: 'dev.tsv', text: 'sentence', label: 'label' },
 * })
 * console.log(report.chosen, report.chosenWhy)
 */
export async function optimize(options: OptimizeOptions): Promise<OptimizeResult> {
  const { overwrite, distill } = options
  const { path } = await findModel(options.model, options)
  checkStudentOptions(path, options)
  const model = loadAny(path, options)
  const settings = settingsOf(options, model)
  const output = resolve(options.output ?? join('limbeck-output', model.folder.name))
  checkTarget(output, { overwrite })
  let taught: Taught | undefined
  const teach =
    distill &&
    (async (folder: string) => {
      taught = await teachStudent(folder, output, distill, options)
      return taught
    })
  const report = await writeFolder(output, { overwrite }, (folder) =>
    optimizeInto(folder, model, options, settings, { teach }),
  )
  taught?.forget()
  return { report, folder: output }
}
