/**
 * Limbeck as a library: make Transformers small and fast on ONNX Runtime, without leaving TypeScript.
 *
 * @example
 * import { optimize } from 'limbeck'
 * const { report } = await optimize({
 *   model: './my-model',
 *   data: { file: 'dev.tsv', text: 'sentence', label: 'label' },
 * })
 */
export { describeError, type ErrorCode, LimbeckError } from './errors.ts'
export type { Answer, LabelScore, MaskFill, RankedDocument } from './fit/answer.ts'
export type { DataTask } from './fit/data-task.ts'
export type { DataOptions } from './fit/measured-text.ts'
export { type ResolvedModel, type ResolveOptions, resolveModel } from './hub/resolve-model.ts'
export { type BenchJobOptions, type BenchResult, bench } from './jobs/bench.ts'
export {
  type CalibrateJobOptions,
  type CalibrateResult,
  type Calibration,
  calibrate,
} from './jobs/calibrate.ts'
export { type CompareOptions, type CompareResult, compare } from './jobs/compare.ts'
export { type DistillOptions, distill } from './jobs/distill.ts'
export { type DoctorResult, doctor, type Finding } from './jobs/doctor.ts'
export { type EvaluateOptions, type EvaluationResult, evaluate } from './jobs/evaluate.ts'
export {
  type ExportOptions,
  exportModel,
  type QuantizeOptions,
  quantize,
  type Target,
  type WriteResult,
} from './jobs/export-model.ts'
export { type FusedFile, type FuseOptions, type FuseResult, fuse } from './jobs/fuse.ts'
export { inspect } from './jobs/inspect.ts'
export type { InspectOptions, InspectResult } from './jobs/inspect-result.ts'
export type { LayerOverrideOptions } from './jobs/layer-overrides.ts'
export { type LoadedModel, load } from './jobs/load.ts'
export { type OptimizeOptions, type OptimizeResult, optimize } from './jobs/optimize.ts'
export type { OptimizeStudentOptions } from './jobs/optimize-student.ts'
export { type PruneOptions, type PruneResult, prune } from './jobs/prune.ts'
export { type ReportOptions, type ReportResult, report } from './jobs/report.ts'
export { type RunOptions, type RunResult, run } from './jobs/run.ts'
export { runVariants, type VariantRun } from './jobs/run-variants.ts'
export { type SaveOptions, save } from './jobs/save.ts'
export {
  type SensitivityOptions,
  type SensitivityResult,
  sensitivity,
} from './jobs/sensitivity.ts'
export { type TrainOptions, type TrainResult, train } from './jobs/train.ts'
export type { ComparedTensor, Comparison, TensorError } from './report/comparison.ts'
export type { MixSearch, RaisedLayer, TriedMix } from './report/mix-search.ts'
export type { Progress, Step } from './report/progress.ts'
export type { Report, VariantReport } from './report/report.ts'
export type { ReportDetails } from './report/report-details.ts'
export type { LayerSensitivity, MeasuredLoss, SensitivityReport } from './report/sensitivity.ts'
