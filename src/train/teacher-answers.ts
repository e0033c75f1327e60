/**
 * What is learned from a teacher's answers, by kind of answer: one of a text, one of a token, where an answer
 * begins and ends, the masked tokens' words, sentence vectors.
 */
import { int, ints } from '../graph/attributes.ts'
import type { GraphBuilder } from '../graph/builder.ts'
import type { Value } from '../graph/graph.ts'
import { floatScalar } from '../graph/tensor.ts'
import { unitRows } from './embedding-losses.ts'
import { type Projection, vectorCosine } from './layer-losses.ts'
import { binaryCrossEntropy, labelledPlaces } from './losses.ts'
import { keyBias, realTokens } from './masked-mean.ts'
import { divergence, logitError, type SoftLabels, softCrossEntropy } from './soft-label-losses.ts'

/** How answers are drawn to the teacher's. */
export type AnswerLoss = 'divergence' | 'soft-labels' | 'error' | 'cosine'

/** What a task answers with. */
export type AnswerKind =
  | 'classes'
  | 'independent'
  | 'numbers'
  | 'tokens'
  | 'spans'
  | 'masked'
  | 'vectors'

/** How a teacher's answers come as data: a row for each text or token, split over these outputs. */
export interface AnswerRows {
  readonly per: 'text' | 'token'
  readonly outputs: readonly string[]
}

/**
 * Answers that are the same in every epoch, and so can be given as data. Of masked words they are not: other
 * tokens are masked each time.
 */
export const answerRows: Readonly<Partial<Record<AnswerKind, AnswerRows>>> = {
  classes: { per: 'text', outputs: ['logits'] },
  independent: { per: 'text', outputs: ['logits'] },
  numbers: { per: 'text', outputs: ['logits'] },
  tokens: { per: 'token', outputs: ['logits'] },
  spans: { per: 'token', outputs: ['start_logits', 'end_logits'] },
  vectors: { per: 'text', outputs: ['sentence_embedding'] },
}

/** The input that an output of the teacher comes in by. */
export const answerInput = (output: string): string => `teacher/${output}`

/** The teacher's outputs as inputs; rows are `width` wide, over all outputs together. */
export function givenAnswers(
  b: GraphBuilder,
  { per, outputs }: AnswerRows,
  width: number,
): Record<string, Value> {
  const rows = per === 'text' ? ['batch_size'] : ['batch_size', 'sequence_length']
  const shape = outputs.length > 1 ? rows : [...rows, width]
  return Object.fromEntries(
    outputs.map((name) => [name, b.input(answerInput(name), 'float32', shape)]),
  )
}

export interface AnswerSides {
  readonly student: Readonly<Record<string, Value>>
  readonly teacher: Readonly<Record<string, Value>>
  readonly mask: Value
  /** Of masked words: what was asked. */
  readonly labels?: Value | undefined
  readonly loss: AnswerLoss
  readonly temperature: number
  /** Of vectors whose widths differ: what brings the student's to the teacher's. */
  readonly projection?: Projection | undefined
}

const soft = (
  b: GraphBuilder,
  student: Value,
  labels: SoftLabels & { logits: Value },
  s: AnswerSides,
): Value => {
  const { temperature } = s
  if (s.loss === 'error') return logitError(b, student, labels.logits, labels.real)
  return s.loss === 'divergence'
    ? divergence(b, student, labels, { temperature })
    : softCrossEntropy(b, student, labels, { temperature })
}

const kinds: Readonly<Record<AnswerKind, (b: GraphBuilder, s: AnswerSides) => Value>> = {
  classes: (b, s) => soft(b, s.student.logits!, { logits: s.teacher.logits! }, s),
  independent: (b, s) =>
    s.loss === 'error'
      ? logitError(b, s.student.logits!, s.teacher.logits!)
      : binaryCrossEntropy(b, s.student.logits!, b.op('Sigmoid', [s.teacher.logits!])),
  numbers: (b, s) => logitError(b, s.student.logits!, s.teacher.logits!),
  tokens: (b, s) =>
    soft(b, s.student.logits!, { logits: s.teacher.logits!, real: realTokens(b, s.mask) }, s),
  spans: (b, s) => {
    // padding is no place for an answer
    const bias = b.op('Squeeze', [keyBias(b, realTokens(b, s.mask)), b.int64s([1, 2], 'axes')])
    const placed = (x: Value) => b.op('Add', [x, bias])
    const of = (name: string) =>
      soft(
        b,
        placed(s.student[name]!),
        { logits: placed(s.teacher[name]!) },
        { ...s, loss: s.loss === 'error' ? 'divergence' : s.loss },
      )
    const both = b.op('Add', [of('start_logits'), of('end_logits')])
    return b.op('Mul', [both, b.constant(floatScalar(0.5), 'half')])
  },
  masked: (b, s) => {
    const rows = labelledPlaces(b, b.op('Reshape', [s.labels!, b.int64s([-1])]))
    const at = (x: Value) => b.op('Gather', [b.op('Flatten', [x], { axis: int(-1) }), rows])
    return soft(b, at(s.student.logits!), { logits: at(s.teacher.logits!) }, s)
  },
  vectors: (b, s) => {
    if (s.loss === 'cosine') {
      const [own, theirs] = [s.student.sentence_embedding!, s.teacher.sentence_embedding!]
      return vectorCosine(b, own, theirs, s.projection)
    }
    const [own, theirs] = [s.student, s.teacher].map((side) =>
      similarities(b, side.sentence_embedding!),
    )
    const error = b.op('Sub', [own!, theirs!])
    return b.op('ReduceMean', [b.op('Mul', [error, error])], { keepdims: int(0) })
  },
}

/** The loss of the student's answers. */
export const answerLoss = (b: GraphBuilder, kind: AnswerKind, sides: AnswerSides): Value =>
  b.scope('loss', () => kinds[kind](b, sides))

/** Cosines among the texts of a batch `[B, B]`: they know nothing of the vectors' width. */
function similarities(b: GraphBuilder, rows: Value): Value {
  const unit = unitRows(b, rows)
  return b.op('MatMul', [unit, b.op('Transpose', [unit], { perm: ints([1, 0]) })])
}
