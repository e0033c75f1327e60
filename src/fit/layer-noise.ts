/**
 * What quantization does to a model layer by layer: the noise of each layer alone from exact inputs (one run for
 * all), and the loss of the answers when some layers are quantized (a run each).
 */
import type { HostTensor } from '../graph/data-type.ts'
import type { Graph, Node } from '../graph/graph.ts'
import type { ReadTensor } from '../graph/tensor.ts'
import {
  exposeNoise,
  keepNotes,
  noiseName,
  quantizedNodes,
  signalName,
} from '../passes/expose-noise.ts'
import { runPasses } from '../passes/pass.ts'
import { pipeline } from '../passes/pipelines.ts'
import { type Feeds, type ObserveOptions, withGraph } from './observe.ts'
import { answerNames, batchLosses, type LossName, lossOf } from './output-loss.ts'

const MASK = 'attention_mask'

/** Sums of squares over real tokens. */
export interface LayerNoise {
  readonly node: Node
  readonly signal: number
  readonly noise: number
}

const lowered = (graph: Graph, read: ReadTensor): Graph =>
  runPasses(graph, pipeline({ lowering: 'cpu', read })).graph

/** @param graph logical, with the notes of a scheme. */
export async function layerNoise(
  graph: Graph,
  batches: readonly Feeds[],
  read: ReadTensor,
  options: ObserveOptions = {},
): Promise<LayerNoise[]> {
  const nodes = quantizedNodes(graph)
  const sums = nodes.map((node) => ({ node, signal: 0, noise: 0 }))
  await withGraph(lowered(exposeNoise(graph, MASK), read), options, async (run) => {
    for (const [done, feeds] of batches.entries()) {
      const outputs = await run(feeds)
      for (const [i, sum] of sums.entries()) {
        sum.signal += Number(outputs[signalName(i)]!.data[0])
        sum.noise += Number(outputs[noiseName(i)]!.data[0])
      }
      options.onBatch?.(done + 1)
    }
  })
  return sums
}

/** Losses of the answers, by text, when those layers are quantized that `keep` wants. */
export interface LossMeter {
  readonly loss: LossName
  measure(keep: (node: Node) => boolean): Promise<number[]>
}

/** Numbers of exact answers that are kept instead of computed again. */
const KEPT = 16e6

/** Opens the exact model, and gives `body` what measures quantized ones against it. */
export async function withLossMeter<T>(
  graph: Graph,
  batches: readonly Feeds[],
  read: ReadTensor,
  options: ObserveOptions,
  body: (meter: LossMeter) => Promise<T>,
): Promise<T> {
  const names = answerNames(graph.outputs.map(({ name }) => name))
  const outputs = graph.outputs.filter(({ name }) => names.includes(name))
  const answering = { ...graph, outputs }
  const variant = (keep: (node: Node) => boolean) => lowered(keepNotes(answering, keep), read)
  const kept = new Map<Feeds, Record<string, HostTensor>>()
  let room = KEPT
  return withGraph(
    variant(() => false),
    options,
    async (runExact) => {
      const exact = async (feeds: Feeds): Promise<Record<string, HostTensor>> => {
        const known = kept.get(feeds)
        if (known) return known
        const answer = await runExact(feeds)
        room -= names.reduce((sum, name) => sum + answer[name]!.data.length, 0)
        if (room > 0) kept.set(feeds, answer)
        return answer
      }
      const first = await exact(batches[0]!)
      return body({
        loss: lossOf(names[0]!, first[names[0]!]!),
        measure: (keep) =>
          withGraph(variant(keep), options, async (run) => {
            const losses: number[] = []
            for (const feeds of batches) {
              losses.push(...batchLosses(await exact(feeds), await run(feeds), names, feeds[MASK]))
            }
            return losses
          }),
      })
    },
  )
}
