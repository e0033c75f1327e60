/**
 * The graphs of a training run in a process of their own, over one store of weights and moments: the step,
 * where gradients are summed also that of a micro-batch, and the forward run that is judged.
 */
import { join } from 'node:path'
import type { Checkpoint, KeptTensor } from '../fit/checkpoints.ts'
import type { StepGraphs } from '../fit/train-loop.ts'
import { type HostTensor, hostArray } from '../graph/data-type.ts'
import type { Graph } from '../graph/graph.ts'
import { pruneDead } from '../graph/liveness.ts'
import type { Tensor } from '../graph/tensor.ts'
import { nodeFiles, writeFilesWhole } from '../hub/node-files.ts'
import { materialize, tensorReader } from '../onnx/materialize.ts'
import { withSealedOutputs } from '../onnx/sealed-outputs.ts'
import { writeOnnx } from '../onnx/write-onnx.ts'
import { type Bindings, openStore, type ProcessStore, type StoredGraph } from '../runtime/index.ts'
import type { SessionOptions } from '../runtime/session-options.ts'
import type { StateKind, StateTensor } from '../train/step-state.ts'
import type { TrainingStep } from '../train/training-step.ts'

/**
 * Lengths vary from batch to batch; ONNX Runtime's own fusions are not written for gradients. A moment of a
 * word that is met no more decays until it is denormal and stays so, and the CPU multiplies such numbers some
 * 250 times slower: they count as zero. (The first session of a process decides that.)
 */
const session = {
  optimization: 'basic',
  manyShapes: true,
  config: { 'session.set_denormal_as_zero': '1' },
} as const satisfies SessionOptions

export interface GraphsOptions {
  /** Where the graphs are written; it must stand until the store ends. */
  readonly folder: string
  readonly training: TrainingStep
  /** The forward run, with what is judged as outputs. */
  readonly judged: Graph
  readonly ema: boolean
  readonly threads: number
  /** A run to go on from; else weights begin as the step says. */
  readonly from: Checkpoint | undefined
}

export interface TrainGraphs extends StepGraphs {
  readonly store: ProcessStore
  /** The forward run on the weights as they are now, or on their moving average. */
  readonly judged: StoredGraph
  /** All that a run goes on from. */
  readonly state: readonly KeptTensor[]
  /** What is judged and written: parameters and running statistics by their own names, and ranges of activations. */
  readonly weights: readonly KeptTensor[]
}

/** Starts the process, gives it the state and loads the graphs. */
export async function openGraphs(options: GraphsOptions): Promise<TrainGraphs> {
  const { folder, training, judged, ema, from } = options
  const store = openStore('training')
  try {
    for (const tensor of training.state) {
      if (from && tensor.kind !== 'sum') await store.put(tensor.input, from.values(tensor.input))
      else if (tensor.initial) await store.put(tensor.input, valuesOf(tensor.initial))
      else await store.zero({ [tensor.input]: tensor.shape })
    }
    const load = (name: string, graph: Graph, bindings: Bindings): Promise<StoredGraph> => {
      const writes = Object.keys(bindings.outputs).length > 0
      writeGraph(writes ? withSealedOutputs(graph) : graph, folder, `${name}.onnx`)
      const settings = { ...session, threads: options.threads }
      return store.load(name, join(folder, `${name}.onnx`), bindings, settings)
    }
    const summed = training.accumulate
    const step = await load('step', training.graph, bindingsOf(training.graph, training.state))
    const accumulate =
      summed && (await load('accumulate', summed, bindingsOf(summed, training.state)))
    const judgedKinds: readonly StateKind[] = [ema ? 'ema' : 'parameter', 'range', 'statistic']
    const weights = training.state
      .filter(({ kind }) => judgedKinds.includes(kind))
      .map(({ name, kind: own, shape, input }) => ({
        ...{ name: own === 'range' ? input : name, shape, stored: input },
      }))
    const places = new Map(weights.map((weight) => [weight.name, weight.stored]))
    const given = withInputs(judged, places)
    const inputs = Object.fromEntries(
      given.inputs.flatMap(({ name }) => (places.has(name) ? [[name, places.get(name)!]] : [])),
    )
    const forward = await load('judged', given, { inputs, outputs: {} })
    const sums = training.state.filter(({ kind }) => kind === 'sum')
    const zeros = Object.fromEntries(sums.map(({ input, shape }) => [input, shape]))
    return {
      store,
      step,
      accumulate,
      judged: forward,
      clear: () => store.zero(zeros),
      state: training.state
        .filter(({ kind }) => kind !== 'sum')
        .map(({ input, shape }) => ({ name: input, shape, stored: input })),
      weights,
    }
  } catch (error) {
    await store.end()
    throw error
  }
}

function valuesOf(tensor: Tensor): HostTensor {
  const { dtype, shape } = tensor
  return { dtype, shape, data: hostArray(dtype, materialize(tensor, nodeFiles)) }
}

/** Which ports of a graph are state. */
function bindingsOf(graph: Graph, state: readonly StateTensor[]): Bindings {
  const given = new Set(graph.inputs.map(({ name }) => name))
  const written = new Set(graph.outputs.map(({ name }) => name))
  return {
    inputs: Object.fromEntries(
      state.filter(({ input }) => given.has(input)).map(({ input }) => [input, input]),
    ),
    outputs: Object.fromEntries(
      state.filter(({ output }) => written.has(output)).map(({ output, input }) => [output, input]),
    ),
  }
}

/** The graph with these parameters as inputs of their names. */
function withInputs(graph: Graph, names: ReadonlyMap<string, unknown>): Graph {
  const live = pruneDead(graph)
  const ports = [...live.weights].flatMap(([value, { parameter }]) =>
    parameter && names.has(parameter.name) ? [{ name: parameter.name, value }] : [],
  )
  const inputs = new Set(ports.map(({ value }) => value))
  return {
    ...live,
    inputs: [...live.inputs, ...ports],
    weights: new Map([...live.weights].filter(([value]) => !inputs.has(value))),
  }
}

/** Writes a graph with the weights that stay. */
export function writeGraph(graph: Graph, folder: string, name: string): void {
  writeFilesWhole(folder, (open) => {
    const location = `${name}_data`
    writeOnnx(graph, open(name), {
      reader: tensorReader(nodeFiles),
      externalData: { location, open: () => open(location), when: 'auto' },
    })
  })
}
