/** Two models compared tensor by tensor, as data: what the terminal, `--json` and the page show. */
import type { Fidelity } from '../data/fidelity.ts'

/** How far one tensor is from another. */
export interface TensorError {
  /** Decibels of the first model's values over the difference; null where there is none, or no number for it. */
  readonly sqnr: number | null
  readonly cosine: number
  /** √(Σ(a−b)² / Σa²). */
  readonly relative: number
  readonly maxAbs: number
  /** Share of the values with |a−b| > t·(1 + |a|). */
  readonly outside: number
  /** Values that are not finite in one of the two alone. */
  readonly nonFinite: number
}

/** A tensor that both models compute. */
export interface ComparedTensor extends TensorError {
  /** Module path, by the file or by structure; of an output, its name. */
  readonly name: string
  readonly kind: string
  /** What each graph calls it. */
  readonly a: string
  readonly b: string
  /** Values compared, padding left out. */
  readonly values: number
  /** The same when all that flows in is the first model's: what is added here. */
  readonly added: TensorError | undefined
  /** Largest relative error of what flows in; 0 where nothing compared does. */
  readonly inherited: number
  /** One of the two computes the first token alone, and that is what was compared. */
  readonly firstToken: boolean
  /** The second model holds it in another scale for each column, which the layers behind undo. */
  readonly rescaled: boolean
}

/** A tensor of one model that the other lacks. */
export interface UnmatchedTensor {
  readonly name: string
  readonly kind: string
  readonly tensor: string
  readonly why: string
}

export interface ComparedSide {
  /** As it was named; of a folder with the file that ran. */
  readonly model: string
  readonly file: string | undefined
  /** Layers that were recognised. */
  readonly layers: number
  readonly unmatched: readonly UnmatchedTensor[]
}

export interface Comparison {
  readonly a: ComparedSide
  readonly b: ComparedSide
  /** In the order of computation. */
  readonly tensors: readonly ComparedTensor[]
  /** Place in `tensors` of the first that adds more than the tolerance by itself. */
  readonly first: number | undefined
  /** Places in `tensors` of those that add most, the worst first; at most ten. */
  readonly worst: readonly number[]
  /** The answers of texts, where both models answer the same task. */
  readonly answers: Fidelity | undefined
  readonly tolerance: number
  /** Texts, or rows of made-up inputs. */
  readonly samples: number
  /** Real tokens of the texts; absent for made-up inputs. */
  readonly tokens: number | undefined
  /** What matters for reading the figures; a sentence each. */
  readonly notes: readonly string[]
  readonly seconds: number
}
