/**
 * Two models compared: exporters of one model agree everywhere with all names gone, a sabotaged layer is named, and
 * the figures of a quantized file are those of a direct computation.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import type { Graph, Value } from '../src/graph/graph.ts'
import { inlineTensor } from '../src/graph/tensor.ts'
import { nodeFiles } from '../src/hub/node-files.ts'
import { compare } from '../src/jobs/compare.ts'
import { madeUpInputs } from '../src/jobs/compare-inputs.ts'
import { comparedModel } from '../src/jobs/compared-model.ts'
import { materialize, readOnnx, tensorReader } from '../src/onnx/index.ts'
import { onnxBytes } from '../src/onnx/write-onnx.ts'
import { exposedName, exposeValues } from '../src/passes/expose-values.ts'
import type { ComparedTensor } from '../src/report/comparison.ts'
import { openInline } from '../src/runtime/index.ts'
import { exportsRoot } from './support/exports.ts'
import { describeWith, fixture } from './support/fixtures.ts'
import { scratchFolder } from './support/tensors.ts'
import { withoutNames } from './support/without-names.ts'

const bert = join(exportsRoot, 'bert-sequence-classification')

/** One exporter's file and another's, and the tensors they share. */
const pairs = [
  ['bert-sequence-classification', 'torchscript.onnx', 'dynamo-sdpa-23.onnx', 32],
  ['distilbert-sequence-classification', 'torchscript-sdpa-17.onnx', 'dynamo.onnx', 30],
  ['modernbert-sequence-classification', 'torchscript.onnx', 'dynamo-sdpa-18.onnx', 39],
] as const

