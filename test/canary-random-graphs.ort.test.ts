/**
 * 1,200 random graphs, built from templates of what the passes look for and mutated, keep their outputs
 * through every pass alone and every pipeline, while each rule both fires and is made to refuse.
 *
 * ONNX Runtime's own optimization is off, so that it cannot hide a wrong rewrite. A failure names the
 * seed: `CANARY_SEED=<seed> CANARY_COUNT=1` repeats that graph alone.
 */
import { describe, expect, it } from 'vitest'
import { GraphBuilder } from '../src/graph/builder.ts'
import type { HostTensor } from '../src/graph/data-type.ts'
import type { Graph } from '../src/graph/graph.ts'
import { printGraph } from '../src/graph/print.ts'
import { float32Tensor } from '../src/graph/tensor.ts'
import { tensorReader } from '../src/onnx/materialize.ts'
import { onnxBytes } from '../src/onnx/write-onnx.ts'
import { verifyGraph } from '../src/ops/verify.ts'
import { eliminateRules } from '../src/passes/eliminate.ts'
import { type Pass, runPasses } from '../src/passes/pass.ts'
import { type Lowering, loweringOpset, pipeline } from '../src/passes/pipelines.ts'
import { tokenMajorRules } from '../src/passes/token-major.ts'
import { openInline } from '../src/runtime/open-inline.ts'
import { type Random, randomFrom } from '../src/stats/random.ts'
import { Draft, type Sample } from './canary-draft.ts'
import { mutators } from './canary-mutators.ts'
import { int8Template, templates } from './canary-templates.ts'

const FIRST = Number(process.env.CANARY_SEED ?? 1)
const COUNT = Number(process.env.CANARY_COUNT ?? 1200)
const { read } = tensorReader()
const lowerings = ['exported', 'portable', 'cpu'] as const
const pipelines = lowerings.map((lowering) => ({ lowering, passes: pipeline({ lowering, read }) }))
const passes = [...new Map(pipelines.flatMap((p) => p.passes).map((p) => [p.name, p])).values()]

type Outputs = Record<string, HostTensor>
type Hits = Map<string, number>

async function run(graph: Graph, feeds: Sample['feeds'], opset = 24): Promise<Outputs> {
  const engine = await openInline(onnxBytes(graph, { opset }), {
    threads: 1,
    optimization: 'disabled',
  })
  try {
    return await engine.run(feeds)
  } finally {
    await engine.release()
  }
}

/**
 * The first element that differs by more than 1e-5, absolute or relative; undefined when none does.
 * Where the original gives NaN (a row whose keys are all masked by -inf), anything is as good.
 */
function difference(expected: Outputs, found: Outputs): string | undefined {
  for (const [name, a] of Object.entries(expected)) {
    const b = found[name]
    if (b?.dtype !== a.dtype) return `${name} is ${b?.dtype}, expected ${a.dtype}`
    if (`${b.shape}` !== `${a.shape}`) return `${name} is [${b.shape}], expected [${a.shape}]`
    for (let i = 0; i < a.data.length; i++) {
      const [x, y] = [Number(a.data[i]), Number(b.data[i])]
      const near = Math.abs(x - y) <= 1e-5 * Math.max(1, Math.abs(x), Math.abs(y))
      if (!near && !Object.is(x, y) && !Number.isNaN(x))
        return `${name}[${i}] is ${y}, expected ${x}`
    }
  }
  return undefined
}

/** Hits of every rule over all pipelines. */
function hitsOf(graph: Graph): Hits {
  const hits: Hits = new Map()
  for (const { passes } of pipelines) {
    for (const record of runPasses(graph, passes).records) {
      for (const [rule, count] of Object.entries(record.hits)) {
        const key = record.pass === 'merge-common' ? 'merge-common' : rule
        hits.set(key, (hits.get(key) ?? 0) + count)
      }
    }
  }
  return hits
}

/** The outputs of a graph; undefined when it is none that runs. */
const tryRun = async (graph: Graph, feeds: Sample['feeds']): Promise<Outputs | undefined> => {
  try {
    return await run(verifyGraph(graph), feeds)
  } catch {
    return undefined
  }
}

/** One mutation, or two of them. */
function mutate(graph: Graph, random: Random): Graph | undefined {
  const choices = Object.values(mutators)
  const once = choices[random.below(choices.length)]!(graph, random)
  if (random.below(2) === 0) return once
  return once && choices[random.below(choices.length)]!(once, random)
}

interface Mutant extends Sample {
  /** Before it was mutated. */
  readonly template: Graph
  readonly outputs: Outputs
}

/** A template that runs, and the first of its mutations that does. */
async function mutantOf(name: string, random: Random): Promise<Mutant> {
  for (let attempt = 0; attempt < 50; attempt++) {
    const draft = new Draft(name, random)
    templates[name]!(draft)
    const { graph: template, feeds } = draft.build()
    if (!(await tryRun(template, feeds))) continue
    for (let mutation = 0; mutation < 10; mutation++) {
      const graph = mutate(template, random)
      const outputs = graph && (await tryRun(graph, feeds))
      if (outputs) return { template, graph, feeds, outputs }
    }
  }
  throw new Error(`no mutant of ${name} runs`)
}

