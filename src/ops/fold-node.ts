/**
 * Folding: the outputs of a node as constants, where they follow before the graph runs.
 *
 * Three ways, in this order: contents that inference knows (a Shape of a static tensor); a derivation by
 * reference, for large weights that are only moved or cast (nothing is read); the host, for small tensors.
 * Random operators are never folded. Which inputs count as constant is the caller's choice: a parameter
 * that shall stay one is not given.
 */
import { intOf, intsOf } from '../graph/attributes.ts'
import { type DataType, dataTypes, type HostTensor, hostArray } from '../graph/data-type.ts'
import { type Node, subgraphs, type Value } from '../graph/graph.ts'
import {
  casted,
  derive,
  inlineTensor,
  type ReadTensor,
  reshaped,
  type Tensor,
  tensorSize,
  transposed,
} from '../graph/tensor.ts'
import { isPlain } from './fold/fold-row.ts'
import { foldTable, shapedByRow } from './fold/fold-table.ts'
import { typeOfTensor } from './infer/generators.ts'
import { type InferredType, KNOWN_LIMIT, typed } from './infer/infer-row.ts'
import { inferNode, type TypeLookup } from './infer-types.ts'
import { isRandom, type KnownOp, knownOp } from './known.ts'

export interface FoldOptions {
  /** Reads the bytes of a constant. */
  readonly read: ReadTensor
  /** Types of values that are no constants, for contents that inference knows. */
  readonly typeOf?: TypeLookup
  /** Results of more elements than this are derived by reference or left; default 65,536. */
  readonly limit?: number
}

const DEFAULT_LIMIT = 65_536

/**
 * The outputs of `node` as tensors, in order (undefined where an output is absent); undefined when the
 * node stays. `constant` gives the tensor of an input that may be folded.
 */
export function foldNode(
  node: Node,
  constant: (value: Value) => Tensor | undefined,
  options: FoldOptions,
): (Tensor | undefined)[] | undefined {
  const op = knownOp(node)
  if (!op || isRandom(node) || subgraphs(node).length > 0) return undefined
  const given = node.attributes.value
  if (op === 'Constant' && given?.type === 'tensor') return [given.value]
  const tensors = node.inputs.map((input) => input && constant(input))
  const types = inferNode(node, (value) => {
    const tensor = constant(value)
    return tensor ? contentType(tensor, options.read) : (options.typeOf?.(value) ?? value.type)
  })
  const known = fromTypes(node, types)
  if (known) return known
  const complete = node.inputs.every((input, i) => !input || tensors[i])
  const outputs = types.map((type) => staticType(type))
  const shaped = node.outputs.every((output, i) => !output || outputs[i]) || shapedByRow.has(op)
  if (!complete || !shaped) return undefined
  const limit = options.limit ?? DEFAULT_LIMIT
  const sizes = [...tensors, ...outputs].map((tensor) =>
    tensor ? tensorSize(tensor as Tensor) : 0,
  )
  const out = outputs[0]
  const large = Math.max(...sizes) > limit || (out && !isPlain(out.dtype)) || needsBytes(tensors)
  const lazy = large && out && deriveNode(op, node, tensors as Tensor[], out, options.read)
  if (lazy) return [lazy]
  return Math.max(...sizes) > limit ? undefined : compute(op, node, tensors, outputs, options.read)
}

/** Half floats are cast by their reader, which knows their bits. */
const needsBytes = (tensors: readonly (Tensor | undefined)[]): boolean =>
  tensors.some((tensor) => tensor && !isPlain(tensor.dtype))

interface StaticType {
  readonly dtype: DataType
  readonly shape: readonly number[]
}

const staticType = (type: InferredType | undefined): StaticType | undefined =>
  type?.shape?.every((dim) => typeof dim === 'number')
    ? { dtype: type.dtype, shape: type.shape as number[] }
    : undefined

