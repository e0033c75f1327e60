/**
 * Foreign graphs raised to the logical form of our own: what exporters took apart is put together, and what
 * they spell differently is spelled once. The lowerings then treat them as graphs that we built.
 */
import type { ReadTensor } from '../../graph/tensor.ts'
import { eliminateRules } from '../eliminate.ts'
import { foldConstants } from '../fold-constants.ts'
import { mergeCommon } from '../merge-common.ts'
import type { Pass } from '../pass.ts'
import { rulePass } from '../rule-pass.ts'
import { shapeSource } from '../shape-source.ts'
import { withinSubgraphs } from '../within-subgraphs.ts'
import { cancelTransposes } from './cancel-transposes.ts'
import { decomposeAttention } from './decompose-attention.ts'
import { dropStretch, gatherStretched, gatherUniform } from './drop-stretch.ts'
import { batchNormAsAffine, foldBatchNorm } from './fold-batch-norm.ts'
import { gatherByCoordinates, gatherFlattened, gatherRange } from './gather-by-position.ts'
import { inferenceRules } from './inference-mode.ts'
import { inlineBranch } from './inline-branch.ts'
import { knownSize } from './known-sizes.ts'
import { leftoverRules } from './leftovers.ts'
import { activationRules } from './raise-activations.ts'
import {
  gemmAsLinear,
  matMulAsLinear,
  nameBiases,
  nameParameters,
  unflattenLinear,
} from './raise-linear.ts'
import { normRules } from './raise-norm.ts'
import { raiseRotary } from './raise-rotary.ts'
import { dropNanGuard, raiseScores } from './raise-scores.ts'
import { slicesAsSplit, splitEqually, unstackProjection } from './split-projections.ts'
import { unmergeHeads } from './unmerge-heads.ts'
import { constantReshape, mergeUnsqueezes, viewOfBatch, viewOfSame } from './views.ts'

/** The passes, in order, in the bodies of If, Loop and Scan too; `read` gives the values of constants. */
export const raise = (read: ReadTensor): readonly Pass[] => passes(read).map(withinSubgraphs)

const passes = (read: ReadTensor): readonly Pass[] => [
  rulePass('inference-mode', 'Switches off what only training does.', inferenceRules),
  rulePass('eliminate', 'Removes identities and merges steps that are one.', [
    ...eliminateRules,
    ...leftoverRules,
  ]),
  foldConstants(read),
  rulePass('inline-branches', 'Takes the branch of an If that is known.', [inlineBranch]),
  foldConstants(read),
  mergeCommon,
  rulePass('constant-shapes', 'Writes shapes that are known instead of computing them.', [
    viewOfSame,
    viewOfBatch,
    constantReshape,
    mergeUnsqueezes,
    knownSize,
    dropStretch,
    gatherUniform,
    gatherStretched,
    gatherRange,
    gatherByCoordinates,
    gatherFlattened,
    shapeSource,
    ...eliminateRules,
    ...leftoverRules,
  ]),
  rulePass('split-projections', 'Writes the parts of merged projections as one Split.', [
    unstackProjection,
    slicesAsSplit,
    splitEqually,
  ]),
  rulePass('raise-parts', 'Puts together activations and normalizations written in parts.', [
    ...activationRules(read),
    ...normRules(read),
    raiseRotary,
  ]),
  rulePass('fold-batch-norm', 'Makes batch normalization part of the layer before it.', [
    foldBatchNorm,
  ]),
  rulePass('batch-norm-as-affine', 'Writes other batch normalization as a scale and a shift.', [
    batchNormAsAffine,
  ]),
  rulePass('raise-linear', 'Writes every linear layer as one product with its stored matrix.', [
    gemmAsLinear,
    matMulAsLinear,
    unflattenLinear,
    nameParameters,
    nameBiases,
  ]),
  rulePass('unmerge-heads', 'Keeps batch and heads apart in batched products.', [
    unmergeHeads,
    viewOfSame,
    constantReshape,
  ]),
  rulePass('decompose-attention', 'Writes Attention operators as the mathematics they are.', [
    decomposeAttention,
  ]),
  rulePass('raise-scores', 'Writes attention scores in one form.', [
    raiseScores(read),
    dropNanGuard,
  ]),
  rulePass('cancel-transposes', 'Takes Transposes out that undo each other.', [cancelTransposes]),
  mergeCommon,
]