const fired: Hits = new Map()
const refused: Hits = new Map()
const counted = (map: Hits, key: string): void => void map.set(key, (map.get(key) ?? 0) + 1)

async function expectKept({ graph, feeds, outputs }: Mutant, seed: number) {
  const check = async (what: string, pass: readonly Pass[], opset: number) => {
    const result = runPasses(graph, pass).graph
    if (result === graph) return
    let problem: string | undefined
    try {
      problem = difference(outputs, await run(verifyGraph(result), feeds, opset))
    } catch (error) {
      problem = String(error)
    }
    if (problem) {
      const texts = `${printGraph(graph)}\n\n${printGraph(result)}`
      expect.fail(`seed ${seed}, ${graph.name}, ${what}: ${problem}\n${texts}`)
    }
  }
  for (const pass of passes) await check(pass.name, [pass], 24)
  for (const { lowering, passes } of pipelines) {
    await check(lowering, passes, loweringOpset[lowering])
  }
}

describe('random graphs', () => {
  const names = Object.keys(templates)
  const seeds = Array.from({ length: COUNT }, (_, i) => FIRST + i)

  it.each(names)('%s: outputs are kept through every pass and pipeline', async (name) => {
    for (const seed of seeds.filter((candidate) => names[candidate % names.length] === name)) {
      const mutant = await mutantOf(name, randomFrom(seed))
      await expectKept(mutant, seed)
      const [before, after] = [hitsOf(mutant.template), hitsOf(mutant.graph)]
      for (const rule of after.keys()) counted(fired, rule)
      for (const [rule, hits] of before) if ((after.get(rule) ?? 0) < hits) counted(refused, rule)
    }
  })

  it.runIf(COUNT >= 1000)('every rule fired often, and was made to refuse', () => {
    const rules = [...eliminateRules, ...tokenMajorRules].map((rule) => rule.name)
    rules.push('read-one-token', 'narrow-token', 'fold-table', 'split-table', 'fold-affine')
    rules.push('fold-layout', 'fold-constants', 'merge-common', 'shape-source')
    rules.push('additive-mask', 'fuse-attention', 'lower-linear', 'lower-linear-without-bias')
    const seldom = rules.filter((rule) => (fired.get(rule) ?? 0) < 20)
    const eager = rules.filter((rule) => (refused.get(rule) ?? 0) < 3)
    expect({ seldom, eager }).toEqual({ seldom: [], eager: [] })
  })
})

describe('random INT8 graphs', () => {
  const quantize = { scheme: 'dynamic-int8', weightBits: 7 } as const
  const lowered = (graph: Graph, lowering: Lowering) =>
    runPasses(graph, pipeline({ lowering, quantize, read })).graph
  const largest = (a: HostTensor, b: HostTensor): number =>
    (a.data as Float32Array).reduce(
      (max, x, i) => Math.max(max, Math.abs(x - Number(b.data[i]))),
      0,
    )

  it('portable and cpu are near each other and near fp32', async () => {
    const kernels: Hits = new Map()
    for (let seed = 1; seed <= 60; seed++) {
      const random = randomFrom(seed)
      const draft = new Draft('int8', random)
      int8Template(draft)
      const { graph, feeds } = draft.build()
      const [portable, cpu] = [lowered(graph, 'portable'), lowered(graph, 'cpu')]
      const exact = (await run(graph, feeds)).out0!
      const a = (await run(verifyGraph(portable), feeds, 17)).out0!
      const b = (await run(verifyGraph(cpu), feeds)).out0!
      const scale = (exact.data as Float32Array).reduce((max, x) => Math.max(max, Math.abs(x)), 0)
      expect(largest(a, exact), `seed ${seed}, portable`).toBeLessThan(0.06 * scale)
      expect(largest(b, exact), `seed ${seed}, cpu`).toBeLessThan(0.06 * scale)
      expect(largest(a, b), `seed ${seed}, both`).toBeLessThan(0.02 * scale)
      expect(largest(a, exact), `seed ${seed}, not quantized`).toBeGreaterThan(0)
      for (const { op } of [...portable.nodes, ...cpu.nodes]) counted(kernels, op)
    }
    expect(kernels.get('MatMulInteger')).toBeGreaterThan(60)
    expect(kernels.get('MatMulIntegerToFloat')).toBeGreaterThan(60)
  })
})

describe('random operators', () => {
  it.each(lowerings)('%s: are neither merged nor folded', async (lowering) => {
    const b = new GraphBuilder('random')
    const x = b.constant(float32Tensor([0, 0, 0, 0, 0, 0, 0, 0]))
    const draws = ['RandomUniformLike', 'RandomNormalLike'].flatMap((op) => {
      const [first, second] = [b.op(op, [x]), b.op(op, [x])]
      b.output(op, b.op('Sub', [b.op('Identity', [first]), second]))
      return [first, second]
    })
    const graph = runPasses(b.build(), pipeline({ lowering, read })).graph
    // ONNX Runtime 1.30 has no kernel for the random operators of opset 22
    const outputs = await run(verifyGraph(graph), {}, 17)
    expect(graph.nodes.filter((node) => node.op.startsWith('Random'))).toHaveLength(draws.length)
    for (const { data } of Object.values(outputs)) expect(Number(data[0])).not.toBe(0)
  })
})
