/**
 * Graphs that show what a machine can do: products of given sizes in fp32 and u8 × s8, and a copy too large
 * for its caches. Their profiles hold the times; outputs are one row each, so that nothing is copied out.
 *
 * A product stands several times in a row, each with a weight of its own: as in a model, its activations
 * are still in a cache and its weight is not. All but the first size quantize their activations themselves.
 */
import { GraphBuilder } from '../graph/builder.ts'
import type { HostTensor } from '../graph/data-type.ts'
import type { Graph, Value } from '../graph/graph.ts'
import { inlineTensor, int64Tensor } from '../graph/tensor.ts'
import { type Random, randomFrom } from '../stats/random.ts'

/** Rows × inner × columns. */
export type ProductSize = readonly [number, number, number]

/** Elements of the copied tensor: 128 MiB, twice. */
export const COPY_ELEMENTS = 32 * 1024 * 1024

/** How often a product stands in the graph. */
export const TURNS = 3

/** Origins of the nodes of a product; a `Slice` is beside it. */
export const machineOrigins = {
  fp32: (index: number, turn: number) => `fp32-${index}-${turn}`,
  int8: (index: number, turn: number) => `int8-${index}-${turn}`,
} as const

export interface MachineModel {
  readonly graph: Graph
  readonly feeds: Readonly<Record<string, HostTensor>>
}

/** The graph and its inputs. */
export function machineModel(sizes: readonly ProductSize[]): MachineModel {
  const b = new GraphBuilder('machine')
  b.opset('com.microsoft', 1)
  const random = randomFrom(1)
  const feeds: Record<string, HostTensor> = {}
  const [from, to] = [b.constant(int64Tensor([0])), b.constant(int64Tensor([1]))]
  const row = (name: string, value: Value) => b.output(name, b.op('Slice', [value, from, to]))
  const bare = (shape: readonly number[]): Value[] => {
    feeds.narrow = { dtype: 'uint8', shape, data: bytes(shape[0]! * shape[1]!, random) }
    return [
      b.input('narrow', 'uint8', shape),
      b.constant(inlineTensor('float32', [], Float32Array.of(0.02))),
      b.constant(inlineTensor('uint8', [], Uint8Array.of(128))),
    ]
  }
  sizes.forEach(([m, k, n], i) => {
    feeds[`wide${i}`] = { dtype: 'float32', shape: [m, k], data: floats(m * k, random) }
    const wide = b.input(`wide${i}`, 'float32', [m, k])
    for (let turn = 0; turn < TURNS; turn++) {
      b.scope(machineOrigins.fp32(i, turn), () => {
        const weight = b.constant(inlineTensor('float32', [k, n], floats(k * n, random)))
        row(`fp32_${i}_${turn}`, b.op('MatMul', [wide, weight]))
      })
    }
    const quantized = i === 0 ? bare([m, k]) : undefined
    for (let turn = 0; turn < TURNS; turn++) {
      b.scope(machineOrigins.int8(i, turn), () => {
        const codes = filled(new Int8Array(k * n), () => random.below(127) - 63)
        const weight = b.constant(inlineTensor('int8', [k, n], codes))
        const scales = b.constant(inlineTensor('float32', [n], new Float32Array(n).fill(0.01)))
        const [narrow, scale, zero] = quantized ?? b.ops('DynamicQuantizeLinear', [wide], 3)
        const inputs = [narrow, weight, scale, scales, zero]
        const product = b.op('MatMulIntegerToFloat', inputs, {}, { domain: 'com.microsoft' })
        row(`int8_${i}_${turn}`, product)
      })
    }
  })
  return { graph: b.build(), feeds }
}

/** The graph of the copy: it is a model of its own so as not to empty the caches of the products. */
export function copyModel(): MachineModel {
  const b = new GraphBuilder('copy')
  const length = b.input('length', 'int64', [1])
  const copied = b.op('Neg', [b.op('ConstantOfShape', [length])], {}, { origin: 'copy' })
  const ends = [b.constant(int64Tensor([0])), b.constant(int64Tensor([1]))]
  b.output('row', b.op('Slice', [copied, ...ends]))
  const data = BigInt64Array.of(BigInt(COPY_ELEMENTS))
  return { graph: b.build(), feeds: { length: { dtype: 'int64', shape: [1], data } } }
}

const floats = (length: number, { uniform }: Random) =>
  filled(new Float32Array(length), () => uniform() - 0.5)
const bytes = (length: number, { below }: Random) =>
  filled(new Uint8Array(length), () => below(256))

/** Random numbers that come again; a prime, so that rows differ. */
const PERIOD = 65_521

function filled<T extends Float32Array | Uint8Array | Int8Array>(array: T, one: () => number): T {
  for (let i = 0; i < Math.min(PERIOD, array.length); i++) array[i] = one()
  for (let done = PERIOD; done < array.length; done *= 2) array.copyWithin(done, 0, done)
  return array
}
