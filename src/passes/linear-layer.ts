/**
 * The canonical linear layer, found in one place for everyone: `MatMul(x, Transpose(W)) (+ b)`.
 *
 * W is a weight stored `[out, in]`; the bias is optional.
 */
import { intsOf } from '../graph/attributes.ts'
import type { Node, Value, Weight } from '../graph/graph.ts'
import type { RewriteContext } from '../graph/rewrite.ts'

export interface LinearLayer {
  readonly x: Value
  readonly weight: Weight
  /** The value that holds W. */
  readonly weightValue: Value
  readonly bias: Value | undefined
  readonly matmul: Node
  readonly inSize: number
  readonly outSize: number
}

/** The matrix product's weight when `node` is `MatMul(x, Transpose(W))`. */
export function linearWeight(
  node: Node,
  context: Pick<RewriteContext, 'producer' | 'weight'>,
): { value: Value; weight: Weight } | undefined {
  const right = node.op === 'MatMul' && node.domain === '' ? node.inputs[1] : undefined
  const transpose = right && context.producer(right)
  const value = transpose && isTurn(transpose) ? transpose.inputs[0] : undefined
  const weight = value && context.weight(value)
  const fits = weight?.tensor.shape.length === 2 && weight.tensor.dtype.includes('float')
  return value && fits ? { value, weight } : undefined
}

/** A transposition that exchanges the axes of a matrix (what it does by default, too). */
const isTurn = (node: Node): boolean =>
  node.op === 'Transpose' && node.domain === '' && intsOf(node, 'perm')?.[0] !== 0

/** The linear layer that ends at `node`: an Add of a bias, or a bare MatMul that no bias follows. */
export function linearLayer(node: Node, context: RewriteContext): LinearLayer | undefined {
  if (node.op === 'MatMul') return layerOf(node, undefined, context)
  if (node.op !== 'Add' || node.domain !== '') return undefined
  for (const [product, bias] of [node.inputs, [node.inputs[1], node.inputs[0]]]) {
    const matmul = product && context.producer(product)
    if (!product || matmul?.op !== 'MatMul' || !bias || context.uses(product) > 1) continue
    const layer = layerOf(matmul, bias, context)
    const shape = context.weight(bias)?.tensor.shape
    if (layer && shape?.length === 1 && shape[0] === layer.outSize) return layer
  }
  return undefined
}

/** Why a node that looks like the end of a linear layer is none; undefined where it does not even look so. */
export function linearMiss(
  node: Node,
  context: RewriteContext,
): { reason: string; value: Value } | undefined {
  const [left, right] = node.inputs
  if (node.op === 'MatMul' && right && context.weight(right)) {
    return {
      reason: 'expected Transpose of a weight stored [out, in], found a weight',
      value: right,
    }
  }
  for (const [product, bias] of [
    [left, right],
    [right, left],
  ]) {
    const matmul = node.op === 'Add' && product && context.producer(product)
    const layer = matmul && matmul.op === 'MatMul' && layerOf(matmul, undefined, context)
    if (!product || !bias || !layer) continue
    if (context.uses(product) > 1) return { reason: 'is read elsewhere', value: product }
    return { reason: `expected a bias of ${layer.outSize} numbers`, value: bias }
  }
  return undefined
}

function layerOf(
  matmul: Node,
  bias: Value | undefined,
  context: RewriteContext,
): LinearLayer | undefined {
  const found = linearWeight(matmul, context)
  const x = matmul.inputs[0]
  if (!found || !x) return undefined
  const [outSize, inSize] = found.weight.tensor.shape as [number, number]
  return { x, weight: found.weight, weightValue: found.value, bias, matmul, inSize, outSize }
}