/** A constant's type with its contents, read from wherever they are. */
function contentType(tensor: Tensor, read: ReadTensor): InferredType {
  const type = typeOfTensor(tensor)
  const shapeLike = tensor.dtype === 'int64' || tensor.dtype === 'int32' || tensor.dtype === 'bool'
  const inMemory = tensor.source.kind === 'inline' || tensor.source.kind === 'strings'
  if (!shapeLike || inMemory || tensorSize(tensor) > KNOWN_LIMIT) return type
  const inline = inlineTensor(tensor.dtype, tensor.shape, hostArray(tensor.dtype, read(tensor)))
  return typed(tensor.dtype, tensor.shape, typeOfTensor(inline).known)!
}

/** Outputs whose contents inference knows, each a plain number. */
function fromTypes(
  node: Node,
  types: readonly (InferredType | undefined)[],
): (Tensor | undefined)[] | undefined {
  const tensors = node.outputs.map((output, i) => {
    const type = staticType(types[i])
    const known = types[i]?.known
    if (!output || !type || !known?.every(Number.isSafeInteger)) return undefined
    const data =
      type.dtype === 'int64'
        ? BigInt64Array.from(known as number[], BigInt)
        : type.dtype === 'int32'
          ? Int32Array.from(known as number[])
          : Uint8Array.from(known as number[])
    return inlineTensor(type.dtype, type.shape, data)
  })
  return node.outputs.every((output, i) => !output || tensors[i]) ? tensors : undefined
}

type Derive = (
  node: Node,
  tensors: readonly Tensor[],
  out: StaticType,
  read: ReadTensor,
) => Tensor | undefined

const sameBytes: Derive = (_, [x], out) => reshaped(x!, out.shape)
const convert: Derive = (_, [x], out) => casted(x!, out.dtype)

/** Operators that only move or cast: their result is a recipe, nothing is read. */
const derivedTable: { readonly [O in KnownOp]?: Derive } = {
  Identity: (_, [x]) => x,
  Reshape: sameBytes,
  Flatten: sameBytes,
  Squeeze: sameBytes,
  Unsqueeze: sameBytes,
  Cast: convert,
  CastLike: convert,
  Transpose: (node, [x]) =>
    transposed(x!, intsOf(node, 'perm') ?? x!.shape.map((_, axis) => x!.shape.length - 1 - axis)),
  Concat: (node, tensors, out) => {
    const axis = intOf(node, 'axis', 0)
    return derive('concat', tensors, out.dtype, out.shape, {
      axis: axis < 0 ? axis + out.shape.length : axis,
    })
  },
}

function deriveNode(
  op: KnownOp,
  node: Node,
  tensors: readonly Tensor[],
  out: StaticType,
  read: ReadTensor,
): Tensor | undefined {
  if (tensors.some((tensor) => tensor?.source.kind === 'strings')) return undefined
  if (dataTypes[out.dtype].bits < 8 && op !== 'Cast') return undefined
  return derivedTable[op]?.(node, tensors, out, read)
}

function compute(
  op: KnownOp,
  node: Node,
  tensors: readonly (Tensor | undefined)[],
  outputs: readonly (StaticType | undefined)[],
  read: ReadTensor,
): (Tensor | undefined)[] | undefined {
  const row = foldTable[op]
  const packed = [...tensors, ...outputs].some(
    (tensor) => tensor && dataTypes[tensor.dtype].bits < 8,
  )
  if (typeof row !== 'function' || packed) return undefined
  const inputs = tensors.map(
    (tensor): HostTensor | undefined =>
      tensor && {
        dtype: tensor.dtype,
        shape: tensor.shape,
        data: hostArray(tensor.dtype, read(tensor)),
      },
  )
  const results = row({ node, inputs, outputs: outputs.filter((output) => output !== undefined) })
  return (
    results &&
    node.outputs.map((_, i) => {
      const result = results[i]
      return result && inlineTensor(result.dtype, result.shape, result.data)
    })
  )
}
