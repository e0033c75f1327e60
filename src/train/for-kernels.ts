/**
 * The forward graph and its loss as they run fastest when they are differentiated, too.
 *
 * A loss that reads one token, or a few, needs no more of the last layer.
 * Linear layers become Gemm on `[tokens, width]`: the bias costs no pass of its own, and no weight is ever
 * transposed, in neither direction. The mask is added to the scores, so that the backward run has none; their
 * scale becomes part of the product, and keys are not transposed. What taps and outputs name stays.
 */
import { float, int, intOf, intsOf } from '../graph/attributes.ts'
import type { Graph } from '../graph/graph.ts'
import { rule } from '../graph/pattern.ts'
import type { NodeRule } from '../graph/rewrite.ts'
import { inlineValues } from '../graph/tensor.ts'
import { flatten, type LinearKernels, lowerLinear } from '../passes/lower-linear.ts'
import { additiveMask } from '../passes/lower-portable-rules.ts'
import { mergeCommon } from '../passes/merge-common.ts'
import { narrowTokens } from '../passes/narrow-tokens.ts'
import { type Pass, runPasses } from '../passes/pass.ts'
import { rulePass } from '../passes/rule-pass.ts'
import { shapeSource } from '../passes/shape-source.ts'
import { tokenMajorRules } from '../passes/token-major.ts'
import { extendGraph } from './extend-graph.ts'
import { type AveragedRange, FakeQuantizer, fakeTable } from './fake-quantize.ts'
import { narrowRows } from './narrow-rows.ts'

/** `MatMul(q, Transpose(k))·s`: one product that reads k as it stands. */
const scaledScores = rule('scaled-scores', {
  match: (op, x) =>
    op.Mul!(op.MatMul!(x.query!, op.as('turn', op.Transpose!(x.key!))), op.weight('scale')),
  when: (x, context, { nodes }) => {
    const perm = intsOf(nodes.turn!, 'perm')
    if (perm?.join() !== '0,1,3,2') return 'the keys are not transposed in their last two axes'
    const { tensor } = context.weight(x.scale!)!
    const scalar = tensor.dtype === 'float32' && inlineValues(tensor)?.length === 1
    return scalar ? true : 'the scale is no scalar'
  },
  rewrite: (op, x) => {
    const alpha = Number(inlineValues(op.weight(x.scale!)!.tensor)![0])
    const attributes = { alpha: float(alpha), transB: int(1) }
    return op.op('FusedMatMul', [x.query, x.key], attributes, { domain: 'com.microsoft' })
  },
})

/** Flatten to rows of the last axis, as the Reshape that token-major activations know. */
const flattenRows: NodeRule = {
  name: 'flatten-rows',
  anchors: ['Flatten'],
  apply(node, context) {
    const [x] = node.inputs
    const shape = x && context.typeOf(x)?.shape
    const axis = intOf(node, 'axis', 1)
    const width = shape?.at(-1)
    if (!x || typeof width !== 'number' || ![-1, shape!.length - 1].includes(axis)) return undefined
    return [flatten(context, x, width)]
  },
}

const beforeLinear: readonly Pass[] = [
  narrowTokens,
  rulePass('scores', 'Scales and masks attention scores without passes of their own.', [
    additiveMask,
    scaledScores,
  ]),
]

const linear = (kernels?: LinearKernels): readonly Pass[] => [
  rulePass('linear', 'Turns linear layers into Gemm.', [lowerLinear('Add', kernels), fakeTable]),
  rulePass('bare-linear', 'The same for linear layers without a bias.', [
    lowerLinear('MatMul', kernels),
  ]),
]

const afterLinear: readonly Pass[] = [
  rulePass('token-major', 'Keeps activations as [tokens, width] between attentions.', [
    ...tokenMajorRules,
    flattenRows,
    shapeSource,
  ]),
  mergeCommon,
  narrowRows,
]

/** Names of the ranges of activations among a graph's inputs and outputs, and of what a batch adds to them. */
export const rangePorts = {
  ranges: 'range/activations',
  next: 'next/range/activations',
  share: 'setting/range',
} as const

/**
 * The graph written for training kernels. Layers that are marked for few bits round (`fake-quantize.ts`);
 * `ranges` are those that are averaged, which the graph reads and gives.
 */
export function forKernels(graph: Graph): {
  readonly graph: Graph
  readonly ranges: readonly AveragedRange[]
} {
  const before = runPasses(graph, beforeLinear).graph
  const { graph: open, result } = extendGraph(before, (b) => {
    const ranges = b.input(rangePorts.ranges, 'float32', ['ranges', 2])
    return new FakeQuantizer(ranges, { share: b.input(rangePorts.share, 'float32', []) })
  })
  const rounded = runPasses(open, linear(result.kernels)).graph
  const { found } = result
  const averages = found.map(({ after }) => after)
  const closed =
    found.length === 0
      ? { ...rounded, inputs: before.inputs }
      : extendGraph(rounded, (b) => {
          b.output(rangePorts.next, b.op('Concat', averages, { axis: int(0) }))
        }).graph
  return {
    graph: runPasses(closed, afterLinear).graph,
    ranges: found.map(({ layers, start }) => ({ layers, start })),
  }
}

/** The same without learning: layers round by the ranges that a training step keeps, and none moves. */
export function roundedGraph(graph: Graph, rows: readonly AveragedRange[]): Graph {
  const before = runPasses(graph, beforeLinear).graph
  const { graph: open, result } = extendGraph(before, (b) => {
    const ranges = b.input(rangePorts.ranges, 'float32', ['ranges', 2])
    return new FakeQuantizer(ranges, { rows })
  })
  const rounded = runPasses(open, linear(result.kernels)).graph
  const inputs = rows.length === 0 ? before.inputs : rounded.inputs
  return runPasses({ ...rounded, inputs }, afterLinear).graph
}