describeWith(exportsRoot, 'compare', () => {
  const folder = scratchFolder()

  it.each(
    pairs,
  )('%s: %s and %s agree everywhere, without names', async (model, one, two, count) => {
    const [a, b] = [one, two].map((name) => {
      const path = join(folder, `${model}-${name}`)
      writeFileSync(path, withoutNames(readFileSync(join(exportsRoot, model, name))))
      return path
    })
    const result = await compare({ a: a!, b: b!, shapes: '2x9', threads: 1 })
    expect(result.tensors).toHaveLength(count)
    expect([result.a.unmatched, result.b.unmatched]).toEqual([[], []])
    expect(result.first).toBeUndefined()
    for (const { name, relative, maxAbs } of result.tensors) {
      expect(relative, name).toBeLessThan(1e-4)
      expect(maxAbs, name).toBeLessThan(1e-4)
    }
    const linear = result.tensors.filter(({ kind }) => kind === 'linear').map(({ name }) => name)
    expect(linear).toContain(
      model.startsWith('modernbert')
        ? 'encoder.layer.2.attention.self.qkv'
        : 'encoder.layer.1.attention.self.query',
    )
  })

  it('names the layer whose weights were changed', async () => {
    const file = join(bert, 'torchscript.onnx')
    const sabotaged = join(folder, 'sabotaged.onnx')
    writeFileSync(
      sabotaged,
      onnxBytes(withNoise(readOnnx(file, nodeFiles)), { reader: tensorReader(nodeFiles) }),
    )
    const result = await compare({ a: file, b: sabotaged, shapes: '2x9', threads: 1 })
    const { tensors, first } = result
    const found = tensors[first!]!
    expect(found).toMatchObject({ kind: 'linear', inherited: 0 })
    expect(found.name).toMatch(/encoder\.layer\.1\.intermediate\.dense$/)
    expect(result.worst).toEqual([first])
    // all after it is wrong, and none of it by itself
    const after = tensors.slice(first! + 1)
    expect(after.every(({ relative }) => relative > 1e-4)).toBe(true)
    expect(after.every(({ added }) => added!.relative < 1e-6)).toBe(true)
    expect(tensors.slice(0, first).every(({ relative }) => relative === 0)).toBe(true)
  })

  it('gives the figures of a quantized file that a direct computation gives', async () => {
    const [a, b] = [
      join(bert, 'torchscript.onnx'),
      fixture('quantization', 'bert-dynamic', 'per_channel.onnx'),
    ]
    const shapes = '2x9'
    const { tensors } = await compare({ a, b, shapes, threads: 1 })
    expect(tensors).toHaveLength(32)
    const [left, right] = [
      await comparedModel(a, undefined, {}),
      await comparedModel(b, undefined, {}),
    ]
    const shown = await Promise.all([
      values(left.graph, tensors, 'a'),
      values(right.graph, tensors, 'b'),
    ])
    const sums = tensors.map(() => ({ signal: 0, noise: 0, count: 0, largest: 0 }))
    for await (const batch of madeUpInputs(left, right, shapes).batches(1e9)) {
      const found = await Promise.all(shown.map(({ run }, i) => run(i === 0 ? batch.a : batch.b)))
      tensors.forEach((_, t) => {
        const [x, y] = found.map((outputs) => outputs[exposedName(t)]!)
        const rows = batch.grid[0] * batch.grid[1]
        const width = x!.data.length / rows
        for (let i = 0; i < x!.data.length; i++) {
          const mark = batch.mask!.data[Math.floor(i / width)]
          if (x!.shape.length === 3 && Number(mark) === 0) continue
          const [p, q] = [Number(x!.data[i]), Number(y!.data[i])]
          const sum = sums[t]!
          sum.signal += p * p
          sum.noise += (p - q) ** 2
          sum.largest = Math.max(sum.largest, Math.abs(p - q))
          sum.count++
        }
      })
    }
    for (const { release } of shown) await release()
    tensors.forEach(({ name, sqnr, values: count, maxAbs }, t) => {
      const { signal, noise, largest } = sums[t]!
      expect(count, name).toBe(sums[t]!.count)
      expect(sqnr, name).toBeCloseTo(10 * Math.log10(signal / noise), 3)
      expect(Math.abs(maxAbs - largest), name).toBeLessThan(1e-4 * largest)
    })
    const linear = tensors.filter(({ kind }) => kind === 'linear')
    expect(linear.every(({ added }) => added!.relative > 1e-4)).toBe(true)
    // quantization adds nothing to a norm, and what adds is no worse than what is added up
    const norms = tensors.filter(({ kind }) => kind === 'norm')
    expect(norms.every(({ added }) => added!.relative < 1e-6)).toBe(true)
  })

  it('refuses what has nothing in common, or takes other inputs', async () => {
    const vit = join(exportsRoot, 'vit-image-classification', 'dynamo.onnx')
    const a = join(bert, 'dynamo.onnx')
    await expect(compare({ a, b: vit, threads: 1 })).rejects.toThrow(/input|vocabular|like/)
    const nbits = fixture('quantization', 'matmul', 'float.onnx')
    await expect(compare({ a, b: nbits, threads: 1 })).rejects.toThrow(/has its like in/)
    await expect(compare({ a, b: 'nowhere.onnx' })).rejects.toThrow(/there is no such file/)
    await expect(compare({ a, b: a, variantB: 'model' })).rejects.toThrow(/no variants/)
    await expect(compare({ a, b: a, tolerance: 0 })).rejects.toThrow(/above 0/)
    await expect(compare({ a, b: a, output: 'page.txt' })).rejects.toThrow(/expected a page/)
    const data = { file: join(folder, 'texts.txt') }
    writeFileSync(data.file, 'a text\n')
    await expect(compare({ a, b: a, data })).rejects.toThrow(/no tokenizer.json/)
  })

  interface Shown {
    run(
      feeds: Parameters<Awaited<ReturnType<typeof openInline>>['run']>[0],
    ): ReturnType<Awaited<ReturnType<typeof openInline>>['run']>
    release(): Promise<void>
  }

  /** The tensors of one side, by the names that the comparison gave. */
  async function values(
    graph: Graph,
    tensors: readonly ComparedTensor[],
    side: 'a' | 'b',
  ): Promise<Shown> {
    const named = new Map<string, Value>()
    for (const { outputs } of graph.nodes)
      for (const out of outputs) if (out) named.set(out.name, out)
    const shown = exposeValues(
      graph,
      tensors.map((tensor) => named.get(tensor[side])!),
    )
    const engine = await openInline(onnxBytes(shown, { reader: tensorReader(nodeFiles) }), {
      threads: 1,
    })
    return { run: (feeds) => engine.run(feeds), release: () => engine.release() }
  }
})

/** The graph with one matrix changed by a hundredth. */
function withNoise(graph: Graph): Graph {
  const node = graph.nodes.find(
    ({ origin, op }) => op === 'MatMul' && /layer\.1\.intermediate\.dense$/.test(origin),
  )!
  const value = node.inputs[1]!
  const { tensor, ...rest } = graph.weights.get(value)!
  const old = new Float32Array(materialize(tensor, nodeFiles).slice().buffer)
  const changed = inlineTensor(
    'float32',
    tensor.shape,
    old.map((x, i) => x * (1 + 0.01 * (i % 2))),
  )
  return { ...graph, weights: new Map(graph.weights).set(value, { ...rest, tensor: changed }) }
}
