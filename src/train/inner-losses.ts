/**
 * What is learned from a teacher's inner layers, by name: embeddings, hidden states, attention scores,
 * relations. Inner values are read at the taps that families set; where widths differ, one linear layer brings
 * the student's states to the teacher's width (shared, as in TinyBERT's code) and is gone after training.
 */
import { LimbeckError } from '../errors.ts'
import type { GraphBuilder } from '../graph/builder.ts'
import type { Value } from '../graph/graph.ts'
import {
  hiddenCosine,
  hiddenError,
  type Relation,
  relationDivergence,
  relationHeads,
  scoreError,
  weightedSum,
} from './layer-losses.ts'
import { projectionTo } from './projection.ts'

/** One of two models, as far as its inner layers go. */
export interface InnerSide {
  readonly taps: ReadonlyMap<string, Value>
  readonly layers: number
  readonly width: number
  readonly heads: number
}

export interface InnerLosses {
  readonly student: InnerSide
  readonly teacher: InnerSide
  /** The teacher's layer of each student layer, from 0. */
  readonly map: readonly number[]
  /** Attention mask `[B, S]`. */
  readonly mask: Value
  /** Seed of the projection. */
  readonly seed: number
}

type TapKind = 'scores' | 'query' | 'key' | 'value'

interface Sides extends InnerLosses {
  readonly b: GraphBuilder
}

/** What a value costs, by name. */
const losses = {
  /** TinyBERT, equation 9: what enters the first layer. */
  embeddings: (s: Sides) => hidden(s, 0, 0),
  /** TinyBERT, equation 8: behind every layer. */
  hidden: (s: Sides) =>
    sum(
      s,
      s.map.map((teacher, layer) => hidden(s, layer + 1, teacher + 1)),
    ),
  /** TinyBERT, equation 7: scores before softmax, head by head. */
  scores: (s: Sides) =>
    sum(
      s,
      s.map.map((teacher, layer) =>
        scoreError(
          s.b,
          inside(s, 'student', 'scores', layer),
          inside(s, 'teacher', 'scores', teacher),
          s.mask,
        ),
      ),
    ),
  /** DistilBERT: the direction of the last states. */
  cosine: (s: Sides) =>
    hiddenCosine(
      s.b,
      stateOf(s.student, s.student.layers),
      stateOf(s.teacher, s.teacher.layers),
      s.mask,
    ),
  /** MiniLM: the last layer's attention. */
  attention: (s: Sides) => relation(s, 'query', 'key'),
  /** MiniLM: products of values with values. */
  values: (s: Sides) => relation(s, 'value', 'value'),
  /** MiniLMv2: queries, keys and values, each with themselves, in heads that both sides have. */
  relations: (s: Sides) =>
    sum(
      s,
      (['query', 'key', 'value'] as const).map((kind) => relation(s, kind, kind, sharedHeads(s))),
    ),
} satisfies Record<string, (sides: Sides) => Value>

export type InnerLoss = keyof typeof losses

/** What has to be alike on both sides. */
const alike: Readonly<Record<InnerLoss, 'width' | 'heads' | undefined>> = {
  embeddings: undefined,
  hidden: undefined,
  scores: 'heads',
  cosine: 'width',
  attention: 'heads',
  values: 'heads',
  relations: undefined,
}

/** @throws LimbeckError `usage` where a loss cannot be taken between these two. */
export function checkInner(
  name: InnerLoss,
  { student, teacher }: Pick<InnerLosses, 'student' | 'teacher'>,
): void {
  const what = alike[name]
  if (what === undefined || student[what] === teacher[what]) return
  const text = { width: 'hidden size', heads: 'number of attention heads' }[what]
  throw new LimbeckError(
    'usage',
    `the loss of ${name} needs a student with the ${text} of its teacher, ${teacher[what]}; it has ${student[what]}.`,
    { hint: 'Take a student by layers, such as every-second, or --method minilmv2 or logits.' },
  )
}

/** A loss between the layers of both. */
export const innerLoss = (b: GraphBuilder, name: InnerLoss, sides: InnerLosses): Value =>
  losses[name]({ ...sides, b })

const sum = ({ b }: Sides, terms: readonly Value[]): Value =>
  weightedSum(
    b,
    terms.map((loss) => ({ loss, weight: 1 })),
  )

function hidden(s: Sides, student: number, teacher: number): Value {
  const [own, given] = [stateOf(s.student, student), stateOf(s.teacher, teacher)]
  return hiddenError(
    s.b,
    own,
    given,
    s.mask,
    projectionTo(s.b, s.student.width, s.teacher.width, s.seed),
  )
}

function relation(s: Sides, left: TapKind, right: TapKind, heads?: number): Value {
  const of = (side: 'student' | 'teacher'): Relation => {
    const { layers, width } = s[side]
    const last = side === 'teacher' ? s.map.at(-1)! : layers - 1
    const vectors = (kind: TapKind) => {
      const x = inside(s, side, kind, last)
      return heads === undefined ? x : relationHeads(s.b, x, { width, heads })
    }
    return [vectors(left), vectors(right)]
  }
  return relationDivergence(s.b, of('student'), of('teacher'), s.mask)
}

/** MiniLMv2's 48 relation heads, or the most below that both widths can be split into. */
function sharedHeads({ student, teacher }: Sides): number {
  let heads = 48
  while (student.width % heads > 0 || teacher.width % heads > 0) heads--
  return heads
}

const stateOf = ({ taps }: InnerSide, layer: number): Value =>
  found(taps.get(`hidden.${layer}`), `hidden state ${layer}`)

/** A value inside a layer; families name layers in order. */
function inside(s: Sides, side: 'student' | 'teacher', kind: TapKind, layer: number): Value {
  const all = [...s[side].taps].filter(([name]) => name.endsWith(`.${kind}`))
  return found(all[layer]?.[1], `${kind} of layer ${layer}`)
}

function found(value: Value | undefined, what: string): Value {
  if (value) return value
  throw new LimbeckError('graph', `the ${what} cannot be read in this model.`, {
    hint: 'Take --method logits.',
  })
}
