/**
 * The loss of a student beside its frozen teacher, both in one graph, or with the teacher's answers as inputs.
 * Nothing flows back to the teacher, whose weights are constants; what nothing reads of it is not run.
 */
import type { GraphBuilder } from '../graph/builder.ts'
import type { Graph, Value } from '../graph/graph.ts'
import { floatScalar } from '../graph/tensor.ts'
import type { TextDims } from '../models/family.ts'
import type { DistillMethod } from './distill-methods.ts'
import { inlineGraph } from './inline-graph.ts'
import { checkInner, type InnerLoss, type InnerSide, innerLoss } from './inner-losses.ts'
import { weightedSum } from './layer-losses.ts'
import { projectionTo } from './projection.ts'
import { type AnswerKind, type AnswerRows, answerLoss, givenAnswers } from './teacher-answers.ts'

/** Input: 1 while inner layers are learned from, 0 afterwards. */
export const STAGE = 'distillation/inner'

type Dims = Pick<TextDims, 'layers' | 'hidden' | 'heads'>

export interface DistillLossOptions {
  readonly method: DistillMethod
  readonly teacher: { readonly dims: Dims; readonly graph: Graph }
  readonly student: Dims
  readonly map: readonly number[]
  readonly kind: AnswerKind
  /** The teacher's answers come as inputs, in rows of this width; the method then reads no inner layer. */
  readonly given?: { readonly rows: AnswerRows; readonly width: number } | undefined
  /** Widths of sentence vectors, where they are what is learned. */
  readonly widths?: { readonly student: number; readonly teacher: number } | undefined
  readonly seed: number
  /** The task's own loss. */
  readonly ownLoss: (b: GraphBuilder, outputs: Readonly<Record<string, Value>>) => Value
}

/** Refuses what a method cannot do between these two. */
export function checkDistillation(method: DistillMethod, teacher: Dims, student: Dims): void {
  const sides = { student: sideOf(student), teacher: sideOf(teacher) }
  for (const name of Object.keys(method.inner)) checkInner(name as InnerLoss, sides)
}

const sideOf = (
  { layers, hidden: width, heads }: Dims,
  taps: InnerSide['taps'] = new Map(),
): InnerSide => ({
  ...{ layers, width, heads, taps },
})

/** Writes the loss behind the student. */
export function distillLoss(
  b: GraphBuilder,
  outputs: Readonly<Record<string, Value>>,
  graph: Graph,
  options: DistillLossOptions,
): Value {
  const { method, map, kind, seed, given: data, widths } = options
  const given = new Map(graph.inputs.map(({ name, value }) => [name, value]))
  const added = () => new Map(b.build().inputs.map(({ name, value }) => [name, value]))
  const mask = given.get('attention_mask')!
  // labels first: they are then an input that masked words are found by
  const labels = method.labels > 0 || kind === 'masked' ? options.ownLoss(b, outputs) : undefined
  const input = (name: string): Value =>
    given.get(name) ??
    added().get(name) ??
    b.input(name, 'int64', ['batch_size', 'sequence_length'])
  const teacher = data
    ? { outputs: givenAnswers(b, data.rows, data.width), taps: new Map<string, Value>() }
    : inlineGraph(b, options.teacher.graph, 'teacher', input)
  const projection =
    widths && method.answers.loss === 'cosine'
      ? projectionTo(b, widths.student, widths.teacher, seed)
      : undefined
  const answers = answerLoss(b, kind, {
    ...{ student: outputs, teacher: teacher.outputs, mask, labels: added().get('labels') },
    ...{ loss: method.answers.loss, temperature: method.answers.temperature },
    projection,
  })
  const outer = weightedSum(b, [
    { loss: answers, weight: method.answers.weight },
    ...(labels && method.labels > 0 ? [{ loss: labels, weight: method.labels }] : []),
  ])
  const inner = Object.entries(method.inner)
  if (inner.length === 0) return outer
  const sides = {
    student: sideOf(options.student, graph.taps),
    teacher: sideOf(options.teacher.dims, teacher.taps),
    ...{ map, mask, seed },
  }
  const terms = inner.map(([name, weight]) => ({
    loss: innerLoss(b, name as InnerLoss, sides),
    weight,
  }))
  const inside = weightedSum(b, terms)
  if (!method.twoStages) return b.op('Add', [inside, outer])
  const stage = b.input(STAGE, 'float32', [])
  const rest = b.op('Sub', [b.constant(floatScalar(1), 'one'), stage])
  return b.op('Add', [b.op('Mul', [inside, stage]), b.op('Mul', [outer, rest])])
}
