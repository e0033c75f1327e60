/** The smallest loop that trains: state in, state out, sets swapped. */
import type { HostTensor } from '../../graph/data-type.ts'
import type { Graph } from '../../graph/graph.ts'
import type { FileAccess } from '../../onnx/file-access.ts'
import { materialize, tensorReader } from '../../onnx/materialize.ts'
import { onnxBytes } from '../../onnx/write-onnx.ts'
import { verifyGraph } from '../../ops/verify.ts'
import { openInline } from '../../runtime/open-inline.ts'
import type { SessionOptions } from '../../runtime/session-options.ts'
import type { StateTensor } from '../step-state.ts'
import type { TrainingStep } from '../training-step.ts'

export type Tensors = Record<string, HostTensor>
export type State = Map<string, HostTensor>

/** The state before the first step, by input name. */
export function firstState(state: readonly StateTensor[], files?: FileAccess): State {
  return new Map(
    state.map(({ input, port: shape, initial }) => {
      const size = shape.reduce((product, dim) => product * dim, 1)
      const data = initial
        ? new Float32Array(new Uint8Array(materialize(initial, files)).buffer)
        : new Float32Array(size)
      return [input, { dtype: 'float32', shape, data }]
    }),
  )
}

export interface Stepper {
  /** Runs a graph on what it takes of the state and these feeds; keeps the new state. */
  run(feeds: Tensors): Promise<Tensors>
  release(): Promise<void>
}

/** Opens one of a step's graphs over a state that it shares with others. */
export async function openStep(
  graph: Graph,
  step: TrainingStep,
  state: State,
  options: { files?: FileAccess | undefined; session?: SessionOptions } = {},
): Promise<Stepper> {
  const reader = options.files ? { reader: tensorReader(options.files) } : {}
  const engine = await openInline(onnxBytes(verifyGraph(graph), reader), {
    threads: 1,
    optimization: 'basic',
    ...options.session,
  })
  const given = new Set(graph.outputs.map(({ name }) => name))
  return {
    async run(feeds) {
      const outputs = await engine.run({ ...feeds, ...Object.fromEntries(state) })
      for (const { input, output } of step.state) {
        if (given.has(output)) state.set(input, outputs[output]!)
      }
      return outputs
    },
    release: () => engine.release(),
  }
}
