/**
 * Every scheme of the reference quantizer beside ours with the same settings (min-max, a scale a column or a
 * tensor), on a tiny BERT: what its own files lose and what ours lose against fp32, on the recorded texts and on
 * sixty batches of random ones. The recorded texts have nine logits, whose largest error is chance: it moves by a
 * half either way when a scale anywhere is changed a little. The mean over the batches is what counts.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, it } from 'vitest'
import { calibrateLayers } from '../src/fit/calibrate.ts'
import type { HostTensor } from '../src/graph/data-type.ts'
import type { Graph } from '../src/graph/graph.ts'
import { nodeFiles } from '../src/hub/node-files.ts'
import { quantizeSchemes } from '../src/jobs/quantize-schemes.ts'
import { readOnnx } from '../src/onnx/index.ts'
import { tensorReader } from '../src/onnx/materialize.ts'
import { onnxBytes } from '../src/onnx/write-onnx.ts'
import { type Lowering, type Quantization, raise, runPasses } from '../src/passes/index.ts'
import { loweringOpset, pipeline } from '../src/passes/pipelines.ts'
import type { LayerRanges } from '../src/passes/quantize-static.ts'
import { openInline } from '../src/runtime/index.ts'
import { randomFrom } from '../src/stats/random.ts'
import { exportsRoot, recorded } from './support/exports.ts'
import { describeWith, fixture } from './support/fixtures.ts'
import { maxDifference, readTensors, withPrefix } from './support/tensors.ts'

type Feeds = Record<string, HostTensor>
type Target = Exclude<Lowering, 'exported'>

const file = 'bert-sequence-classification/torchscript.onnx'
const root = fixture('quantization')
const usual = { weightBits: 8, smallest: 0 } as const
const dynamic = { scheme: 'dynamic-int8', ...usual } as const

/** The reference's file, our settings, and our largest error on the nine logits where it is above the reference's. */
const schemes: readonly (readonly [
  string,
  (ranges: Record<string, LayerRanges>, target: Target) => Quantization,
  number?,
])[] = [
  ['bert-dynamic/per_channel', () => dynamic, 0.0122],
  ['bert-dynamic/per_tensor', () => ({ ...dynamic, granularity: 'tensor' })],
  ['bert-static/qdq_per_channel', (ranges) => fixed({ ranges, form: 'qdq' })],
  ['bert-static/qdq_per_channel', (ranges) => fixed({ ranges, form: 'cpu' })],
  ['bert-static/qdq_per_tensor', (ranges) => fixed({ ranges, form: 'qdq', granularity: 'tensor' })],
  ['bert-static/qoperator_per_channel', (ranges) => fixed({ ranges, form: 'qoperator' }), 0.0228],
  ['bert-fp16/model', (_, target) => quantizeSchemes.fp16.plan({}, half(target))],
]

type Static = Extract<Quantization, { scheme: 'static-int8' }>
const fixed = (how: Omit<Static, 'scheme' | 'weightBits'>): Quantization => ({
  scheme: 'static-int8',
  ...usual,
  ...how,
})
const half = (target: Target) =>
  ({ target, cpuBits: 8, exclude: undefined, parts: undefined }) as const

describeWith(root, 'accuracy beside the reference quantizer', () => {
  const reader = tensorReader(nodeFiles)
  const path = join(exportsRoot, file)
  const batches = [recorded(file, 'in.'), ...randomTexts(60)]
  let graph: Graph
  let ranges: Record<string, LayerRanges>
  let exact: HostTensor[]
  beforeAll(async () => {
    graph = runPasses(readOnnx(path, nodeFiles), raise(reader.read)).graph
    const stored = readTensors(join(root, 'bert-static/calibration.safetensors'))
    const seen = [0, 1, 2, 3].map((i) => withPrefix(stored, `batch${i}.`))
    // the reference looks at padding too
    ranges = await calibrateLayers(graph, seen, { method: 'min-max', outputs: true, mask: '' })
    exact = await logitsOf(readFileSync(path), batches)
  })

  const errors = (found: readonly HostTensor[]) => {
    const largest = found.map((logits, i) => maxDifference(logits, exact[i]))
    const [nine, ...others] = largest as [number, ...number[]]
    return { nine, mean: others.reduce((sum, error) => sum + error, 0) / others.length }
  }

  const cases = schemes.flatMap(([name, settings, known]) =>
    (['cpu', 'portable'] as const).map((lowering) => ({ lowering, name, settings, known })),
  )
  it.each(cases)('$name, $lowering', async ({ lowering, name, settings, known }) => {
    const theirs = errors(await logitsOf(readFileSync(join(root, `${name}.onnx`)), batches))
    const quantize = settings(ranges, lowering)
    const passes = pipeline({ lowering, quantize, read: reader.read })
    const { graph: lowered } = runPasses(graph, passes)
    const bytes = onnxBytes(lowered, { opset: loweringOpset[lowering], reader })
    const ours = errors(await logitsOf(bytes, batches))
    expect(ours.mean).toBeLessThanOrEqual(theirs.mean)
    expect(ours.nine).toBeLessThanOrEqual(known ?? theirs.nine)
    expect(ours.nine).toBeGreaterThan(1e-5)
  })
})

async function logitsOf(model: Uint8Array, batches: readonly Feeds[]): Promise<HostTensor[]> {
  const engine = await openInline(model, { threads: 1, optimization: 'default' })
  try {
    const found: HostTensor[] = []
    for (const feeds of batches) found.push((await engine.run(feeds)).logits!)
    return found
  } finally {
    await engine.release()
  }
}

/** Batches of three texts of random words, lengths and kinds, padded on the right. */
function randomTexts(count: number): Feeds[] {
  const random = randomFrom(11)
  const below = (limit: number) => Math.floor(random.uniform() * limit)
  return Array.from({ length: count }, () => {
    const shape = [3, 4 + below(20)] as const
    const lengths = [0, 1, 2].map(() => 2 + below(shape[1] - 1))
    const filled = (value: (row: number, at: number) => number): HostTensor => ({
      dtype: 'int64',
      shape,
      data: BigInt64Array.from({ length: shape[0] * shape[1] }, (_, i) =>
        BigInt(value(Math.floor(i / shape[1]), i % shape[1])),
      ),
    })
    return {
      input_ids: filled(() => 1 + below(118)),
      attention_mask: filled((row, at) => Number(at < lengths[row]!)),
      token_type_ids: filled(() => below(2)),
    }
  })
}
