/**
 * BatchNormalization as it trains (Ioffe and Szegedy 2015): by the statistics of the batch, whose running means
 * the step carries along as state.
 *
 * ONNX Runtime's kernel writes its running statistics over its inputs, be they fed or weights. So it gets zeros of
 * its own and a momentum of 0, which makes them the batch's; the averages are computed here, with the variance
 * divided by n − 1 that PyTorch's checkpoints hold.
 */
import { float, int } from '../graph/attributes.ts'
import { GraphBuilder } from '../graph/builder.ts'
import type { Graph, Node, Value, Weight } from '../graph/graph.ts'
import { floatScalar } from '../graph/tensor.ts'

/** A running statistic: the weight that holds it, and its value after the step. */
export interface RunningStatistic {
  readonly value: Value
  readonly weight: Weight
  readonly after: Value
}

/** The graph with every BatchNormalization in training mode; the same object where there is none. */
export function withBatchStatistics(
  graph: Graph,
  momentum = 0.9,
): { readonly graph: Graph; readonly statistics: readonly RunningStatistic[] } {
  const b = new GraphBuilder(graph.name)
  const statistics: RunningStatistic[] = []
  const nodes = graph.nodes.flatMap((node): Node[] => {
    const [x, , , mean, variance] = node.inputs
    const [meanWeight, varianceWeight] = [mean, variance].map((v) => v && graph.weights.get(v))
    const norm = node.op === 'BatchNormalization' && node.domain === ''
    if (!norm || !x || !mean || !variance || !meanWeight || !varianceWeight) return [node]
    const before = b.build().nodes.length
    b.scope(node.origin, () => {
      const own = [mean, variance].map((old) => b.op('Sub', [old, old]))
      const batch = ['mean', 'variance'].map((what) => ({ name: `${node.origin}.batch_${what}` }))
      b.add({
        ...node,
        inputs: [...node.inputs.slice(0, 3), ...own],
        outputs: [node.outputs[0], ...batch],
        attributes: { ...node.attributes, training_mode: int(1), momentum: float(0) },
      })
      const unbiased = b.op('Mul', [batch[1], sampleFactor(b, x, variance)])
      const averages = [
        average(b, mean, batch[0]!, momentum),
        average(b, variance, unbiased, momentum),
      ]
      statistics.push({ value: mean, weight: meanWeight, after: averages[0]! })
      statistics.push({ value: variance, weight: varianceWeight, after: averages[1]! })
    })
    return b.build().nodes.slice(before)
  })
  if (statistics.length === 0) return { graph, statistics }
  const weights = new Map([...graph.weights, ...b.build().weights])
  return { graph: { ...graph, nodes, weights }, statistics }
}

/** n/(n−1) for the n elements of a channel */
function sampleFactor(b: GraphBuilder, x: Value, channels: Value): Value {
  const count = b.op('Div', [b.op('Size', [x]), b.op('Size', [channels])])
  const n = b.op('Cast', [count], { to: int(1) })
  const one = b.constant(floatScalar(1), 'one')
  return b.op('Div', [n, b.op('Max', [b.op('Sub', [n, one]), one])])
}

/** m·old + (1−m)·now */
function average(b: GraphBuilder, old: Value, now: Value, momentum: number): Value {
  const kept = b.op('Mul', [old, b.constant(floatScalar(momentum), 'momentum')])
  const share = b.constant(floatScalar(1 - momentum), 'share')
  return b.op('Add', [kept, b.op('Mul', [now, share])])
}
