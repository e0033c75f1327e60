/**
 * A node with the values it makes: whoever writes a graph (builder, rewriter, gradients) makes nodes here,
 * so that all name their outputs alike.
 */
import type { Attributes, Node, Value } from './graph.ts'

/** Settings of one node beyond operator, inputs and attributes. */
export interface NodeOptions {
  readonly domain?: string
  readonly name?: string
  readonly origin?: string
  readonly quantization?: Node['quantization']
}

/** A node whose outputs are all there. */
export type NewNode = Node & { readonly outputs: readonly Value[] }

/** A node with `count` new outputs; their names say the origin and the operator unless one is given. */
export function newNode(
  op: string,
  inputs: readonly (Value | undefined)[],
  count: number,
  attributes: Attributes = {},
  { domain = '', name, origin = '', quantization }: NodeOptions = {},
): NewNode {
  const hint = name ?? (origin ? `${origin}.${op}` : op)
  const outputs = Array.from({ length: count }, (_, i) => ({
    name: i === 0 ? hint : `${hint}.${i}`,
  }))
  return { op, domain, inputs, outputs, attributes, origin, quantization }
}
