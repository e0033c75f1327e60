/** A file as on another CPU: where its products saturate other answers and counts, elsewhere nothing to run. */
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { writeVariant } from '../src/jobs/build-variants.ts'
import { load } from '../src/jobs/load.ts'
import { withSimulation } from '../src/jobs/simulate.ts'
import { outputsOf, verificationFeeds } from '../src/jobs/verify.ts'
import { saturationText } from '../src/report/simulation.ts'
import { example } from './support/command.ts'
import { maxDifference, scratchFolder } from './support/tensors.ts'

const model = load(example)
const feeds = verificationFeeds(model, []).slice(0, 1)

function written(weightBits: 7 | 8): string {
  const folder = join(scratchFolder(), String(weightBits))
  const quantize = { scheme: 'dynamic-int8', weightBits } as const
  const plan = { name: 'INT8', file: 'model.onnx', lowering: 'cpu', quantize } as const
  return join(folder, writeVariant(model.graph, plan, folder).file)
}

it('answers as AVX2 would, and tells where it saturated', async () => {
  const file = written(8)
  const [exact] = await outputsOf(file, feeds, 'limbeck')
  const { layers, result } = await withSimulation('avx2', file, { threads: 1 }, async (engine) => {
    expect(engine.outputs.map(({ name }) => name)).toEqual(['logits'])
    return engine.run(feeds[0]!)
  })
  expect(Object.keys(result!)).toEqual(['logits'])
  expect(layers).toMatchObject({ cpu: 'avx2', saturates: true, skipped: [] })
  expect(layers.products).toBeGreaterThan(5)
  expect(layers.possible).toBeLessThanOrEqual(layers.products)
  // some weights are large enough; what few sums lose hardly shows
  expect(layers.possible).toBeGreaterThan(0)
  expect(maxDifference(result!.logits!, exact!.logits!)).toBeLessThan(1)
  expect(saturationText(layers)).toMatch(/^(none|\d+) of (the )?\d+ products saturate/)
})

it('runs nothing where nothing can saturate', async () => {
  const body = () => Promise.reject(new Error('it ran'))
  const seven = await withSimulation('avx512', written(7), {}, body)
  expect(seven.layers).toMatchObject({ saturates: true, possible: 0, saturated: [] })
  expect(seven.layers.products).toBeGreaterThan(5)
  expect(saturationText(seven.layers)).toMatch(/^none of the \d+ products can saturate$/)
  const exact = await withSimulation('vnni', written(8), {}, body)
  expect(exact).toEqual({
    layers: { cpu: 'vnni', saturates: false, products: 0, possible: 0, saturated: [], skipped: [] },
  })
  await expect(withSimulation('sse9', 'model.onnx', {}, body)).rejects.toThrow('sse9')
})
