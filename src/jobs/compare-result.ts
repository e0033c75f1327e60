/** What `compare` tells of the differences that it found. */
import type { PairDifference } from '../fit/compare-values.ts'
import type { Landmark, Landmarks } from '../passes/structure/landmarks.ts'
import type { LandmarkPair } from '../passes/structure/match-landmarks.ts'
import { nearestBefore } from '../passes/structure/nearest-before.ts'
import type {
  ComparedSide,
  ComparedTensor,
  TensorError,
  UnmatchedTensor,
} from '../report/comparison.ts'
import type { TensorDifference } from '../stats/tensor-difference.ts'
import type { ComparedModel } from './compared-model.ts'

const WORST = 10

const errorOf = (difference: TensorDifference): TensorError => {
  const { sqnr, cosine, relative, maxAbs, outside, nonFinite } = difference
  return {
    sqnr: Number.isFinite(sqnr) ? sqnr : null,
    ...{ cosine, relative, maxAbs, outside, nonFinite },
  }
}

/** Every pair that was compared, in the order of computation. */
export function comparedTensors(
  pairs: readonly LandmarkPair[],
  differences: readonly (PairDifference | undefined)[],
  b: ComparedModel,
): ComparedTensor[] {
  const all = new Map(
    pairs.flatMap((pair, i) => (differences[i] ? [[pair.b.value, i] as const] : [])),
  )
  return pairs.flatMap(({ a: left, b: right }, i) => {
    const difference = differences[i]
    if (!difference) return []
    const { total, added, narrowed, rescaled } = difference
    const before = nearestBefore(b.graph, right.value, all)
    return [
      {
        name: left.path || right.path || left.value.name,
        kind: left.kind,
        ...{ a: left.value.name, b: right.value.name },
        values: total.count,
        ...errorOf(total),
        added: added && errorOf(added),
        inherited: Math.max(0, ...before.map((at) => differences[at]!.total.relative)),
        firstToken: narrowed,
        rescaled,
      },
    ]
  })
}

/** What is told of one model. */
export function sideOf(
  { label, file }: ComparedModel,
  { layers }: Landmarks,
  only: readonly Landmark[],
  odd: readonly Landmark[],
): ComparedSide {
  const row = ({ path, kind, value }: Landmark, why: string): UnmatchedTensor => ({
    ...{ name: path, kind, tensor: value.name, why },
  })
  const unmatched = [
    ...only.map((one) => row(one, 'the other model has none like it')),
    ...odd.map((one) => row(one, 'it has another size in the other model')),
  ]
  return { model: label, file, layers, unmatched }
}

/** What a tensor adds by itself: from exact inputs where they could be given. */
const own = (tensor: ComparedTensor): TensorError => tensor.added ?? tensor

/** The first that adds more than the tolerance by itself. */
export function firstParting(
  tensors: readonly ComparedTensor[],
  tolerance: number,
): number | undefined {
  const at = tensors.findIndex((tensor) => {
    const { relative, nonFinite } = own(tensor)
    return relative > tolerance || nonFinite > 0
  })
  return at < 0 ? undefined : at
}

/** Those that add most. */
export function worstOf(tensors: readonly ComparedTensor[]): number[] {
  const weight = (tensor: ComparedTensor): number =>
    own(tensor).nonFinite > 0 ? Number.POSITIVE_INFINITY : own(tensor).relative
  return tensors
    .map((_, i) => i)
    .filter((i) => weight(tensors[i]!) > 0)
    .sort((i, j) => weight(tensors[j]!) - weight(tensors[i]!) || i - j)
    .slice(0, WORST)
}

/** Sentences on what matters for reading the figures. */
export function notesOf(
  a: ComparedModel,
  b: ComparedModel,
  [inA, inB]: readonly [Landmarks, Landmarks],
  tensors: readonly ComparedTensor[],
  answered: boolean,
): string[] {
  const narrowed = tensors.filter(({ firstToken }) => firstToken).length
  const rescaled = tensors.filter((tensor) => tensor.rescaled).length
  const [taskA, taskB] = [a.model?.task, b.model?.task]
  return [
    ...(inA.layers === inB.layers
      ? []
      : [
          `${a.label} has ${inA.layers} layers and ${b.label} ${inB.layers}: they are paired from the first on.`,
        ]),
    ...(taskA && taskB && taskA !== taskB && !answered
      ? [
          `${a.label} is a ${taskA} model and ${b.label} a ${taskB} model: their answers are not compared.`,
        ]
      : []),
    ...(rescaled > 0
      ? [
          `${rescaled} tensor${rescaled === 1 ? ' is' : 's are'} held in another scale for each column by ${b.label}, which the layers behind undo (SmoothQuant, AWQ), and compared in that scale.`,
        ]
      : []),
    ...(narrowed > 0
      ? [
          `${narrowed} tensor${narrowed === 1 ? ' is' : 's are'} computed for the first token alone in one of the two, and compared there.`,
        ]
      : []),
  ]
}
