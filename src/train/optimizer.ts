/**
 * Update rules as graphs: AdamW (Loshchilov and Hutter 2019) and SGD with momentum, a table of two rows.
 *
 * What changes from step to step (learning rate, bias corrections) comes in as scalars that `settings`
 * computes in double precision; the rest is constants. AdamW keeps M = m/(1−β₁) and V = v/(1−β₂), which
 * saves two passes over memory; the factors go into the scalars.
 */
import type { GraphBuilder } from '../graph/builder.ts'
import type { Value } from '../graph/graph.ts'
import { floatScalar } from '../graph/tensor.ts'

export interface AdamW {
  readonly type: 'adamw'
  /** Default 0.9 and 0.999. */
  readonly betas?: readonly [number, number]
  /** Default 1e-8. */
  readonly epsilon?: number
  /** λ of the groups that decay, default 0.01. */
  readonly weightDecay?: number
}

export interface Sgd {
  readonly type: 'sgd'
  /** Default 0.9; 0 keeps no state. */
  readonly momentum?: number
  readonly nesterov?: boolean
  /** λ of the groups that decay, default 0; added to the gradient. */
  readonly weightDecay?: number
}

export type Optimizer = AdamW | Sgd

/** What an optimizer keeps of each parameter between steps. */
export type Slot = 'm' | 'v'

/** What parameters with the same settings share. */
export interface Group {
  /** True when weight decay holds for it. */
  readonly decay: boolean
  /** Factor of the learning rate. */
  readonly rate: number
}

/** Where a step stands. */
export interface StepPlace {
  /** Number of the update, from 1. */
  readonly step: number
  readonly learningRate: number
}

/** A parameter before the update. */
export interface Before {
  readonly weight: Value
  readonly gradient: Value
  readonly group: Group
  slot(slot: Slot): Value
  /** A scalar that `settings` names. */
  setting(name: string): Value
}

/** The same after it. */
export interface After {
  readonly weight: Value
  readonly slots: Readonly<Partial<Record<Slot, Value>>>
}

interface Rule<O extends Optimizer> {
  slots(options: O): readonly Slot[]
  /** The scalars of one step for a group. */
  settings(options: O, group: Group, place: StepPlace): Readonly<Record<string, number>>
  update(b: GraphBuilder, options: O, before: Before): After
}

const constant = (b: GraphBuilder, value: number): Value =>
  b.constant(floatScalar(value), `${value}`)
const add = (b: GraphBuilder, x: Value, y: Value): Value => b.op('Add', [x, y])
const sub = (b: GraphBuilder, x: Value, y: Value): Value => b.op('Sub', [x, y])
const mul = (b: GraphBuilder, x: Value, y: Value | number): Value =>
  b.op('Mul', [x, typeof y === 'number' ? constant(b, y) : y])

/** w ← w·(1−ηλ) − η·m̂/(√v̂ + ε), m̂ = m/(1−β₁ᵗ), v̂ = v/(1−β₂ᵗ): w·keep − size·M/(√V + epsilon) */
const adamw: Rule<AdamW> = {
  slots: () => ['m', 'v'],
  settings({ betas = [0.9, 0.999], epsilon = 1e-8, weightDecay = 0.01 }, group, place) {
    const rate = place.learningRate * group.rate
    const [first, second] = betas.map((beta) => 1 - beta ** place.step) as [number, number]
    const root = Math.sqrt(second / (1 - betas[1]))
    return {
      size: (rate * (1 - betas[0]) * root) / first,
      epsilon: epsilon * root,
      ...(group.decay && { keep: 1 - rate * weightDecay }),
    }
  },
  update(b, { betas = [0.9, 0.999] }, { weight, gradient, group, slot, setting }) {
    const m = add(b, mul(b, slot('m'), betas[0]), gradient)
    const v = add(b, mul(b, slot('v'), betas[1]), mul(b, gradient, gradient))
    const spread = add(b, b.op('Sqrt', [v]), setting('epsilon'))
    const change = mul(b, b.op('Div', [m, spread]), setting('size'))
    const kept = group.decay ? mul(b, weight, setting('keep')) : weight
    return { weight: sub(b, kept, change), slots: { m, v } }
  },
}

/** d = g + λw; m ← μm + d; w ← w − η·m; Nesterov: w − η·(d + μm) */
const sgd: Rule<Sgd> = {
  slots: ({ momentum = 0.9 }) => (momentum === 0 ? [] : ['m']),
  settings: (_, group, { learningRate }) => ({ size: learningRate * group.rate }),
  update(b, options, { weight, gradient, group, slot, setting }) {
    const { momentum = 0.9, weightDecay = 0, nesterov = false } = options
    const decays = group.decay && weightDecay !== 0
    const d = decays ? add(b, gradient, mul(b, weight, weightDecay)) : gradient
    const m = momentum === 0 ? undefined : add(b, mul(b, slot('m'), momentum), d)
    const direction = m === undefined ? d : nesterov ? add(b, d, mul(b, m, momentum)) : m
    return {
      weight: sub(b, weight, mul(b, direction, setting('size'))),
      slots: m ? { m } : {},
    }
  },
}

const rules = { adamw, sgd } as const

/** The rule of an optimizer with its options bound. */
export function optimizerRule(optimizer: Optimizer): {
  readonly slots: readonly Slot[]
  settings(group: Group, place: StepPlace): Readonly<Record<string, number>>
  update(b: GraphBuilder, before: Before): After
} {
  const rule = rules[optimizer.type] as Rule<Optimizer>
  return {
    slots: rule.slots(optimizer),
    settings: (group, place) => rule.settings(optimizer, group, place),
    update: (b, before) => rule.update(b, optimizer, before),
  }
}
