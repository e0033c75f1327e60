/**
 * Which landmarks of two graphs are the same: outputs of one name, what structure says (the query of layer 3), what
 * both files call by one path, then what stands in the same order with the same sizes (the longest common
 * subsequence, Wagner and Fischer 1974).
 */
import type { Landmark, LandmarkKind, Landmarks } from './landmarks.ts'

export interface LandmarkPair {
  readonly a: Landmark
  readonly b: Landmark
}

export interface MatchedLandmarks {
  /** In the order of the first graph. */
  readonly pairs: readonly LandmarkPair[]
  /** Left over in each. */
  readonly onlyA: readonly Landmark[]
  readonly onlyB: readonly Landmark[]
}

type Key = (landmark: Landmark) => string | undefined

/** Above this many comparisons an order is not searched for. */
const MOST_STEPS = 2e7

/** Pairs landmarks; none is in two pairs. */
export function matchLandmarks(a: Landmarks, b: Landmarks): MatchedLandmarks {
  const pairs = new Map<Landmark, Landmark>()
  const taken = new Set<Landmark>()
  const join = (left: Landmark, right: Landmark): void => {
    pairs.set(left, right)
    taken.add(right)
  }
  const leftOf = () => a.all.filter((one) => !pairs.has(one))
  const rightOf = () => b.all.filter((one) => !taken.has(one))
  for (const key of [outputKey, roleKey, pathKey]) {
    const right = grouped(rightOf(), key)
    const left = grouped(leftOf(), key)
    for (const [name, ones] of left) {
      const others = right.get(name) ?? []
      // several of one path are told apart by their order, where there are as many
      if (others.length !== ones.length) continue
      ones.forEach((one, i) => {
        if (sameSize(one, others[i]!)) join(one, others[i]!)
      })
    }
  }
  for (const [left, right] of commonOrder(leftOf(), rightOf())) join(left, right)
  const [restA, restB] = [leftOf(), rightOf()].map((rest) => rest.filter(isOutput))
  if (restA!.length === 1 && restB!.length === 1) join(restA![0]!, restB![0]!)
  return {
    pairs: a.all.flatMap((one) => {
      const other = pairs.get(one)
      return other ? [{ a: one, b: other }] : []
    }),
    onlyA: leftOf(),
    onlyB: rightOf(),
  }
}

const isOutput = ({ kind }: Landmark): boolean => kind === 'output'

const outputKey: Key = ({ output }) => output

const roleKey: Key = ({ role }) => role

/** Behind the layers both may call things alike, whatever they call their layers. */
const pathKey: Key = ({ path, kind, zone }) =>
  path === '' || isUnnamed(kind) ? undefined : `${zone} ${kind} ${path}`

/** Of these one module has several that exporters order as they like. */
const isUnnamed = (kind: LandmarkKind): boolean => kind === 'sum' || kind === 'product'

const sameSize = ({ width: a }: Landmark, { width: b }: Landmark): boolean =>
  a === undefined || b === undefined || a === b

function grouped(all: readonly Landmark[], key: Key): Map<string, Landmark[]> {
  const groups = new Map<string, Landmark[]>()
  for (const one of all) {
    const name = key(one)
    if (name === undefined) continue
    const group = groups.get(name)
    if (group) group.push(one)
    else groups.set(name, [one])
  }
  return groups
}

/** The longest common subsequence of what stands in the same zone with the same label. */
function commonOrder(a: readonly Landmark[], b: readonly Landmark[]): [Landmark, Landmark][] {
  if (a.length * b.length > MOST_STEPS) return []
  const same = (i: number, j: number): boolean =>
    a[i]!.zone === b[j]!.zone && a[i]!.label === b[j]!.label
  const columns = b.length + 1
  const best = new Uint32Array((a.length + 1) * columns)
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      best[i * columns + j] = same(i, j)
        ? best[(i + 1) * columns + j + 1]! + 1
        : Math.max(best[(i + 1) * columns + j]!, best[i * columns + j + 1]!)
    }
  }
  const pairs: [Landmark, Landmark][] = []
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    if (same(i, j)) pairs.push([a[i++]!, b[j++]!])
    else if (best[(i + 1) * columns + j]! >= best[i * columns + j + 1]!) i++
    else j++
  }
  return pairs
}
