/**
 * The second half of a training step: from gradients to new weights.
 *
 * All gradients are scaled down together when their norm is too long (Pascanu et al. 2013, with the ε that
 * PyTorch adds), then each parameter goes through the optimizer and its moving average.
 */
import { int } from '../graph/attributes.ts'
import type { GraphBuilder } from '../graph/builder.ts'
import type { Value } from '../graph/graph.ts'
import { floatScalar } from '../graph/tensor.ts'
import { type Group, type Optimizer, optimizerRule, type StepPlace } from './optimizer.ts'
import type { StepScalars, StepState, Trained } from './step-state.ts'

/** Where a step stands, and what it needs besides data. */
export interface StepSettings extends StepPlace {
  /** Share of this micro-batch in its step; default 1. */
  readonly weight?: number
  /** Number of this micro-batch in its step, from 0: each has dropout masks of its own. */
  readonly micro?: number
  /** Decay of the ranges of quantized activations; the first batch sets them. Default 0.99. */
  readonly rangeDecay?: number
  /** Decay of the weights' moving average; default 0.999. */
  readonly emaDecay?: number
}

/** A parameter with its gradient. */
export interface Learning extends Trained {
  readonly gradient: Value
  readonly group: Group
  /** Its state in blocks, of a large one: what the update reads and writes is neither cut nor put together. */
  readonly blocks: readonly number[] | undefined
  /** As it comes in: in blocks, or `value` itself. */
  readonly port: Value
}

export interface UpdateOptions {
  readonly optimizer: Optimizer
  readonly clip: number | undefined
  readonly ema: boolean
}

/** Outputs of a step besides state: scalars, and the squared norm of each gradient. */
export const stepOutputs = {
  loss: 'loss',
  gradientNorm: 'gradient_norm',
  gradientSquares: 'gradient_squares',
} as const

const whole = { keepdims: int(0) }

/** Squared norms `[P]` and the norm of all together; outputs of the step. */
function norms(b: GraphBuilder, parameters: readonly Learning[]): Value {
  const first = b.int64s([0], 'axis')
  const squares = parameters.map(({ gradient }) =>
    b.op('Unsqueeze', [b.op('ReduceSumSquare', [gradient], whole), first]),
  )
  const all = b.op('Concat', squares, { axis: int(0) })
  const norm = b.op('Sqrt', [b.op('ReduceSum', [all], whole)])
  b.output(stepOutputs.gradientSquares, all)
  b.output(stepOutputs.gradientNorm, norm)
  return norm
}

/** min(1, clip/(norm + 1e-6)) */
function clipScale(b: GraphBuilder, norm: Value, clip: number): Value {
  const safe = b.op('Add', [norm, b.constant(floatScalar(1e-6), 'epsilon')])
  const ratio = b.op('Div', [b.constant(floatScalar(clip), 'clip'), safe])
  return b.op('Min', [ratio, b.constant(floatScalar(1), 'one')])
}

/** Writes the update of every parameter; the weights are inputs already. */
export function writeUpdate(
  b: GraphBuilder,
  parameters: readonly Learning[],
  state: StepState,
  scalars: StepScalars<StepSettings>,
  { optimizer, clip, ema }: UpdateOptions,
): void {
  const rule = optimizerRule(optimizer)
  const norm = norms(b, parameters)
  const scale = clip === undefined ? undefined : clipScale(b, norm, clip)
  const groups = new Map<string, Map<string, Value>>()
  /** A scalar of a group, declared by the first parameter that asks for it. */
  const setting = (group: Group, name: string): Value => {
    const key = `${group.decay ? 'decay' : 'plain'}.${group.rate}`
    const own = groups.get(key) ?? groups.set(key, new Map()).get(key)!
    const known = own.get(name)
    if (known) return known
    const value = scalars.input(
      b,
      `setting/${key}/${name}`,
      (at) => rule.settings(group, at)[name]!,
    )
    own.set(name, value)
    return value
  }
  const average = ema
    ? scalars.input(b, 'setting/ema', ({ emaDecay = 0.999 }) => 1 - emaDecay)
    : undefined
  for (const parameter of parameters) {
    b.scope(`update.${parameter.name}`, () => {
      const { group, gradient, blocks, port: weight } = parameter
      const own = blocks ? b.op('Reshape', [gradient, b.int64s(blocks)]) : gradient
      const mean = average && state.read(b, 'ema', parameter, blocks)
      const slots = new Map(
        rule.slots.map((slot) => [slot, state.read(b, slot, parameter, blocks)]),
      )
      const after = rule.update(b, {
        weight,
        gradient: scale ? b.op('Mul', [own, scale]) : own,
        group,
        slot: (slot) => slots.get(slot)!.before,
        setting: (name) => setting(group, name),
      })
      for (const [slot, { give }] of slots) give(after.slots[slot]!)
      b.output(state.add('parameter', parameter, blocks).output, after.weight)
      mean?.give(moveAverage(b, mean.before, after.weight, average!))
    })
  }
}

/** e ← e + (1−d)·(w − e) */
function moveAverage(b: GraphBuilder, before: Value, weight: Value, share: Value): Value {
  const step = b.op('Mul', [b.op('Sub', [weight, before]), share])
  return b.op('Add', [before, step])
}
