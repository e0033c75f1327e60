/**
 * A file as another CPU would run it: where that CPU's integer products saturate, a copy that computes the same here
 * and counts what saturated.
 */
import { join } from 'node:path'
import { LimbeckError } from '../errors.ts'
import { nodeFiles, writeFilesWhole } from '../hub/node-files.ts'
import { withScratchFolder } from '../hub/scratch-folder.ts'
import { tensorReader } from '../onnx/materialize.ts'
import { writeOnnx } from '../onnx/write-onnx.ts'
import { type SimulatedProduct, simulateSaturation } from '../passes/simulate-saturation.ts'
import type { SimulatedLayers } from '../report/simulation.ts'
import { type Engine, openProcess, type SessionOptions } from '../runtime/index.ts'
import { runtimeGraph } from './runtime-graph.ts'

/** Kernels that can be asked for, and whether they saturate; those for AVX2 and AVX-512 compute alike. */
const kernels: Readonly<Record<string, boolean>> = {
  avx2: true,
  avx512: true,
  'avx-vnni': false,
  'avx512-vnni': false,
  vnni: false,
  amx: false,
  neon: false,
  arm: false,
}

/** What a CPU is called for `--simulate`. */
export const simulatedCpus = Object.keys(kernels)

/** Whether the products of this CPU saturate. @throws LimbeckError `usage` for a name that is none. */
export function simulatedSaturates(cpu: string): boolean {
  const saturates = Object.hasOwn(kernels, cpu) ? kernels[cpu] : undefined
  if (saturates !== undefined) return saturates
  throw new LimbeckError('usage', `--simulate ${cpu}: that CPU is not known.`, {
    hint: `Known are ${simulatedCpus.join(', ')}.`,
  })
}

/** What a file gave on another CPU. */
export interface Simulated<T> {
  readonly layers: SimulatedLayers
  /** What `body` gave; absent where nothing can differ. */
  readonly result?: T | undefined
}

type SimulateOptions = Pick<SessionOptions, 'optimization' | 'threads' | 'manyShapes'> & {
  readonly signal?: AbortSignal | undefined
}

/** Runs `body` with an engine that answers as the CPU would; not at all where its answers are those of the file. */
export async function withSimulation<T>(
  cpu: string,
  file: string,
  { signal, ...session }: SimulateOptions,
  body: (engine: Engine) => Promise<T>,
): Promise<Simulated<T>> {
  const saturates = simulatedSaturates(cpu)
  const none = { cpu, saturates, products: 0, possible: 0, saturated: [], skipped: [] }
  if (!saturates) return { layers: none }
  return withScratchFolder(async (folder) => {
    const { optimization = 'limbeck' } = session
    const graph = await runtimeGraph(file, folder, { optimization, signal })
    const reader = tensorReader(nodeFiles)
    const { products, simulated, skipped, ...made } = simulateSaturation(graph, reader.read)
    const layers = { ...none, products, possible: simulated.length, skipped }
    if (simulated.length === 0) return { layers }
    const [name, location] = ['simulated.onnx', 'simulated.onnx_data']
    writeFilesWhole(folder, (open) =>
      writeOnnx(made.graph, open(name), {
        reader,
        externalData: { location, open: () => open(location), when: 'auto' },
      }),
    )
    const options = { ...session, optimization, ...(signal && { signal }) }
    const engine = await openProcess(join(folder, name), options)
    try {
      const counting = countingEngine(engine, simulated)
      const result = await body(counting.engine)
      return { layers: { ...layers, saturated: counting.saturated() }, result }
    } finally {
      await engine.release()
    }
  })
}

/** The engine without the outputs that count, which it adds up. */
function countingEngine(inner: Engine, simulated: readonly SimulatedProduct[]) {
  const counters = simulated.map(({ output }) => output)
  const hidden = new Set(counters)
  const ports = inner.outputs.filter(({ name }) => !hidden.has(name))
  const totals = simulated.map(({ at }) => ({ at, saturated: 0, sums: 0 }))
  const engine: Engine = {
    inputs: inner.inputs,
    outputs: ports,
    async run(feeds, options = {}) {
      const wanted = options.outputs ?? ports.map(({ name }) => name)
      const all = await inner.run(feeds, { ...options, outputs: [...wanted, ...counters] })
      counters.forEach((name, i) => {
        const [saturated, sums] = all[name]!.data as BigInt64Array
        totals[i]!.saturated += Number(saturated)
        totals[i]!.sums += Number(sums)
      })
      return Object.fromEntries(wanted.map((name) => [name, all[name]!]))
    },
    release: () => inner.release(),
  }
  const saturated = () =>
    totals
      .filter((one) => one.saturated > 0)
      .map((one) => ({ at: one.at, share: one.saturated / one.sums }))
      .sort((a, b) => b.share - a.share)
  return { engine, saturated }
}
