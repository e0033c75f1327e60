/**
 * Models that are trained for few bits: their files answer as they were judged, a run that was stopped ends with
 * the same bytes.
 */
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { Checkpoints } from '../src/fit/checkpoints.ts'
import { trainingFeeds } from '../src/fit/training-feeds.ts'
import { hostArray } from '../src/graph/data-type.ts'
import type { Graph } from '../src/graph/graph.ts'
import { nodeFiles } from '../src/hub/node-files.ts'
import { buildVariants } from '../src/jobs/build-variants.ts'
import { cpuWeightBits } from '../src/jobs/export-model.ts'
import { load } from '../src/jobs/load.ts'
import { train } from '../src/jobs/train.ts'
import { writeTrained } from '../src/jobs/train-output.ts'
import { prepareTraining } from '../src/jobs/train-prepare.ts'
import { parseTrainedScheme, trainedPlans } from '../src/jobs/train-quantize.ts'
import { runTraining } from '../src/jobs/train-run.ts'
import { trainSettings } from '../src/jobs/train-settings.ts'
import { materialize, tensorReader } from '../src/onnx/materialize.ts'
import { onnxBytes } from '../src/onnx/write-onnx.ts'
import { quantizePasses, runPasses } from '../src/passes/index.ts'
import type { Feeds } from '../src/runtime/engine.ts'
import { openInline } from '../src/runtime/open-inline.ts'
import { roundedGraph } from '../src/train/for-kernels.ts'
import { scratchFolder } from './support/tensors.ts'
import { writeTinyModel, writeToyData } from './support/tiny-model.ts'

const cwd = scratchFolder()
const quick = { threads: 1, steps: 6, evaluateEvery: 3, learningRate: 3e-3 }
let [base, data, dev] = ['', { file: '' }, '']
beforeAll(() => {
  // as wide as the smallest weight that is rounded
  base = writeTinyModel(join(cwd, 'base'), [64, 128])
  data = { file: writeToyData(join(cwd, 'train.tsv'), 160, 1) }
  dev = writeToyData(join(cwd, 'dev.tsv'), 48, 2)
})

const RANGES = 'range/activations'
const STATIC = 'static-int8:per-tensor,weight-bits=7'
const FEW = 'static-int8:per-tensor,weight-bits=4'

/** A run to its end, once each. */
function trained(quantize: string) {
  const known = runs.get(quantize) ?? run(quantize)
  runs.set(quantize, known)
  return known
}
const runs = new Map<string, ReturnType<typeof run>>()

async function run(quantize: string) {
  const settings = trainSettings({ ...quick, quantize })
  const prepared = await prepareTraining(base, { data, dev }, settings)
  const checkpoints = new Checkpoints(join(cwd, `${quantize}.training`), { quantize })
  const { weights } = await runTraining(prepared, { checkpoints, from: undefined })
  return { prepared, scheme: settings.quantize!, learned: checkpoints.learned(weights) }
}

async function logitsOf(model: Uint8Array, feeds: Feeds): Promise<number[]> {
  const engine = await openInline(model, { threads: 1, optimization: 'disabled' })
  const { logits } = await engine.run(feeds)
  await engine.release()
  return Array.from(logits!.data as Float32Array)
}

const largest = (values: readonly number[]) => Math.max(...values.map(Math.abs))
const apart = (a: readonly number[], b: readonly number[]) => largest(a.map((x, i) => x - b[i]!))
const bytesOf = (graph: Graph) => onnxBytes(graph, { reader: tensorReader(nodeFiles) })

