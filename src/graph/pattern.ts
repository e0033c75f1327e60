/**
 * Rules written twice in one notation: what to find, and what to write instead.
 *
 *   rule('gelu-erf', {
 *     match: (op, x) => op.Mul(op.Mul(x.in, op.Add(op.Erf(op.Div(x.in, op.number(Math.SQRT2))), op.number(1))), op.number(0.5)),
 *     rewrite: (op, x) => op.Gelu(x.in),
 *   })
 *
 * The same letters mean the same value. Commutative operators match in both orders. A matched inner
 * value that is read elsewhere, or is a graph output, refuses the rewrite, unless it follows from weights
 * alone. `when` returns true or a sentence why not; the nearest miss is kept for `--explain`.
 */
import { invariant } from '../errors.ts'
import { equalAttributes } from './attributes.ts'
import { hostArray } from './data-type.ts'
import type { Attribute, Attributes, Node, Value } from './graph.ts'
import { type NodeRule, opKey, type RewriteContext } from './rewrite.ts'
import type { ReadTensor, Tensor } from './tensor.ts'

/** What a pattern may be: a letter, a number, or an operator applied to patterns. */
export type Pattern =
  | { readonly kind: 'any'; readonly name: string }
  | { readonly kind: 'weight'; readonly name: string }
  | { readonly kind: 'number'; readonly value: number; readonly tolerance: number }
  | { readonly kind: 'absent' }
  | { readonly kind: 'either'; readonly patterns: readonly Pattern[] }
  | {
      readonly kind: 'op'
      readonly key: string
      readonly inputs: readonly Pattern[]
      readonly attributes: AttributePattern
      readonly bind: string | undefined
    }

/** An attribute must equal the given one, or satisfy the predicate (undefined when it is absent). */
export type AttributePattern = Readonly<
  Record<string, Attribute | ((attribute: Attribute | undefined) => boolean)>
>

/** Letters of a pattern. */
export type Letters = Readonly<Record<string, Pattern>>
type PatternOp = (...inputs: (Pattern | AttributePattern)[]) => Pattern
/** The matching side's notation. */
export interface PatternNotation {
  readonly [op: string]: PatternOp
}
export interface PatternSpecials {
  /** A scalar (or one-element) constant of this value. */
  number(value: number, tolerance?: number): Pattern
  /** A constant or parameter. */
  weight(name: string): Pattern
  /** An optional input that is not given. */
  absent(): Pattern
  either(...patterns: Pattern[]): Pattern
  /** An operator of another domain. */
  of(domain: string, op: string, ...inputs: (Pattern | AttributePattern)[]): Pattern
  /** Names the node that the pattern matches, for `when` and `rewrite`. */
  as(name: string, pattern: Pattern): Pattern
}

/** What matched: values by letter, nodes by the name `as` gave them, and the anchor. */
export interface Matched {
  readonly values: Readonly<Record<string, Value>>
  readonly nodes: Readonly<Record<string, Node>>
  readonly anchor: Node
}

export interface RuleDefinition {
  match(op: PatternNotation & PatternSpecials, x: Letters): Pattern
  when?(
    x: Readonly<Record<string, Value>>,
    context: RewriteContext,
    matched: Matched,
  ): true | string
  rewrite(
    op: RewriteContext,
    x: Readonly<Record<string, Value>>,
    matched: Matched,
  ): Value | readonly (Value | undefined)[]
  /** Inner values may have other readers: the matched nodes then stay for those. */
  readonly shared?: boolean
}

const commutative = new Set(['Add', 'Mul', 'And', 'Or', 'Equal', 'Max', 'Min', 'Sum'])

const isPattern = (item: Pattern | AttributePattern): item is Pattern =>
  typeof (item as Pattern).kind === 'string'

function opPattern(key: string, items: readonly (Pattern | AttributePattern)[]): Pattern {
  const last = items.at(-1)
  const attributes = last && !isPattern(last) ? last : {}
  return { kind: 'op', key, inputs: items.filter(isPattern), attributes, bind: undefined }
}

