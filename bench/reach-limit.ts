/**
 * How much of what the CPU's INT8 kernel can do the whole encoder reaches.
 *
 * The limit is one u8 x s8 MatMulIntegerToFloat of [1024, 384] by [384, 1536], best of 20; its model
 * hands out one row of the product, so that copying six megabytes into JavaScript is not held against
 * the kernel. The encoder's work counts as 2 operations a multiplication of its linear layers, its time
 * is all of it.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseShapes, timeInterleaved } from '../src/bench/index.ts'
import { GraphBuilder, type HostTensor, inlineTensor, int64Tensor } from '../src/graph/index.ts'
import { onnxBytes } from '../src/onnx/index.ts'
import { openProcess } from '../src/runtime/index.ts'
import { median, randomFrom } from '../src/stats/index.ts'
import { feeds } from './model-files.ts'
import { type Claim, claimsOf, type Race, rounded } from './race.ts'
import type { RaceLength } from './race-models.ts'

const [M, K, N] = [1024, 384, 1536]
const LAYERS = 6
const SHAPE = '8x128'
const BOUND = 0.4

/** Multiplications of the linear layers for 1024 tokens: query, key, value, output and both of the FFN. */
const encoderOperations = 2 * LAYERS * M * (4 * K * K + 2 * K * N)
const productOperations = 2 * M * K * N

/** What was reached; rates in 10^9 operations a second. */
export interface LimitResult {
  readonly race: Race
  readonly claim: Claim
  readonly limitRate: number
  readonly encoderRate: number
}

/** Measures encoder and limit in turn. */
export async function reachLimit(
  int8: string,
  folder: string,
  length: RaceLength,
): Promise<LimitResult> {
  const path = join(folder, 'limit.onnx')
  writeFileSync(path, productModel())
  const encoder = await openProcess(int8, { threads: 1 })
  const product = await openProcess(path, { threads: 1 })
  try {
    const tokens = feeds(parseShapes(SHAPE)[0]!, encoder.inputs)
    const timings = await timeInterleaved(
      [
        { name: 'encoder', run: async () => (await encoder.time(tokens, 4)).slice(1) },
        {
          name: 'product',
          run: async () => (await product.time(productFeeds(), 25)).slice(5),
        },
      ],
      { ...length, maxRounds: 1000 },
    )
    const best = timings[1]!.rounds.map((times) => Math.min(...times))
    // the time the encoder's linear layers would take at the limit's rate
    const ideal = best.map((ms) => [(ms * encoderOperations) / productOperations])
    const limit = 'one product, best of 20'
    const race: Race = {
      title: 'limit',
      shape: SHAPE,
      threads: 1,
      timings: [
        { name: 'INT8 encoder', rounds: timings[0]!.rounds },
        { name: limit, rounds: ideal },
      ],
    }
    const [claim] = claimsOf(race, [{ ours: 'INT8 encoder', rival: limit, bound: BOUND }])
    return {
      race,
      claim: claim!,
      limitRate: rounded(productOperations / median(best) / 1e6),
      encoderRate: rounded(encoderOperations / claim!.ms / 1e6),
    }
  } finally {
    await Promise.all([encoder.release(), product.release()])
  }
}

function productModel(): Uint8Array {
  const b = new GraphBuilder('limit')
  const { below } = randomFrom(1)
  const weight = Int8Array.from({ length: K * N }, () => below(255) - 127)
  const inputs = [
    b.input('a', 'uint8', [M, K]),
    b.constant(inlineTensor('int8', [K, N], weight), 'weight'),
    b.constant(inlineTensor('float32', [], Float32Array.of(0.02)), 'scale'),
    b.constant(inlineTensor('float32', [N], new Float32Array(N).fill(0.01)), 'weight_scale'),
    b.constant(inlineTensor('uint8', [], Uint8Array.of(128)), 'zero'),
  ]
  b.opset('com.microsoft', 1)
  const y = b.op('MatMulIntegerToFloat', inputs, {}, { domain: 'com.microsoft' })
  const [from, to] = [b.constant(int64Tensor([0])), b.constant(int64Tensor([1]))]
  b.output('row', b.op('Slice', [y, from, to]))
  return onnxBytes(b.build(), { opset: 21 })
}

function productFeeds(): Record<string, HostTensor> {
  const { below } = randomFrom(2)
  const data = Uint8Array.from({ length: M * K }, () => below(256))
  return { a: { dtype: 'uint8', shape: [M, K], data } }
}
