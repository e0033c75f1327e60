/**
 * What quantization does to a model layer by layer: the noise of each layer alone from exact inputs (one run for
 * all), and the loss of the answers when some layers are quantized (a run each).
 */
import { LimbeckError } from '../errors.ts'
import type { HostTensor } from '../graph/data-type.ts'
import type { Graph, Node } from '../graph/graph.ts'
import { pruneDead } from '../graph/liveness.ts'
import type { ReadTensor } from '../graph/tensor.ts'
import { inferTypes } from '../ops/infer-types.ts'
import {
  inputNoiseName,
  keepNotes,
  noiseName,
  quantizedNodes,
  roundedCopies,
  signalName,
  weightNoiseName,
  withEnergies,
} from '../passes/expose-noise.ts'
import { runPasses } from '../passes/pass.ts'
import { pipeline } from '../passes/pipelines.ts'
import { exposePulls, PULL_SEED, pullName } from '../train/expose-pulls.ts'
import { type Feeds, type ObserveOptions, withGraph } from './observe.ts'
import { answerNames, batchLosses, type LossName, lossOf } from './output-loss.ts'

const MASK = 'attention_mask'

/** What rounding does to one annotated node, from exact inputs; sums of squares over real tokens. */
export interface LayerNoise {
  readonly node: Node
  readonly signal: number
  readonly noise: number
  /** Its parts, of weights and of what meets them, where both are rounded. */
  readonly parts: { readonly weights: number; readonly input: number } | undefined
  /** How far the noise pulls the answers, by text; absent where the model has no gradient. */
  readonly pulls: readonly number[] | undefined
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
  const sums = nodes.map((node) => ({ node, signal: 0, noise: 0, weights: 0, input: 0 }))
  const pulled = nodes.map((): number[] => [])
  const isSplit = new Set<number>()
  const { graph: watched, pulls } = watchedGraph(graph)
  await withGraph(lowered(watched, read), options, async (run) => {
    for (const [done, feeds] of batches.entries()) {
      const outputs = await run(pulls ? { ...feeds, [PULL_SEED]: seedTensor(done) } : feeds)
      const sum = (name: string) => Number(outputs[name]?.data[0] ?? 0)
      for (const [i, each] of sums.entries()) {
        each.signal += sum(signalName(i))
        each.noise += sum(noiseName(i))
        each.weights += sum(weightNoiseName(i))
        each.input += sum(inputNoiseName(i))
        if (weightNoiseName(i) in outputs) isSplit.add(i)
        if (pulls) pulled[i]!.push(...(outputs[pullName(i)]!.data as Float32Array))
      }
      options.onBatch?.(done + 1)
    }
  })
  return sums.map(({ node, signal, noise, weights, input }, i) => ({
    ...{ node, signal, noise },
    parts: isSplit.has(i) ? { weights, input } : undefined,
    pulls: pulls ? pulled[i] : undefined,
  }))
}

const seedTensor = (batch: number): HostTensor => ({
  dtype: 'float32',
  shape: [],
  data: Float32Array.of(batch / 7),
})

/** The graph that gives noise, and pulls where every operator on the way has a gradient. */
function watchedGraph(graph: Graph): { graph: Graph; pulls: boolean } {
  const { graph: exact, copies } = roundedCopies(graph)
  const types = inferTypes(exact)
  const names = answerNames(graph.outputs.map(({ name }) => name))
  const answers = graph.outputs
    .filter(({ name }) => names.includes(name))
    .map(({ name, value }) => {
      const { dtype = 'float32', shape } = types.get(value) ?? {}
      const sizes = (shape ?? []).map((dim) => (typeof dim === 'number' ? dim : 0))
      return { value, loss: lossOf(name, { dtype, shape: sizes, data: new Float32Array() }) }
    })
  const bare = { ...exact, outputs: [], taps: new Map() }
  try {
    const pulled = exposePulls(bare, copies, answers, MASK)
    return { graph: pruneDead(withEnergies(pulled, copies, MASK)), pulls: true }
  } catch (error) {
    if (!(error instanceof LimbeckError) || error.code !== 'graph') throw error
    return { graph: pruneDead(withEnergies(bare, copies, MASK)), pulls: false }
  }
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
