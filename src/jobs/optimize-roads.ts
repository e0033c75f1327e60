/**
 * Where `optimize` takes its inputs from: text, for a model that its configuration describes; or what a file
 * declares, for an ONNX file alone.
 */
import { basename } from 'node:path'
import type { BenchFeeds } from '../bench/token-feeds.ts'
import { LimbeckError } from '../errors.ts'
import { columnsText } from '../fit/data-columns.ts'
import { type MeasuredText, randomText, readMeasuredText } from '../fit/measured-text.ts'
import { nodeFiles } from '../hub/node-files.ts'
import { readOnnx } from '../onnx/read-onnx.ts'
import type { ReportModel } from '../report/report.ts'
import { formatCount } from '../report/units.ts'
import { type BareFile, bareReport } from './any-model.ts'
import { reportModel } from './assemble-report.ts'
import { comparedFeeds, fileFeeds } from './file-inputs.ts'
import { foreignNotes } from './foreign-facts.ts'
import { type LoadedModel, tokenizerOf } from './load.ts'
import { isOnnxFile } from './logical-graph.ts'
import { type Measured, measureFidelity, measureQuality, type Quality } from './measure-variants.ts'
import { writeCompanions } from './model-files.ts'
import { maxLengthOf } from './model-limits.ts'
import type { OptimizeOptions } from './optimize.ts'
import type { OptimizeSettings } from './optimize-into.ts'

/** What differs between models. */
export interface OptimizeRoad {
  readonly model: ReportModel
  readonly notes: readonly string[]
  /** Inputs to time with; random tokens where absent. */
  readonly feeds?: BenchFeeds | undefined
  text(): Promise<MeasuredText>
  quality(measured: Omit<Measured, 'model'>, text: MeasuredText): Promise<Quality[]>
  companions(folder: string): void
}

/** Of a model with a configuration. */
export const textRoad = (
  model: LoadedModel,
  options: OptimizeOptions,
  settings: OptimizeSettings,
): OptimizeRoad => ({
  model: reportModel(options.model, model),
  notes: isOnnxFile(model.path) ? foreignNotes(readOnnx(model.path, nodeFiles), model) : [],
  text: () => textOf(model, options, settings.seed),
  quality: (measured, text) => measureQuality({ ...measured, model }, text, settings.batchSize),
  companions: (folder) => void writeCompanions(model, folder),
})

/** Of a file alone. @throws LimbeckError `usage` where data is given: there is no tokenizer. */
export function bareRoad(
  file: BareFile,
  options: OptimizeOptions,
  { shapes }: OptimizeSettings,
): OptimizeRoad {
  const { path, sizes, why } = file
  if (options.data) {
    throw new LimbeckError('usage', `--data: ${why}, so there is nothing to read text with.`, {
      hint: 'Put config.json and the tokenizer beside the file, or leave out --data.',
    })
  }
  const read = readOnnx(path, nodeFiles)
  const feeds = comparedFeeds(read, shapes, sizes)
  const facts = { source: 'random', task: 'embeddings', truncated: 0 } as const
  const maxLength = Math.max(...shapes.map(({ sequence }) => sequence))
  const examples = feeds.map(() => ({ texts: [] }))
  return {
    model: bareReport(options.model, file),
    notes: [
      `Since ${why}, the inputs were made up from what the file declares.`,
      ...foreignNotes(read, file),
    ],
    feeds: (shape) => fileFeeds(read, shape, sizes),
    text: async () => ({ ...facts, maxLength, examples, encodings: [] }),
    quality: (measured) => measureFidelity(measured, feeds),
    companions: () => {},
  }
}

async function textOf(
  model: LoadedModel,
  options: OptimizeOptions,
  seed: number,
): Promise<MeasuredText> {
  if (!options.data)
    return randomText(model, maxLengthOf(model, undefined, options.maxLength), seed)
  const tokenizer = await tokenizerOf(model)
  const maxLength = maxLengthOf(model, tokenizer, options.maxLength)
  const step = options.progress?.step(`Reading ${basename(options.data.file)}`)
  const text = await readMeasuredText(options.data, model, tokenizer, maxLength, {
    signal: options.signal,
    onProgress: (done) => step?.update(done, `${done} examples`),
  })
  const read = `${formatCount(text.examples.length)} examples`
  step?.done(text.columns ? `${read}, ${columnsText(text.columns)}` : read)
  return text
}
