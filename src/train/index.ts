/** The train room: graphs become training graphs; nothing runs here. */
export { type Backward, backward } from './backward.ts'
export { type DropoutOptions, type Dropping, withDropout } from './dropout.ts'
export { extendGraph } from './extend-graph.ts'
export { type LayerDropOptions, withLayerDrop } from './layer-drop.ts'
export {
  hiddenCosine,
  hiddenError,
  type Projection,
  type Relation,
  relationDivergence,
  relationHeads,
  scoreError,
  weightedSum,
} from './layer-losses.ts'
export { type Lora, type LoraOptions, withLora } from './lora.ts'
export {
  binaryCrossEntropy,
  type CrossEntropyOptions,
  crossEntropy,
  labelledCrossEntropy,
  meanSquaredError,
} from './losses.ts'
export type { Group, Optimizer, StepPlace } from './optimizer.ts'
export {
  divergence,
  hardLabels,
  logitError,
  type SoftLabels,
  type SoftLossOptions,
  softCrossEntropy,
} from './soft-label-losses.ts'
export type { StateKind, StateTensor } from './step-state.ts'
export {
  type LossParts,
  type ParameterShape,
  type TrainingStep,
  type TrainingStepOptions,
  trainingStep,
  type WriteLoss,
} from './training-step.ts'
export { type StepSettings, stepOutputs } from './write-update.ts'
