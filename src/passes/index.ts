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
export { type Quantization, quantizePasses, type Scheme, schemes } from './quantize.ts'
export { type BlockQuantizationOptions, quantizeBlocks } from './quantize-blocks.ts'
export { type DynamicQuantization, quantizeDynamic } from './quantize-dynamic.ts'
export { type LayerRanges, quantizeStatic, type StaticQuantization } from './quantize-static.ts'
export { raise } from './raise/raise.ts'
export { dropLayers } from './structure/drop-layers.ts'
export { type EncoderLayer, encoderLayers } from './structure/encoder-layers.ts'
export { nameLayers } from './structure/name-layers.ts'
