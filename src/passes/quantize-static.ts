/**
 * Static INT8 as an annotation: linear layers whose activations have a range found before, by calibration.
 *
 * Normalization, activation functions, softmax and residual sums stay fp32: in Transformers they hold the
 * outliers and cost little. Weights get a symmetric scale for each column (or one for the tensor), tables one for
 * each row, as with ranges found at run time. A layer without a range stays fp32, and is said so. Answers of the
 * model get no range of their output: they are not to be clipped where the calibration's texts ended.
 */
import type { Node, StaticForm, ValueQuantization, WeightBits } from '../graph/graph.ts'
import { checkRange } from './activation-scale.ts'
import { annotateWeights, type WeightSelection } from './annotate-weights.ts'
import { answerProducts } from './answer-layers.ts'
import type { Pass } from './pass.ts'
import type { Smoothing } from './smooth.ts'

/** What calibration says of a linear layer. */
export interface LayerRanges {
  readonly input: ValueQuantization
  /** Of the product before its bias: `qoperator` alone needs it. */
  readonly output?: ValueQuantization | undefined
}

/** Plain JSON: a plan travels to another process, and into the lineage of a file. */
export interface StaticQuantization extends WeightSelection {
  /** 7 keeps u8×s8 sums exact on CPUs that saturate (AVX2, AVX-512 without VNNI); 8 needs VNNI or better. */
  readonly weightBits: WeightBits
  /** Ranges by the name of the layer's weight (`….query.weight`). */
  readonly ranges: Readonly<Record<string, LayerRanges>>
  /** Scales of weights: one a column (default), or one a tensor. */
  readonly granularity?: 'column' | 'tensor' | undefined
  /** Divisions of inputs found for these layers (SmoothQuant). */
  readonly smooth?: readonly Smoothing[] | undefined
  /** Default `cpu` in a file for this CPU, `qdq` in a portable one. */
  readonly form?: StaticForm | undefined
}

/** Annotates every linear layer that has a range, and embedding tables. */
export const quantizeStatic = (options: StaticQuantization): Pass => {
  const { weightBits, ranges, granularity = 'column', form, smooth: _, ...selection } = options
  const ofForm = form ? { form } : {}
  const passFor = (answers: ReadonlySet<Node>): Pass =>
    annotateWeights({
      ...selection,
      name: NAME,
      summary: SUMMARY,
      note: (kind, _weight, node, name) => {
        if (kind === 'table') {
          return { scheme: 'weight-only', bits: 8, weightBits: 8, granularity: 'row' }
        }
        const found = Object.hasOwn(ranges, name) ? ranges[name] : undefined
        if (!found) return 'has no range from calibration'
        const { input, output } = found
        checkRange(input, `the input of ${name}`)
        if (output) checkRange(output, `the output of ${name}`)
        if (form === 'qoperator' && !output)
          return 'has no range of its output, which qoperator needs'
        const ofOutput = output && !answers.has(node) ? { output } : {}
        return { scheme: 'static', weightBits, granularity, input, ...ofOutput, ...ofForm }
      },
    })
  return {
    name: NAME,
    summary: SUMMARY,
    apply: (graph, trace) => passFor(answerProducts(graph)).apply(graph, trace),
  }
}

const NAME = 'quantize-static-int8'
const SUMMARY =
  'Marks linear layers for INT8 with ranges found by calibration, and embedding tables.'
