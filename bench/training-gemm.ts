/** How fast the step's matrix products are, against the fastest that the machine multiplies at all. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { GraphBuilder, type HostTensor, hostArray, inlineTensor } from '../src/graph/index.ts'
import { nodeFiles } from '../src/hub/node-files.ts'
import { writeGraph } from '../src/jobs/train-graphs.ts'
import { onnxBytes } from '../src/onnx/index.ts'
import { materialize } from '../src/onnx/materialize.ts'
import { openProcess } from '../src/runtime/index.ts'
import { parseProfile } from '../src/runtime/profile.ts'
import { randomFrom } from '../src/stats/index.ts'
import {
  gemmOperations,
  LEARNING_RATE,
  type TrainingShape,
  trainingBatch,
} from './training-shape.ts'
import { trainingStepOf } from './training-step-of.ts'

/** Rates in 10^9 operations a second. */
export interface GemmRate {
  /** Of the step's own products: needed operations over the time of every MatMul and Gemm. */
  readonly step: number
  /** The best single product of `[2048, 384]` by `[384, 1536]`. */
  readonly machine: number
  /** Share of each kind of operator in the step's time, the longest first. */
  readonly shares: readonly (readonly [string, number])[]
}

const RUNS = 8
const [M, K, N] = [2048, 384, 1536]

export async function gemmRate(shape: TrainingShape): Promise<GemmRate> {
  const folder = mkdtempSync(join(tmpdir(), 'limbeck-bench-'))
  try {
    const machine = await productRate(folder, shape.threads)
    const nodes = await profiledNodes(folder, shape)
    const times = new Map<string, number>()
    for (const { kernel, ms } of nodes) times.set(kernel, (times.get(kernel) ?? 0) + ms)
    const total = [...times.values()].reduce((sum, ms) => sum + ms, 0)
    const products = [...times].filter(([kernel]) => /MatMul|Gemm/.test(kernel))
    const ms = products.reduce((sum, [, each]) => sum + each, 0)
    return {
      step: gemmOperations(shape) / ms / 1e6,
      machine,
      shares: [...times]
        .map(([kernel, each]) => [kernel, each / total] as const)
        .sort(([, a], [, b]) => b - a),
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function profiledNodes(folder: string, shape: TrainingShape) {
  const { training } = trainingStepOf(shape)
  writeGraph(training.graph, folder, 'step.onnx')
  const profile = join(folder, 'profile')
  const engine = await openProcess(join(folder, 'step.onnx'), {
    ...{ threads: shape.threads, profile, optimization: 'basic', manyShapes: true },
  })
  const state = Object.fromEntries(
    training.state.map(({ input, port, initial }) => [
      input,
      initial
        ? {
            dtype: initial.dtype,
            shape: port,
            data: hostArray(initial.dtype, materialize(initial, nodeFiles)),
          }
        : zeros(port),
    ]),
  )
  for (let step = 1; step <= RUNS; step++) {
    const settings = training.feeds({ step, learningRate: LEARNING_RATE })
    await engine.run(
      { ...state, ...trainingBatch(shape, step), ...settings },
      { outputs: ['loss'] },
    )
  }
  await engine.release()
  const file = readdirSync(folder).find((name) => name.startsWith('profile'))!
  return parseProfile(readFileSync(join(folder, file), 'utf8')).nodes
}

const zeros = (shape: readonly number[]): HostTensor => ({
  dtype: 'float32',
  shape,
  data: new Float32Array(shape.reduce((n, dim) => n * dim, 1)),
})

/** The best of many products; one row is handed out, so that copying is not held against the kernel. */
async function productRate(folder: string, threads: number): Promise<number> {
  const random = randomFrom(1)
  const draw = (size: number) => new Float32Array(size).map(() => random.uniform() - 0.5)
  const b = new GraphBuilder('product')
  const x = b.input('x', 'float32', [M, K])
  const weight = b.constant(inlineTensor('float32', [K, N], draw(K * N)), 'weight')
  const product = b.op('MatMul', [x, weight])
  b.output('row', b.op('Gather', [product, b.int64s([0], 'first')]))
  const path = join(folder, 'product.onnx')
  writeFileSync(path, onnxBytes(b.build()))
  const engine = await openProcess(path, { threads })
  const feeds = { x: { dtype: 'float32', shape: [M, K], data: draw(M * K) } as const }
  const best = Math.min(...(await engine.time(feeds, 40)))
  await engine.release()
  return (2 * M * K * N) / best / 1e6
}
