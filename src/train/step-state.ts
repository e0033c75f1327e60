/**
 * What a training step reads and writes: pairs of a graph input and a graph output.
 *
 * The host keeps two sets of these tensors. A step reads one and writes the other; then they change
 * places. So no run ever writes what it still reads, and a step that went wrong has spoilt nothing.
 */
import type { GraphBuilder } from '../graph/builder.ts'
import type { HostTensor } from '../graph/data-type.ts'
import type { Value } from '../graph/graph.ts'
import type { Tensor } from '../graph/tensor.ts'

/**
 * `m`, `v`: the optimizer's; `sum`: gradients of micro-batches; `ema`: the weights' moving average; `range`:
 * the averaged ranges of activations that are quantized, `[n, 2]`; `statistic`: what BatchNormalization averages.
 */
export type StateKind = 'parameter' | 'm' | 'v' | 'ema' | 'sum' | 'range' | 'statistic'

export interface StateTensor {
  readonly kind: StateKind
  /** The parameter that it is of; `activations` for ranges. */
  readonly name: string
  readonly shape: readonly number[]
  /** The shape of its ports: what is of a large parameter comes and goes in blocks. */
  readonly port: readonly number[]
  /** Graph input with its value before the step. */
  readonly input: string
  /** Graph output with its value after it. */
  readonly output: string
  /** Its first value; zeros where absent. */
  readonly initial: Tensor | undefined
}

/** A trained parameter in the graph. */
export interface Trained {
  readonly name: string
  readonly value: Value
  readonly tensor: Tensor
}

/** What a state tensor is called among a graph's inputs and outputs. */
export const inputName = (kind: StateKind, name: string): string => `${kind}/${name}`
export const outputName = (kind: StateKind, name: string): string => `next/${kind}/${name}`

/** Where kinds of state begin: at the parameter's own value, or at zero. */
const beginsAtWeight: ReadonlySet<StateKind> = new Set(['parameter', 'ema', 'statistic'])

/** The state of a step, in the order in which it is declared. */
export class StepState {
  readonly tensors: StateTensor[] = []
  private readonly known = new Map<string, StateTensor>()

  /** Declares a state tensor. */
  add(kind: StateKind, { name, tensor }: Trained, port = tensor.shape): StateTensor {
    const known = this.known.get(inputName(kind, name))
    if (known) return known
    const state = {
      kind,
      name,
      shape: tensor.shape,
      port,
      input: inputName(kind, name),
      output: outputName(kind, name),
      initial: beginsAtWeight.has(kind) ? tensor : undefined,
    }
    this.tensors.push(state)
    this.known.set(state.input, state)
    return state
  }

  /** Declares one that is of no parameter, with its first value. */
  addOwn(kind: StateKind, name: string, initial: Tensor): void {
    const [input, output] = [inputName(kind, name), outputName(kind, name)]
    const { shape } = initial
    this.tensors.push({ kind, name, shape, port: shape, input, output, initial })
  }

  /** Declares one as input of the graph that `b` writes, and says how to give its new value. */
  read(
    b: GraphBuilder,
    kind: StateKind,
    trained: Trained,
    shaped?: readonly number[],
  ): { before: Value; give(after: Value): void } {
    const { input, output, port } = this.add(kind, trained, shaped)
    return { before: b.input(input, 'float32', port), give: (after) => b.output(output, after) }
  }
}

/** Scalar inputs whose values follow from where the step stands. */
export class StepScalars<At> {
  private readonly rules = new Map<string, (at: At) => number>()

  /** The rule of a scalar input that another writes. */
  rule(name: string, rule: (at: At) => number): void {
    this.rules.set(name, rule)
  }

  /** Declares a scalar input in the graph that `b` writes. */
  input(b: GraphBuilder, name: string, rule: (at: At) => number): Value {
    this.rules.set(name, rule)
    return b.input(name, 'float32', [])
  }

  /** The feeds of one step. */
  feeds(at: At): Record<string, HostTensor> {
    return Object.fromEntries(
      [...this.rules].map(([name, rule]) => {
        const data = Float32Array.of(rule(at))
        return [name, { dtype: 'float32', shape: [], data }]
      }),
    )
  }
}
