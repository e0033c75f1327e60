/**
 * What rules did to a graph, for reports and `--explain`: how often each fired, its time, the nodes it
 * wrote and those that went; of what it left alone, how much came near, and the nearest miss.
 *
 * Misses are those of the last sweep, in which nothing fires any more: they speak of what still stands.
 */
import type { Graph, Node, Value } from './graph.ts'
import { usedValues } from './graph.ts'

/** A rule that came near and why it stopped. */
export interface NearMiss {
  readonly rule: string
  /** How many nodes of the pattern had matched. */
  readonly depth: number
  /** The node that the rule would have replaced: operator and module path. */
  readonly op: string
  readonly origin: string
  /** The value that did not match; absent where the reason speaks of more than one. */
  readonly value?: string | undefined
  /** What did not match, or the sentence of the rule's `when`. */
  readonly reason: string
}

/** A rule's work over all sweeps, and what its last one left. */
export interface RuleWork {
  /** Operators it looks at; empty for what is counted without a rule. */
  readonly anchors: readonly string[]
  ms: number
  /** Nodes it wrote. */
  added: number
  /** Nodes it replaced, and those that lost their last reader by it. */
  removed: number
  /** Nodes of its operators that stayed. */
  left: number
  /** How many of these it came near. */
  near: number
}

/** What sweeps did: hits per rule, the nearest miss of each, and their work. */
export interface RewriteTrace {
  readonly hits: Map<string, number>
  readonly misses: Map<string, NearMiss>
  readonly work: Map<string, RuleWork>
}

export const newTrace = (): RewriteTrace => ({
  hits: new Map(),
  misses: new Map(),
  work: new Map(),
})

/** The work of a rule; begun when it is asked for first. */
export function workOf(
  trace: RewriteTrace,
  rule: string,
  anchors: readonly string[] = [],
): RuleWork {
  const known = trace.work.get(rule)
  if (known) return known
  const work = { anchors, ms: 0, added: 0, removed: 0, left: 0, near: 0 }
  trace.work.set(rule, work)
  return work
}

/** Counts a rule that fired, and the nodes that went by it. */
export function recordHit(trace: RewriteTrace, rule: string, removed = 0): void {
  trace.hits.set(rule, (trace.hits.get(rule) ?? 0) + 1)
  workOf(trace, rule).removed += removed
}

/** Counts a near miss and keeps the nearest. */
export function recordMiss(trace: RewriteTrace, miss: NearMiss): void {
  workOf(trace, miss.rule).near++
  const known = trace.misses.get(miss.rule)
  if (!known || miss.depth > known.depth) trace.misses.set(miss.rule, miss)
}

/** Forgets what an earlier sweep left. */
export function beginSweep(trace: RewriteTrace, rule: string, anchors: readonly string[]): void {
  trace.misses.delete(rule)
  Object.assign(workOf(trace, rule, anchors), { left: 0, near: 0 })
}

/** Adds what rules did to another graph, such as the body of a loop. */
export function addTrace(trace: RewriteTrace, other: RewriteTrace): void {
  for (const [rule, hits] of other.hits) trace.hits.set(rule, (trace.hits.get(rule) ?? 0) + hits)
  for (const [rule, { anchors, ms, added, removed, left, near }] of other.work) {
    const work = workOf(trace, rule, anchors)
    work.ms += ms
    work.added += added
    work.removed += removed
    work.left += left
    work.near += near
  }
  for (const [rule, miss] of other.misses) {
    const known = trace.misses.get(rule)
    if (!known || miss.depth > known.depth) trace.misses.set(rule, miss)
  }
}

/**
 * Gives every node that died in a sweep to the rule that took its last reader.
 * @param lost values that replaced nodes read, and the rule that replaced them.
 * @param writers rules by the nodes they wrote.
 */
export function creditDead(
  trace: RewriteTrace,
  { nodes }: Graph,
  survivors: Graph,
  lost: Map<Value, string>,
  writers: ReadonlyMap<Node, string>,
): void {
  const alive = new Set(survivors.nodes)
  for (let i = nodes.length - 1; i >= 0; i--) {
    const node = nodes[i]!
    if (alive.has(node)) continue
    const reader = node.outputs.find((output) => output && lost.has(output))
    const rule = reader ? lost.get(reader) : writers.get(node)
    if (rule === undefined) continue
    workOf(trace, rule).removed++
    for (const value of usedValues(node)) lost.set(value, rule)
  }
}
