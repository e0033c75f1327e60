/** The passes room: functions from graph to graph, and the pipelines that order them. */
export { foldConstants } from './fold-constants.ts'
export { mergeCommon } from './merge-common.ts'
export { type Pass, type PassRecord, type RuleRecord, runPasses } from './pass.ts'
export {
  type Lowering,
  loweringOpset,
  type PipelineOptions,
  pipeline,
  simplify,
} from './pipelines.ts'
export { type DynamicQuantization, quantizeDynamic } from './quantize-dynamic.ts'
export { raise } from './raise/raise.ts'
