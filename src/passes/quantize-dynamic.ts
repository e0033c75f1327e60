/**
 * Dynamic INT8 as an annotation: which linear layers and tables are to be computed with 8 bits.
 *
 * Weights get one symmetric scale per output column, activations one range at run time, embedding tables
 * one scale per row (each row is read alone). The graph's operators stay as they are: `lower-*` turns the
 * notes into kernels. After Q8BERT (Zafrir et al. 2019) and ONNX Runtime's dynamic quantizer.
 */
import type { WeightBits } from '../graph/graph.ts'
import { annotateWeights, type WeightSelection } from './annotate-weights.ts'
import type { Pass } from './pass.ts'
import type { Smoothing } from './smooth.ts'

export interface DynamicQuantization extends WeightSelection {
  /** 7 keeps u8×s8 sums exact on CPUs that saturate (AVX2, AVX-512 without VNNI); 8 needs VNNI or better. */
  readonly weightBits: WeightBits
  /**
   * `tensor`: one range for all tokens of a batch, ONNX Runtime's own kernel. `token`: a range for each token, so
   * that a result does not depend on its neighbours. Default `tensor`.
   */
  readonly activations?: 'tensor' | 'token' | undefined
  /** Divisions of inputs found for these layers (SmoothQuant). */
  readonly smooth?: readonly Smoothing[] | undefined
  /** Scales of weights: one a column (default), or one a tensor. */
  readonly granularity?: 'column' | 'tensor' | undefined
}

/** Annotates every linear layer and embedding table that gains from it. */
export const quantizeDynamic = (options: DynamicQuantization): Pass => {
  const { weightBits, activations, granularity = 'column', smooth: _, ...selection } = options
  const ranges = activations === 'token' ? { activations } : {}
  return annotateWeights({
    ...selection,
    name: 'quantize-dynamic-int8',
    summary: 'Marks linear layers and embedding tables for INT8 with ranges found at run time.',
    note: (kind) =>
      kind === 'linear'
        ? { scheme: 'dynamic', bits: 8, weightBits, granularity, ...ranges }
        : { scheme: 'weight-only', bits: 8, weightBits: 8, granularity: 'row' },
  })
}
