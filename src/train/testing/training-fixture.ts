/** Reference trainings (`fixtures/training`): model, batch, labels and what PyTorch made of them. */
import { readFileSync } from 'node:fs'
import { fixture } from '../../../test/support/fixtures.ts'
import { type HostTensor, hostArray } from '../../graph/data-type.ts'
import type { Graph } from '../../graph/graph.ts'
import { buildModel } from '../../models/build-model.ts'
import { type FileAccess, memoryFiles } from '../../onnx/file-access.ts'
import { materialize } from '../../onnx/materialize.ts'
import { readSafetensors } from '../../onnx/read-safetensors.ts'

export type Tensors = Record<string, HostTensor>

export interface TrainingFixture {
  readonly graph: Graph
  readonly files: FileAccess
  /** The model's inputs and the labels. */
  readonly batch: Tensors
  /** What the model answers before the first step. */
  readonly logits: HostTensor
  readonly gradients: Tensors
  readonly weightsAfter: Tensors
  readonly losses: readonly number[]
  readonly norms: readonly number[]
}

/** The tensors of a safetensors file. */
export function tensorsOf(file: string): Tensors {
  const files = memoryFiles(new Map([[file, readFileSync(file)]]))
  return Object.fromEntries(
    [...readSafetensors(file, files).tensors].map(([name, tensor]) => {
      const data = hostArray(tensor.dtype, materialize(tensor, files))
      return [name, { dtype: tensor.dtype, shape: tensor.shape, data }]
    }),
  )
}

export function trainingFixture(name: string): TrainingFixture {
  const [model, training] = [fixture('models', name), fixture('training', name)]
  const path = `${model}/model.safetensors`
  const files = memoryFiles(new Map([[path, readFileSync(path)]]))
  const json = JSON.parse(readFileSync(`${model}/config.json`, 'utf8'))
  const { graph } = buildModel({
    config: { file: 'config.json', json },
    checkpoint: { ...readSafetensors(path, files), file: path },
  })
  const io = tensorsOf(`${model}/io.safetensors`)
  const inputs = graph.inputs.map((port) => [port.name, io[`in.${port.name}`]!] as const)
  const trajectory = JSON.parse(readFileSync(`${training}/trajectory.json`, 'utf8'))
  return {
    graph,
    files,
    batch: { ...Object.fromEntries(inputs), ...tensorsOf(`${training}/labels.safetensors`) },
    logits: io['out.logits']!,
    gradients: tensorsOf(`${training}/grads.safetensors`),
    weightsAfter: tensorsOf(`${training}/weights-after.safetensors`),
    losses: trajectory.losses,
    norms: trajectory.gradNorms,
  }
}

/** The batch with `count` columns of padding behind every `[batch, sequence]` tensor. */
export function padded(batch: Tensors, count: number): Tensors {
  const fill: Readonly<Record<string, bigint>> = { labels: -100n }
  return Object.fromEntries(
    Object.entries(batch).map(([name, tensor]) => {
      const [rows, columns] = tensor.shape
      if (rows === undefined || columns === undefined) return [name, tensor]
      const data = new BigInt64Array(rows * (columns + count)).fill(fill[name] ?? 0n)
      for (let row = 0; row < rows; row++) {
        const own = tensor.data.slice(row * columns, (row + 1) * columns) as BigInt64Array
        data.set(own, row * (columns + count))
      }
      return [name, { ...tensor, shape: [rows, columns + count], data }]
    }),
  )
}
