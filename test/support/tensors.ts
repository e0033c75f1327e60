/** Tensors of fixtures as engines take them, and models written to a folder of their own. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect } from 'vitest'
import { type HostTensor, hostArray } from '../../src/graph/data-type.ts'
import type { Graph } from '../../src/graph/graph.ts'
import { nodeFiles } from '../../src/hub/node-files.ts'
import { materialize, tensorReader } from '../../src/onnx/materialize.ts'
import { readSafetensors } from '../../src/onnx/read-safetensors.ts'
import { onnxBytes } from '../../src/onnx/write-onnx.ts'
import { runPasses } from '../../src/passes/pass.ts'
import { loweringOpset, type PipelineOptions, pipeline } from '../../src/passes/pipelines.ts'
import { openInline, type SessionOptions } from '../../src/runtime/index.ts'

/** Every tensor of a safetensors file, on the host. */
export function readTensors(path: string): Record<string, HostTensor> {
  const { tensors } = readSafetensors(path, nodeFiles)
  return Object.fromEntries(
    [...tensors].map(([name, tensor]) => {
      const data = hostArray(tensor.dtype, materialize(tensor, nodeFiles))
      return [name, { dtype: tensor.dtype, shape: tensor.shape, data }]
    }),
  )
}

/** Tensors whose name begins with `prefix`, without it. */
export function withPrefix(
  tensors: Readonly<Record<string, HostTensor>>,
  prefix: string,
): Record<string, HostTensor> {
  const entries = Object.entries(tensors).filter(([name]) => name.startsWith(prefix))
  return Object.fromEntries(entries.map(([name, tensor]) => [name.slice(prefix.length), tensor]))
}

/** Integer feeds as int64, whatever width they were stored with. */
export function asInt64(tensors: Readonly<Record<string, HostTensor>>): Record<string, HostTensor> {
  return Object.fromEntries(
    Object.entries(tensors).map(([name, { shape, data }]) => [
      name,
      {
        dtype: 'int64',
        shape,
        data: BigInt64Array.from(Array.from(data as ArrayLike<number>), BigInt),
      },
    ]),
  )
}

/** Largest absolute difference; infinite when lengths differ or a value is not a number. */
export function maxDifference(a: HostTensor | undefined, b: HostTensor | undefined): number {
  if (!a || !b || a.data.length !== b.data.length) return Number.POSITIVE_INFINITY
  let largest = 0
  for (let i = 0; i < a.data.length; i++) {
    const difference = Math.abs(Number(a.data[i]) - Number(b.data[i]))
    if (!(difference <= largest)) largest = Number.isNaN(difference) ? Infinity : difference
  }
  return largest
}

/** Every expected tensor is there, within `tolerance`. */
export function expectOutputs(
  found: Readonly<Record<string, HostTensor>>,
  expected: Readonly<Record<string, HostTensor>>,
  tolerance: number,
): void {
  for (const [name, tensor] of Object.entries(expected)) {
    expect(found[name]?.shape, name).toEqual(tensor.shape)
    expect(maxDifference(found[name], tensor), name).toBeLessThanOrEqual(tolerance)
  }
}

/** Runs a graph once, lowered as said; ONNX Runtime's own optimization is off unless given. */
export async function runGraph(
  graph: Graph,
  feeds: Readonly<Record<string, HostTensor>>,
  options: Omit<PipelineOptions, 'read'> & SessionOptions,
): Promise<Record<string, HostTensor>> {
  const { lowering, quantize, ...session } = options
  const reader = tensorReader(nodeFiles)
  const lowered = runPasses(graph, pipeline({ lowering, quantize, read: reader.read })).graph
  const bytes = onnxBytes(lowered, { opset: loweringOpset[lowering], reader })
  const engine = await openInline(bytes, { threads: 1, optimization: 'disabled', ...session })
  try {
    return await engine.run(feeds)
  } finally {
    await engine.release()
  }
}

/** A folder that is removed after the test file. */
export function scratchFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'limbeck-test-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}