const specials: PatternSpecials = {
  number: (value, tolerance = 1e-6) => ({ kind: 'number', value, tolerance }),
  weight: (name) => ({ kind: 'weight', name }),
  absent: () => ({ kind: 'absent' }),
  either: (...patterns) => ({ kind: 'either', patterns }),
  of: (domain, op, ...items) => opPattern(`${domain}::${op}`, items),
  as: (name, pattern) => {
    invariant(pattern.kind === 'op', 'only an operator pattern can be named')
    return { ...pattern, bind: name }
  },
}

const notation = new Proxy(specials as PatternNotation & PatternSpecials, {
  get: (target, key: string) =>
    key in target
      ? target[key]
      : (...items: (Pattern | AttributePattern)[]) => opPattern(key, items),
})
const letters: Letters = new Proxy({} as Record<string, Pattern>, {
  get: (_, name: string) => ({ kind: 'any', name }),
})

/** Makes a rule of a match and a rewrite in one notation. `read` gives the values of constants. */
export function rule(name: string, definition: RuleDefinition, read?: ReadTensor): NodeRule {
  const pattern = definition.match(notation, letters)
  const tops = pattern.kind === 'either' ? pattern.patterns : [pattern]
  const anchors = tops.map((top) => {
    invariant(top.kind === 'op', `rule ${name} must match an operator`)
    return top.key
  })
  return {
    name,
    anchors: [...new Set(anchors)],
    apply(anchor, context) {
      const match = new Match(context, anchor, read)
      if (!match.node(pattern, anchor, () => true)) {
        if (match.best > 1) context.miss(name, match.best, match.reason, match.at)
        return undefined
      }
      const matched = match.result()
      const exposed = definition.shared ? undefined : match.exposed()
      if (exposed) {
        context.miss(name, match.best, 'is read elsewhere', exposed)
        return undefined
      }
      const verdict = definition.when?.(matched.values, context, matched) ?? true
      if (verdict !== true) {
        context.miss(name, match.best + 1, verdict)
        return undefined
      }
      const result = definition.rewrite(context, matched.values, matched)
      return Array.isArray(result) ? result : [result as Value]
    },
  }
}

/** One attempt at a match: bindings with backtracking, and how far it got. */
class Match {
  best = 0
  reason = ''
  /** The value of which the reason speaks. */
  at: Value | undefined
  private failed = { depth: 0, isNumber: false }
  private readonly values = new Map<string, Value>()
  private readonly named = new Map<string, Node>()
  private readonly inner: Node[] = []
  private readonly context: RewriteContext
  private readonly anchor: Node
  private readonly read: ReadTensor | undefined

  constructor(context: RewriteContext, anchor: Node, read: ReadTensor | undefined) {
    this.context = context
    this.anchor = anchor
    this.read = read
  }

  result(): Matched {
    return {
      values: Object.fromEntries(this.values),
      nodes: Object.fromEntries(this.named),
      anchor: this.anchor,
    }
  }

  /** An inner value that someone outside the match reads; undefined when there is none. */
  exposed(): Value | undefined {
    const inside = new Map<Value, number>()
    for (const node of new Set(this.inner)) {
      for (const input of node.inputs) if (input) inside.set(input, (inside.get(input) ?? 0) + 1)
    }
    for (const node of new Set(this.inner)) {
      if (node === this.anchor) continue
      if (node.inputs.every((input) => !input || this.context.weight(input))) continue
      for (const output of node.outputs) {
        if (output && this.context.uses(output) > (inside.get(output) ?? 0)) return output
      }
    }
    return undefined
  }

