/**
 * What a row of the gradient table gets and gives.
 *
 * A row turns the gradients of a node's outputs into those of its inputs, as graph nodes. It may give a
 * gradient in the broadcast shape: the walker alone sums broadcasts and accumulates.
 */
import { LimbeckError } from '../../errors.ts'
import type { Node, Value } from '../../graph/graph.ts'
import type { GradBuilder } from './grad-builder.ts'

export interface GradContext {
  readonly node: Node
  readonly inputs: readonly (Value | undefined)[]
  readonly outputs: readonly (Value | undefined)[]
  /** Gradients of the loss by the outputs; undefined where an output does not reach the loss. */
  readonly outputGradients: readonly (Value | undefined)[]
  /** Gradient of the first output. */
  readonly dy: Value
  readonly g: GradBuilder
  /** True when somebody needs the gradient of this input. */
  wants(input: number): boolean
  /** An optional output of the forward node, asked for if it was not. */
  extraOutput(index: number): Value
}

/** Gradients of the inputs, in order; undefined is no gradient. */
export type GradRow = (context: GradContext) => readonly (Value | undefined)[]

/** No gradient flows through: the result is integers, booleans, a shape, or steps. */
export interface Stops {
  readonly stops: string
}
/** A gradient would be needed and is not ours to give: asking for it is an error with this reason. */
export interface NonDifferentiable {
  readonly nonDifferentiable: string
}

/** What comes in is passed on as it is: the estimate of a rounding's gradient (Bengio et al. 2013). */
export interface StraightThrough {
  readonly straightThrough: string
}

export const stops = (reason: string): Stops => ({ stops: reason })
export const nonDifferentiable = (reason: string): NonDifferentiable => ({
  nonDifferentiable: reason,
})

export const straightThrough = (reason: string): StraightThrough => ({ straightThrough: reason })

export type GradEntry = GradRow | Stops | NonDifferentiable | StraightThrough

/** An error about a gradient; the walker adds the node. */
export const gradientError = (what: string): LimbeckError => new LimbeckError('graph', what)
