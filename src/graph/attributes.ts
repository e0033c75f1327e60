/**
 * Attributes: made from plain JavaScript by the helpers here, read back with a default.
 *
 * JavaScript has one number type and ONNX two, so the helpers say which: `int(2)`, `float(1)`.
 */
import { invariant } from '../errors.ts'
import type { Attribute, Graph, Node } from './graph.ts'
import type { Tensor } from './tensor.ts'

export const int = (value: number): Attribute => ({ type: 'int', value })
export const float = (value: number): Attribute => ({ type: 'float', value })
export const string = (value: string): Attribute => ({ type: 'string', value })
export const ints = (value: readonly number[]): Attribute => ({ type: 'ints', value })
export const floats = (value: readonly number[]): Attribute => ({ type: 'floats', value })
export const strings = (value: readonly string[]): Attribute => ({ type: 'strings', value })
export const tensorAttribute = (value: Tensor): Attribute => ({ type: 'tensor', value })
export const graphAttribute = (value: Graph): Attribute => ({ type: 'graph', value })

/** The integer attribute `name`, or `fallback` when it is absent. */
export function intOf<T extends number | undefined>(
  node: Node,
  name: string,
  fallback: T,
): number | T {
  const attribute = node.attributes[name]
  return attribute?.type === 'int' ? Number(attribute.value) : fallback
}

/** The float attribute `name`, or `fallback` when it is absent. */
export function floatOf<T extends number | undefined>(
  node: Node,
  name: string,
  fallback: T,
): number | T {
  const attribute = node.attributes[name]
  return attribute?.type === 'float' ? attribute.value : fallback
}

/** The string attribute `name`, or `fallback` when it is absent. */
export function stringOf<T extends string | undefined>(
  node: Node,
  name: string,
  fallback: T,
): string | T {
  const attribute = node.attributes[name]
  return attribute?.type === 'string' ? attribute.value : fallback
}

/** The integer list `name`; undefined when it is absent. */
export function intsOf(node: Node, name: string): number[] | undefined {
  const attribute = node.attributes[name]
  return attribute?.type === 'ints' ? attribute.value.map(Number) : undefined
}

/** The tensor attribute `name`; an invariant of the operator that it is there. */
export function tensorOf(node: Node, name: string): Tensor {
  const attribute = node.attributes[name]
  invariant(attribute?.type === 'tensor', `${node.op}.${name} is no tensor`)
  return attribute.value
}

/** True when two attributes are the same by value (tensors and graphs by identity). */
export function equalAttributes(a: Attribute | undefined, b: Attribute | undefined): boolean {
  if (a === b) return true
  if (!a || !b || a.type !== b.type) return false
  if (Array.isArray(a.value) && Array.isArray(b.value)) {
    const other = b.value as readonly unknown[]
    return a.value.length === other.length && a.value.every((item, i) => item === other[i])
  }
  return a.value === b.value
}