  /** Matches a node against an operator pattern, then goes on with `rest`. */
  node(pattern: Pattern, node: Node, rest: () => boolean): boolean {
    if (pattern.kind === 'either') return pattern.patterns.some((p) => this.node(p, node, rest))
    if (pattern.kind !== 'op' || pattern.key !== opKey(node)) return false
    if (!matchesAttributes(pattern.attributes, node.attributes)) {
      return this.fail(`attributes of ${node.op} differ`, node.outputs[0])
    }
    this.inner.push(node)
    this.best = Math.max(this.best, this.inner.length)
    const before = pattern.bind === undefined ? undefined : this.named.get(pattern.bind)
    if (pattern.bind !== undefined) this.named.set(pattern.bind, node)
    const orders =
      commutative.has(opKey(node)) && pattern.inputs.length === 2 && node.inputs.length === 2
        ? [node.inputs, [node.inputs[1], node.inputs[0]]]
        : [node.inputs]
    for (const inputs of orders) if (this.all(pattern.inputs, inputs, 0, rest)) return true
    this.inner.pop()
    if (pattern.bind !== undefined) {
      if (before) this.named.set(pattern.bind, before)
      else this.named.delete(pattern.bind)
    }
    return false
  }

  private all(
    patterns: readonly Pattern[],
    inputs: readonly (Value | undefined)[],
    i: number,
    rest: () => boolean,
  ): boolean {
    if (i === patterns.length) {
      return inputs.slice(i).every((input) => input === undefined) && rest()
    }
    return this.value(patterns[i]!, inputs[i], () => this.all(patterns, inputs, i + 1, rest))
  }

  private value(pattern: Pattern, value: Value | undefined, rest: () => boolean): boolean {
    if (pattern.kind === 'either') return pattern.patterns.some((p) => this.value(p, value, rest))
    if (pattern.kind === 'absent') return value === undefined && rest()
    if (!value) return this.fail('an input is absent')
    if (pattern.kind === 'number') {
      const found = scalarOf(this.context.weight(value)?.tensor, this.read)
      const tolerance = pattern.tolerance * Math.max(1, Math.abs(pattern.value))
      const near =
        found === pattern.value || Math.abs((found ?? Number.NaN) - pattern.value) <= tolerance
      if (near) return rest()
      const isNumber = found !== undefined
      return this.fail(
        `expected ${pattern.value}, found ${found ?? 'no constant'}`,
        value,
        isNumber,
      )
    }
    if (pattern.kind === 'op') {
      const producer = this.context.producer(value)
      if (!producer) {
        const found = this.context.weight(value) ? 'a weight' : 'an input'
        return this.fail(`expected ${pattern.key}, found ${found}`, value)
      }
      if (opKey(producer) !== pattern.key) {
        return this.fail(`expected ${pattern.key}, found ${opKey(producer)}`, value)
      }
      if (producer.outputs[0] !== value) return this.fail('is a later output', value)
      return this.node(pattern, producer, rest)
    }
    if (pattern.kind === 'weight' && !this.context.weight(value)) {
      return this.fail('expected a constant', value)
    }
    const bound = this.values.get(pattern.name)
    if (bound) return bound === value ? rest() : this.fail(`expected ${bound.name}`, value)
    this.values.set(pattern.name, value)
    if (rest()) return true
    this.values.delete(pattern.name)
    return false
  }

  /** Of two failures as far in, one over a number says more than one over another bracketing. */
  private fail(reason: string, at?: Value, isNumber = false): false {
    const depth = this.inner.length
    if (depth >= this.best && (depth > this.failed.depth || isNumber || !this.failed.isNumber)) {
      this.failed = { depth, isNumber }
      this.reason = reason
      this.at = at
    }
    return false
  }
}

function matchesAttributes(pattern: AttributePattern, attributes: Attributes): boolean {
  return Object.entries(pattern).every(([name, wanted]) =>
    typeof wanted === 'function'
      ? wanted(attributes[name])
      : equalAttributes(wanted, attributes[name]),
  )
}

/** The value of a one-element constant; undefined for anything else. */
export function scalarOf(tensor: Tensor | undefined, read?: ReadTensor): number | undefined {
  if (!tensor || tensor.shape.some((dim) => dim !== 1)) return undefined
  if (tensor.dtype === 'string' || tensor.dtype === 'float16' || tensor.dtype === 'bfloat16') {
    return undefined
  }
  const bytes = tensor.source.kind === 'inline' ? tensor.source.bytes : read?.(tensor)
  if (!bytes || bytes.byteLength === 0) return undefined
  return Number(hostArray(tensor.dtype, bytes)[0])
}
