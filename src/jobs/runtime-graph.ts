/** A file's graph as ONNX Runtime runs it: its optimizers done, every fused kernel a node. */
import { join } from 'node:path'
import type { Graph } from '../graph/graph.ts'
import { nodeFiles } from '../hub/node-files.ts'
import { readOnnx } from '../onnx/read-onnx.ts'
import { type Optimization, openProcess, type SessionOptions } from '../runtime/index.ts'

const NAME = 'runtime.onnx'

/** Options of a session that writes its graph into the folder. */
export const writingGraph = (
  folder: string,
): Pick<SessionOptions, 'optimizedModel' | 'config'> => ({
  optimizedModel: join(folder, NAME),
  config: {
    // a model file holds no more than 2 GB
    'session.optimized_model_external_initializers_file_name': `${NAME}_data`,
    'session.optimized_model_external_initializers_min_size_in_bytes': '65536',
  },
})

/** Reads what such a session wrote; weights stay in the folder. */
export const writtenGraph = (folder: string): Graph => readOnnx(join(folder, NAME), nodeFiles)

export interface RuntimeGraphOptions {
  readonly optimization?: Optimization | undefined
  readonly signal?: AbortSignal | undefined
}

/** Loads a file once for the sake of its graph, which goes to the folder. */
export async function runtimeGraph(
  file: string,
  folder: string,
  { optimization, signal }: RuntimeGraphOptions = {},
): Promise<Graph> {
  const engine = await openProcess(file, {
    ...writingGraph(folder),
    ...(optimization && { optimization }),
    ...(signal && { signal }),
  })
  await engine.release()
  return writtenGraph(folder)
}
