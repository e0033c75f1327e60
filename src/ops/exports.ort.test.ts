/** Symbolic shapes and contents over exported models, against every value of a run. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { expect, it } from 'vitest'
import { describeWith, fixture } from '../../test/support/fixtures.ts'
import type { HostTensor } from '../graph/data-type.ts'
import { hostArray } from '../graph/data-type.ts'
import type { Value } from '../graph/graph.ts'
import { evaluateDim } from '../graph/shape.ts'
import { memoryFiles } from '../onnx/file-access.ts'
import { materialize } from '../onnx/materialize.ts'
import { readOnnxBytes } from '../onnx/read-onnx.ts'
import { readSafetensors } from '../onnx/read-safetensors.ts'
import { onnxBytes } from '../onnx/write-onnx.ts'
import { openInline } from '../runtime/open-inline.ts'
import { inferTypes } from './infer-types.ts'

const folder = fixture('exports')
const files = existsSync(folder)
  ? readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
      name.endsWith('.onnx'),
    )
  : []

function recorded(name: string): Record<string, HostTensor> {
  const files = memoryFiles(new Map([[name, readFileSync(name)]]))
  const feeds: Record<string, HostTensor> = {}
  for (const [key, tensor] of readSafetensors(name, files).tensors) {
    const data = hostArray(tensor.dtype, materialize(tensor, files))
    if (key.startsWith('in.'))
      feeds[key.slice(3)] = { dtype: tensor.dtype, shape: tensor.shape, data }
  }
  return feeds
}

describeWith(folder, 'exports, run', () => {
  it.each(files)('%s: inferred dimensions and contents are those of the run', async (file) => {
    const graph = readOnnxBytes(readFileSync(`${folder}/${file}`), file)
    const types = inferTypes(graph)
    const feeds = recorded(`${folder}/${dirname(file)}/io.safetensors`)
    const values = [...new Set(graph.nodes.flatMap((node) => node.outputs))].filter(
      (value): value is Value => value !== undefined,
    )
    const outputs = values.map((value, i) => ({ name: `v${i}`, value }))
    const engine = await openInline(onnxBytes({ ...graph, outputs }), {
      threads: 1,
      optimization: 'disabled',
    })
    const run = await engine.run(feeds)
    await engine.release()
    const bindings: Record<string, number> = {}
    for (const { name, value } of graph.inputs) {
      value.type?.shape?.forEach((dim, axis) => {
        if (typeof dim === 'string') bindings[dim] = feeds[name]!.shape[axis]!
      })
    }
    values.forEach((value, i) => {
      const type = types.get(value)
      const got = run[`v${i}`]!
      expect(type?.dtype, value.name).toBe(got.dtype)
      // MobileViT's sizes go through floats, which only folding follows
      if (!file.startsWith('mobilevit')) expect(type?.shape, value.name).not.toContain(null)
      type?.shape?.forEach((dim, axis) => {
        const size = evaluateDim(dim, bindings)
        if (size !== undefined)
          expect(size, `${value.name} axis ${axis}: ${dim}`).toBe(got.shape[axis])
      })
      type?.known?.forEach((item, k) => {
        const known = item === undefined ? undefined : evaluateDim(item, bindings)
        if (known === undefined || !Number.isFinite(known)) return
        expect(known, `${value.name}[${k}]: ${item}`).toBe(Number(got.data[k]))
      })
    })
  })
})