describe('a file', () => {
  it.each([
    [STATIC, ['onnx/model_static.onnx', 'onnx/model_cpu_static.onnx']],
    [FEW, ['onnx/model_static.onnx', 'onnx/model_cpu_static.onnx']],
    ['int4:accuracy-level=0', ['onnx/model_q4.onnx', 'onnx/model_cpu_q4.onnx']],
  ])('answers within a step of INT8 as the model was judged: %s', async (text, files) => {
    const { prepared, scheme, learned } = await trained(text)
    const folder = join(cwd, text.replaceAll(/\W/g, '-'))
    mkdirSync(folder)
    const { model, training, data: read } = prepared
    writeTrained(model, learned, base, folder)
    const plans = trainedPlans(scheme, training, learned)
    expect(plans.map(({ file }) => file)).toEqual(files)
    buildVariants({ model: folder, folder, variants: plans })
    const { graph } = load(folder)
    const marked = runPasses(graph, quantizePasses(plans[0]!.quantize, 'before')).graph
    const examples = read.training.examples.slice(0, 32)
    const { input_ids, attention_mask, token_type_ids } = trainingFeeds(examples, [], read.feeds)
    const feeds = { input_ids, attention_mask, token_type_ids } as Feeds
    const ranges = learned.get(RANGES)
    expect(ranges !== undefined).toBe(text.startsWith('static'))
    const kept = ranges && {
      [RANGES]: {
        ...{ dtype: ranges.dtype, shape: ranges.shape },
        data: hostArray(ranges.dtype, materialize(ranges, nodeFiles)),
      },
    }
    const rounded = bytesOf(roundedGraph(marked, training.ranges))
    const judged = await logitsOf(rounded, { ...feeds, ...kept })
    const exact = await logitsOf(bytesOf(graph), feeds)
    const step = (Math.max(...judged) - Math.min(...judged)) / 255
    for (const { file } of plans) {
      const answers = await logitsOf(readFileSync(join(folder, file)), feeds)
      expect(apart(answers, judged), file).toBeLessThan(step)
      expect(apart(answers, judged)).toBeLessThan(0.25 * apart(exact, judged))
    }
  })
})

it('8-bit weights are written for this CPU alone', async () => {
  const { prepared, learned } = await trained(STATIC)
  const plans = trainedPlans(parseTrainedScheme('static-int8'), prepared.training, learned)
  const targets = plans.map(({ lowering }) => lowering)
  expect(targets).toEqual(cpuWeightBits() === 8 ? ['cpu'] : ['portable', 'cpu'])
})

it('goes on from a checkpoint to the same weights and ranges', async () => {
  const whole = await trained(STATIC)
  const settings = trainSettings({ ...quick, quantize: STATIC })
  const prepared = await prepareTraining(base, { data, dev }, settings)
  const checkpoints = new Checkpoints(join(cwd, 'part.training'), {})
  // stops after its first step
  const stopped = { checkpoints, from: undefined, signal: AbortSignal.abort() }
  await expect(runTraining(prepared, stopped)).rejects.toThrow('Cancelled after step 1')
  const { weights } = await runTraining(prepared, { checkpoints, from: checkpoints.read() })
  const learned = checkpoints.learned(weights)
  expect([...learned.keys()]).toContain(RANGES)
  for (const [name, tensor] of learned) {
    const [mine, theirs] = [tensor, whole.learned.get(name)!].map((t) => materialize(t, nodeFiles))
    expect(Buffer.from(mine!).equals(Buffer.from(theirs!)), name).toBe(true)
  }
})

it('layers are skipped while a model learns', async () => {
  const settings = trainSettings({ ...quick, layerDrop: 0.5 })
  const prepared = await prepareTraining(base, { data }, settings)
  const { data: keep } = prepared.training.feeds({ step: 1, learningRate: 0 })['layerdrop/keep']!
  expect(keep.length).toBe(2)
  const checkpoints = new Checkpoints(join(cwd, 'skipping.training'), {})
  const { progress } = await runTraining(prepared, { checkpoints, from: undefined })
  expect(progress.step).toBe(quick.steps)
})

describe('--quantize', () => {
  it('reads settings by their names', () => {
    expect(parseTrainedScheme('int4:block=64,symmetric')).toEqual({
      ...{ scheme: 'int4', block: 64, symmetric: true },
    })
  })

  it.each([
    ['int3', 'int3 is no scheme to train for'],
    ['fp16', 'fp16 is no scheme to train for'],
    ['static-int8:block=64', 'block=64 is no setting of static-int8'],
    ['static-int8:weight-bits=3', 'weight-bits=3'],
    ['', 'nothing is no scheme to train for'],
  ])('refuses %s', (text, message) => {
    expect(() => parseTrainedScheme(text)).toThrow(message)
  })

  it('goes with neither adapters nor half floats', async () => {
    const asked = { model: base, data, quantize: 'int4', output: join(cwd, 'never') }
    await expect(train({ ...asked, lora: 2 })).rejects.toThrow('--quantize rounds the matrices')
    await expect(train({ ...asked, dtype: 'float16' })).rejects.toThrow('--dtype float16 rounds')
  })
})
