/**
 * The derivations: how a lazy tensor follows from others. One row an `op` of `DerivedSource`.
 *
 * | op | settings |
 * |---|---|
 * | `transpose` | `perm`: axis `i` of the result is axis `perm[i]` of the input |
 * | `cast` | none: the tensor's own element type |
 * | `reshape` | none: the tensor's own shape |
 * | `concat` | `axis` |
 * | `slice` | `starts`, and optionally `steps`, one an axis; sizes are the tensor's own shape |
 * | `normalizeRows` | `epsilon`; inputs rows, scale and perhaps shift |
 * | `projectRows` | `factor`; inputs rows `[n, in]`, weight `[out, in]` and perhaps bias |
 * | `scaleRows` | none; inputs rows, a scale for each and perhaps a shift |
 * | `scaleColumns` | none; inputs rows and a scale for each column |
 * | `normFactor` | `epsilon`; inputs γ and σ² of a batch normalization |
 * | `normOffset` | `epsilon`; inputs γ, σ², β and μ |
 * | `quantizeWeight` | `part` (`codes` or `scales`), `axis` (−1: whole tensor), `bits` (4 to 8), `name` for errors |
 * | `dequantize` | `axis`, `block`, `bits`, `zero`; inputs codes, scales and perhaps zero points |
 * | `dequantizeRows` | `bits`, `block`; inputs packed codes, scales and perhaps zero points |
 * | `quantizeBlocks` | `part` (`codes`, `scales` or `zeroPoints`), `bits`, `block`, `symmetric`, `name` for errors |
 */
import { invariant } from '../errors.ts'
import { bytesOf, dataTypes, elementCount } from '../graph/data-type.ts'
import {
  type DerivedSource,
  derive,
  type ReadTensor,
  type Tensor,
  tensorSize,
} from '../graph/tensor.ts'
import { castElements } from './cast-elements.ts'
import { dequantize, dequantizeRows } from './dequantize-weight.ts'
import { newWords, wordBytes, wordsOf } from './element-words.ts'
import type { FileAccess } from './file-access.ts'
import { floatChunks } from './float-chunks.ts'
import { permuteElements, sliceElements } from './permute-elements.ts'
import { type BlockParts, type BlockQuantization, blockParts } from './quantize-blocks.ts'
import { weightCodes, weightScales } from './quantize-weight.ts'
import {
  normalizeRows,
  normFactor,
  normOffset,
  projectRows,
  scaleColumns,
  scaleRows,
} from './row-derivations.ts'

/** Gives the bytes of a derived tensor. */
export type Derivation = (
  tensor: Tensor,
  source: DerivedSource,
  read: ReadTensor,
  files: FileAccess | undefined,
) => Uint8Array

const numbers = (source: DerivedSource, key: string): readonly number[] | undefined =>
  source.settings[key] as readonly number[] | undefined

export const derivations: Readonly<Record<string, Derivation>> = {
  transpose: ({ dtype, shape }, source, read) => {
    const input = source.inputs[0]!
    const to = newWords(dtype, elementCount(shape))
    permuteElements(wordsOf(dtype, read(input)), input.shape, numbers(source, 'perm')!, to)
    return wordBytes(to)
  },

  cast: (tensor, source, read, files) => {
    const input = source.inputs[0]!
    const half = input.dtype === 'float16' || input.dtype === 'bfloat16'
    if (!half || tensor.dtype !== 'float32') {
      return castElements(read(input), tensorSize(input), input.dtype, tensor.dtype)
    }
    const to = new Float32Array(tensorSize(tensor))
    floatChunks(input, read, files, (chunk, start) => to.set(chunk, start))
    return bytesOf(to)
  },

  reshape: (_, source, read) => read(source.inputs[0]!),

  concat: ({ dtype, shape }, source, read) => {
    const axis = source.settings.axis as number
    const outer = elementCount(shape.slice(0, axis))
    const size = dataTypes[dtype].bits / 8
    const row = elementCount(shape.slice(axis)) * size
    const to = new Uint8Array(outer * row)
    let column = 0
    for (const input of source.inputs) {
      const from = read(input)
      const width = elementCount(input.shape.slice(axis)) * size
      for (let i = 0; i < outer; i++) {
        to.set(from.subarray(i * width, (i + 1) * width), i * row + column)
      }
      column += width
    }
    return to
  },

  slice: ({ dtype, shape }, source, read) => {
    const input = source.inputs[0]!
    const to = newWords(dtype, elementCount(shape))
    const starts = numbers(source, 'starts')!
    const steps = numbers(source, 'steps') ?? shape.map(() => 1)
    sliceElements(wordsOf(dtype, read(input)), input.shape, starts, steps, shape, to)
    return wordBytes(to)
  },

  normalizeRows,
  projectRows,
  scaleRows,
  scaleColumns,
  normFactor,
  normOffset,
  dequantize,
  dequantizeRows,

  quantizeWeight: (_, source, read, files) => {
    const { part, axis, bits, name } = source.settings
    const compute = part === 'codes' ? weightCodes : weightScales
    const input = source.inputs[0]!
    const how = [axis as number, bits as number] as const
    return bytesOf(compute(input, ...how, read, files, name as string | undefined))
  },

  quantizeBlocks: (_, source, read, files) => {
    const { part, bits, block, symmetric, name } = source.settings
    const how = { bits, block, symmetric, name } as BlockQuantization
    return bytesOf(blockParts(source.inputs[0]!, how, read, files)[part as keyof BlockParts])
  },
}

/** The tensors one after the other along `axis`. */
export function concatenated(tensors: readonly Tensor[], axis: number): Tensor {
  const first = tensors[0]
  invariant(first, 'nothing to concatenate')
  if (tensors.length === 1) return first
  const total = tensors.reduce((sum, tensor) => sum + tensor.shape[axis]!, 0)
  return derive('concat', tensors, first.dtype, first.shape.with(axis, total), { axis })
}

/** The part of a tensor that begins at `starts` and has the given sizes. */
export const sliced = (
  tensor: Tensor,
  starts: readonly number[],
  sizes: readonly number[],
): Tensor => derive('slice', [tensor], tensor.dtype, sizes, { starts })
