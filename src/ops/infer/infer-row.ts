/**
 * What a row of the infer table gets and gives, and the few moves that most rows share.
 *
 * A type is element type, shape, and for small integer and boolean tensors what is known of their
 * contents: so a chain of Shape, Gather, Concat and Reshape is followed by value, symbols included.
 */
import type { DataType } from '../../graph/data-type.ts'
import type { Graph, Node, TensorType, Value } from '../../graph/graph.ts'
import { type Dim, type Shape, unifyDims } from '../../graph/shape.ts'

/** Contents of a small tensor, row-major; an element that is not known is undefined. */
export type KnownElements = readonly (Exclude<Dim, null> | undefined)[]

/** What is known of a value: its element type, its shape, and contents of shape-carrying tensors. */
export interface InferredType extends TensorType {
  /** Only for int64, int32 and bool tensors of at most KNOWN_LIMIT elements. */
  readonly known?: KnownElements | undefined
}

/** Contents are followed up to this many elements. */
export const KNOWN_LIMIT = 64

/** A node whose inputs cannot go together; the driver turns it into a problem. */
export class Contradiction extends Error {}

export interface InferContext {
  readonly node: Node
  /** Types of the inputs, in order; undefined for absent ones and for those not known. */
  readonly inputs: readonly (InferredType | undefined)[]
  /** Type of a value outside (what a subgraph captures). */
  lookup(value: Value): InferredType | undefined
  /** Infers a subgraph whose inputs have these types; gives the types of its outputs. */
  subgraph(
    graph: Graph,
    inputs: readonly (InferredType | undefined)[],
  ): readonly (InferredType | undefined)[]
}

/** Types of a node's outputs, in order. */
export type InferRow = (context: InferContext) => readonly (InferredType | undefined)[]

/** Stops with a contradiction. */
export function contradict(message: string): never {
  throw new Contradiction(message)
}

const carriesShapes: ReadonlySet<DataType> = new Set(['int64', 'int32', 'bool'])

/** A type; contents are kept only where they can carry shapes and are few. */
export function typed(
  dtype: DataType | undefined,
  shape?: Shape | undefined,
  known?: KnownElements | undefined,
): InferredType | undefined {
  if (!dtype) return undefined
  const kept =
    known &&
    carriesShapes.has(dtype) &&
    known.length <= KNOWN_LIMIT &&
    known.some((element) => element !== undefined)
  return kept ? { dtype, shape, known } : { dtype, shape }
}

/** The input's type without its contents. */
export const like = (type: InferredType | undefined): InferredType | undefined =>
  type && { dtype: type.dtype, shape: type.shape }

/** A dimension whose text may be unknown, as an element. */
export const element = (dim: Dim): Exclude<Dim, null> | undefined => dim ?? undefined

/** Elements as dimensions of a shape. */
export const asDims = (known: KnownElements): Dim[] => known.map((dim) => dim ?? null)

/** All contents when every one is a plain number. */
export function numbersOf(type: InferredType | undefined): number[] | undefined {
  const known = type?.known
  return known?.every((item) => typeof item === 'number') ? (known as number[]) : undefined
}

/** A rank-0 or one-element content. */
export const scalarOf = (type: InferredType | undefined): Exclude<Dim, null> | undefined =>
  type?.known?.length === 1 ? type.known[0] : undefined

/** `axis` counted from the front; out of range is a contradiction. */
export function axisOf(axis: number, rank: number): number {
  const found = axis < 0 ? axis + rank : axis
  if (found < 0 || found >= Math.max(rank, 1)) contradict(`axis ${axis} of a rank ${rank} tensor`)
  return found
}

/** Both accounts of a dimension, which must agree. */
export function agree(a: Dim, b: Dim, what: string): Dim {
  const dim = unifyDims(a, b)
  return dim === undefined ? contradict(`${what}: ${a} against ${b}`) : dim
}

/** Elements of a fully static shape. */
export const staticSize = (shape: Shape | undefined): number | undefined =>
  shape?.every((dim) => typeof dim === 'number')
    ? (shape as number[]).reduce((product, dim) => product * dim, 1)
    : undefined
