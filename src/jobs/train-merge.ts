/** Low-rank adapters become part of the weights that they adapt. */
import { join } from 'node:path'
import { type HostTensor, hostArray } from '../graph/data-type.ts'
import { inlineTensor, type Tensor } from '../graph/tensor.ts'
import { nodeFiles } from '../hub/node-files.ts'
import { withScratchFolder } from '../hub/scratch-folder.ts'
import { materialize } from '../onnx/materialize.ts'
import { openProcess } from '../runtime/index.ts'
import type { Lora } from '../train/lora.ts'
import { writeGraph } from './train-graphs.ts'

/** What was learned, with the adapted weights in the place of their adapters. */
export function mergeAdapters(
  { merge }: Lora,
  learned: ReadonlyMap<string, Tensor>,
  signal: AbortSignal | undefined,
): Promise<ReadonlyMap<string, Tensor>> {
  return withScratchFolder(async (folder) => {
    writeGraph(merge, folder, 'merge.onnx')
    const engine = await openProcess(join(folder, 'merge.onnx'), { ...(signal && { signal }) })
    try {
      const adapters = merge.inputs.map(({ name }): [string, HostTensor] => {
        const { dtype, shape, ...tensor } = learned.get(name)!
        const data = hostArray(dtype, materialize({ dtype, shape, ...tensor }, nodeFiles))
        return [name, { dtype, shape, data }]
      })
      const merged = await engine.run(Object.fromEntries(adapters))
      const names = new Set(merge.inputs.map(({ name }) => name))
      const weights = Object.entries(merged).map(
        ([name, { dtype, shape, data }]) => [name, inlineTensor(dtype, shape, data)] as const,
      )
      return new Map([...[...learned].filter(([name]) => !names.has(name)), ...weights])
    } finally {
      await engine.release()
    }
  })
}
