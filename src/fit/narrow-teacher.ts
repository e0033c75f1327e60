/**
 * A student's first weights from its teacher's: some layers, each of them narrower. What is looked at, and how much of
 * it a narrower axis keeps, follows from the second moments of what the teacher computes on texts.
 */
import { setImmediate as breath } from 'node:timers/promises'
import { LimbeckError } from '../errors.ts'
import { hostArray } from '../graph/data-type.ts'
import type { Graph } from '../graph/graph.ts'
import { inlineTensor, type ReadTensor, type Tensor } from '../graph/tensor.ts'
import type { TextDims } from '../models/family.ts'
import { layerOf, withLayer } from '../models/keep-layers.ts'
import { type Axis, parameterAxes } from '../models/parameter-axes.ts'
import { type Matrix, matrix } from '../stats/matrix.ts'
import { narrowHeads } from './narrow-heads.ts'
import { normFactor, principalState, slicedState } from './narrow-state.ts'
import { basisOf, largest, type Narrowing, narrowColumns, narrowRows } from './narrowing.ts'
import type { StudentInit } from './student-inits.ts'
import type { TeacherMoments } from './teacher-moments.ts'

/** By a basis, or by choosing places. */
export type Narrower = Exclude<StudentInit, 'random'>

export interface NarrowOptions {
  readonly how: Narrower
  /** The teacher's layers that the student's begin with. */
  readonly layers: readonly number[]
  readonly teacher: TextDims
  readonly student: TextDims
  readonly moments: TeacherMoments
  readonly read: ReadTensor
  readonly signal?: AbortSignal | undefined
}

type Narrowings = Partial<Record<Axis, Narrowing>>

/** The student's parameters, under the names that the teacher's have. */
export async function narrowTeacher(
  graph: Graph,
  options: NarrowOptions,
): Promise<ReadonlyMap<string, Tensor>> {
  const { how, layers, student, moments, read } = options
  const state = (how === 'svd' ? principalState : slicedState)(moments.state, student.hidden)
  const gain = normFactor(moments.state, state)
  const { pooled } = moments
  const outside = { state, pooled: pooled ? { places: largest(pooled, student.hidden) } : state }
  const values = parameterValues(graph, read)
  // a layer's heads take seconds, a large table one: progress and Ctrl-C come in between
  const pause = async (): Promise<void> => {
    await breath()
    if (options.signal?.aborted) throw new LimbeckError('cancelled', 'cancelled.')
  }
  const inside = new Map<number, Narrowings>()
  for (const layer of layers) {
    await pause()
    inside.set(layer, { ...outside, ...layerNarrowings(values, layer, options) })
  }
  const own = new Map<string, Tensor>()
  for (const [name, { tensor, matrix }] of values) {
    await pause()
    const layer = layerOf(name)
    const narrowings: Narrowings | undefined = layer === undefined ? outside : inside.get(layer)
    if (!narrowings) continue
    const axes = parameterAxes(name)
    if (!axes) {
      throw new LimbeckError('input', `it is not known how to make ${name} narrower.`, {
        hint: 'Begin with drawn weights: --init random.',
      })
    }
    const narrowed =
      axes === 'norm'
        ? narrowNorm(matrix(), state, gain, /(weight|gamma)$/.test(name))
        : narrowColumns(narrowRows(matrix(), narrowings[axes[0]!]), narrowings[axes[1] ?? 'kept'])
    const shape = tensor.shape.length === 1 ? [narrowed.rows] : [narrowed.rows, narrowed.columns]
    const place = layer === undefined ? undefined : layers.indexOf(layer)
    own.set(
      withLayer(name, place),
      inlineTensor('float32', shape, Float32Array.from(narrowed.values)),
    )
  }
  return own
}

/** Parameters by name; their values are read when they are asked for. */
function parameterValues(graph: Graph, read: ReadTensor) {
  const found = new Map<string, { readonly tensor: Tensor; matrix(): Matrix }>()
  for (const { parameter, tensor } of graph.weights.values()) {
    if (!parameter) continue
    const [rows, columns = 1] = tensor.shape
    found.set(parameter.name, {
      tensor,
      matrix: () => matrix(rows!, columns, hostArray('float32', read(tensor)) as Float32Array),
    })
  }
  return found
}

/** The heads and neurons of a layer that are kept. */
function layerNarrowings(
  values: ReturnType<typeof parameterValues>,
  layer: number,
  { how, teacher, student, moments }: NarrowOptions,
): Narrowings {
  const { context, inner } = moments.layers.get(layer)!
  const own = [...values].filter(([name]) => layerOf(name) === layer)
  const part = (kind: 'weight' | 'bias', place: number, axis: Axis): Matrix =>
    own
      .find(([name]) => name.endsWith(`.${kind}`) && parameterAxes(name)?.[place] === axis)![1]
      .matrix()
  const linear = (axis: Axis) => ({
    weight: part('weight', 0, axis),
    bias: part('bias', 0, axis).values,
  })
  const heads = narrowHeads(
    {
      ...{ query: linear('query'), key: linear('key'), value: linear('value') },
      ...{ output: part('weight', 1, 'context'), state: moments.state, context },
    },
    { count: teacher.heads, width: teacher.hidden / teacher.heads },
    { count: student.heads, width: student.hidden / student.heads },
    how === 'slice',
  )
  return { ...heads, inner: { places: largest(inner, student.intermediate) } }
}

/** A norm's shift is a state; its scales are mixed by the squares of the basis, which for an axis is its own. */
function narrowNorm(values: Matrix, state: Narrowing, gain: number, isScale: boolean): Matrix {
  if (!isScale) return narrowRows(values, state)
  const basis = basisOf(state, values.rows)
  const squares = matrix(
    basis.rows,
    basis.columns,
    basis.values.map((x) => gain * x * x),
  )
  return narrowRows(values, { basis: squares })
}
