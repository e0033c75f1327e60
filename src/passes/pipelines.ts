/**
 * The pipelines, each an ordered, literal list: what happens to a logical graph on its way to a file.
 */
import type { ReadTensor } from '../graph/tensor.ts'
import { declareWidths } from './declare-widths.ts'
import { eliminateRules } from './eliminate.ts'
import { foldAffine } from './fold-affine.ts'
import { foldConstants } from './fold-constants.ts'
import { foldTableRules } from './fold-table.ts'
import { fuseAttention } from './lower-attention.ts'
import { fuseBiasedAttention } from './lower-attention-bias.ts'
import { lowerBlockTable, matMulNBits } from './lower-blocks.ts'
import {
  type LinearKernels,
  lowerLinear,
  lowerTable,
  matMulInteger,
  matMulIntegerToFloat,
  matMulTokens,
  matMulTokensToFloat,
} from './lower-linear.ts'
import { additiveMask } from './lower-portable-rules.ts'
import { fuseRotary } from './lower-rotary.ts'
import { staticKernel } from './lower-static.ts'
import { mergeCommon } from './merge-common.ts'
import { narrowTokens } from './narrow-tokens.ts'
import type { Pass } from './pass.ts'
import { type Quantization, quantizePasses } from './quantize.ts'
import { rulePass } from './rule-pass.ts'
import { shapeSource } from './shape-source.ts'
import { tokenMajorRules } from './token-major.ts'
import { withinSubgraphs } from './within-subgraphs.ts'

/** How a graph is lowered: as exporters write it, for any runtime, or for this CPU. */
export type Lowering = 'exported' | 'portable' | 'cpu'

/** Opset of ai.onnx in the file of each lowering. */
export const loweringOpset: Readonly<Record<Lowering, number>> = {
  exported: 17,
  portable: 17,
  cpu: 24,
}

export interface PipelineOptions {
  readonly lowering: Lowering
  readonly quantize?: Quantization | undefined
  /** Gives the values of constants. */
  readonly read: ReadTensor
}

/** Removes what changes nothing, folds what is constant, computes equal things once. */
export const simplify = (read: ReadTensor): readonly Pass[] => [
  rulePass('eliminate', 'Removes identities and merges steps that are one.', eliminateRules),
  foldConstants(read),
  mergeCommon,
]

const tokenMajor = rulePass(
  'token-major',
  'Keeps activations as [tokens, width] between attentions.',
  [...tokenMajorRules, shapeSource],
)

/** Linear layers with a bias first: a bare product next to its bias must not be taken alone. */
const linear = (kernels: LinearKernels): readonly Pass[] => [
  rulePass('lower-linear', 'Turns linear layers into Gemm, or INT8 products where marked.', [
    lowerLinear('Add', kernels),
    lowerTable,
    lowerBlockTable,
  ]),
  rulePass('lower-bare-linear', 'The same for linear layers without a bias.', [
    lowerLinear('MatMul', kernels),
  ]),
]

const lowerings: Readonly<Record<Lowering, readonly Pass[]>> = {
  exported: [],
  portable: [
    narrowTokens,
    rulePass('lower-portable', 'Adds one mask to the scores instead of choosing by it.', [
      additiveMask,
    ]),
    ...linear({
      dynamic: matMulInteger,
      static: staticKernel('qdq'),
      'dynamic-token': matMulTokens,
      blocks: matMulNBits,
    }),
    tokenMajor,
  ],
  cpu: [
    narrowTokens,
    rulePass('fold-table', 'Projects small tables once, not in every run.', foldTableRules),
    rulePass('fold-affine', 'Makes a scale and a shift part of the linear layer before them.', [
      foldAffine,
    ]),
    rulePass('fuse-attention', 'Makes decomposed attention one Attention kernel.', [fuseAttention]),
    rulePass('fuse-rotary', 'Turns queries and keys by one kernel.', [fuseRotary]),
    rulePass('fuse-biased-attention', 'The same with a position bias, or heads turned before.', [
      fuseBiasedAttention,
    ]),
    ...linear({
      dynamic: matMulIntegerToFloat,
      static: staticKernel('cpu'),
      'dynamic-token': matMulTokensToFloat,
      blocks: matMulNBits,
    }),
    tokenMajor,
  ],
}

/** The passes of a file. */
export function pipeline({ lowering, quantize, read }: PipelineOptions): readonly Pass[] {
  return [
    ...quantizePasses(quantize, 'before'),
    ...lowerings[lowering].map(withinSubgraphs),
    ...simplify(read).map(withinSubgraphs),
    ...quantizePasses(quantize, 'after'),
    ...(lowering === 'cpu' ? [withinSubgraphs(declareWidths)] : []),
  ]
}
