/**
 * Random foreign graphs, mutated, keep their outputs through every pass of `raise` and through all of them
 * and the CPU's lowering, at two shapes, while each rule both fires and is made to refuse.
 *
 * A failure names the seed: `CANARY_SEED=<seed> CANARY_COUNT=1` and `-t <template>` repeat that graph alone.
 */
import { describe, expect, it } from 'vitest'
import { type HostTensor, hostArray } from '../src/graph/data-type.ts'
import type { Graph } from '../src/graph/graph.ts'
import { printGraph } from '../src/graph/print.ts'
import { tensorReader } from '../src/onnx/materialize.ts'
import { onnxBytes } from '../src/onnx/write-onnx.ts'
import { verifyGraph } from '../src/ops/verify.ts'
import { type Pass, runPasses } from '../src/passes/pass.ts'
import { pipeline } from '../src/passes/pipelines.ts'
import { raise } from '../src/passes/raise/raise.ts'
import { openInline } from '../src/runtime/open-inline.ts'
import { type Random, randomFrom } from '../src/stats/random.ts'
import { Draft } from './canary-draft.ts'
import { mutators } from './canary-mutators.ts'
import { raiseTemplates } from './canary-raise-templates.ts'

const FIRST = Number(process.env.CANARY_SEED ?? 1)
/** Ten rounds, in each of which every template has its turns; or as many graphs of each as are asked for. */
const COUNT = process.env.CANARY_COUNT ? Number(process.env.CANARY_COUNT) : undefined
const { read } = tensorReader()
const raising = raise(read)
const roads: readonly [string, readonly Pass[]][] = [
  ...raising.map((pass): [string, readonly Pass[]] => [pass.name, [pass]]),
  ['raise', raising],
  ['raise and lower', [...raising, ...pipeline({ lowering: 'cpu', read })]],
]

type Tensors = Readonly<Record<string, HostTensor>>

async function run(graph: Graph, feeds: readonly Tensors[]): Promise<Tensors[]> {
  const engine = await openInline(onnxBytes(verifyGraph(graph), { opset: 24 }), {
    threads: 1,
    optimization: 'disabled',
  })
  try {
    const outputs: Tensors[] = []
    for (const one of feeds) outputs.push(await engine.run(one))
    return outputs
  } finally {
    await engine.release()
  }
}

/** The outputs at the first shape, and at the second where the graph runs there; undefined if at neither. */
async function tryRun(graph: Graph, feeds: readonly Tensors[]): Promise<Tensors[] | undefined> {
  for (let count = feeds.length; count > 0; count--) {
    try {
      return await run(graph, feeds.slice(0, count))
    } catch {}
  }
  return undefined
}

/** The first element that differs by more than 1e-4; where the original gives NaN, anything is as good. */
function difference(expected: Tensors, found: Tensors): string | undefined {
  for (const [name, a] of Object.entries(expected)) {
    const b = found[name]
    if (b?.dtype !== a.dtype) return `${name} is ${b?.dtype}, expected ${a.dtype}`
    if (`${b.shape}` !== `${a.shape}`) return `${name} is [${b.shape}], expected [${a.shape}]`
    for (let i = 0; i < a.data.length; i++) {
      const [x, y] = [Number(a.data[i]), Number(b.data[i])]
      const near = Math.abs(x - y) <= 1e-4 * Math.max(1, Math.abs(x), Math.abs(y))
      if (!near && !Object.is(x, y) && !Number.isNaN(x))
        return `${name}[${i}] is ${y}, expected ${x}`
    }
  }
  return undefined
}

/** What scores at most this is masked. */
const LOW = -1e30

/**
 * True when a Softmax has a row of masked scores alone: what it then gives, even NaN, is no answer, and where two
 * masks meet it follows from how their lowest numbers are added.
 */
async function hasHiddenRow(graph: Graph, feeds: Tensors): Promise<boolean> {
  const inputs = graph.nodes
    .filter((node) => node.op === 'Softmax')
    .map((node, i) => ({ name: `scores${i}`, value: node.inputs[0]! }))
    .filter(({ value }) => !graph.outputs.some((port) => port.value === value))
  const [found] = inputs.length > 0 ? await run({ ...graph, outputs: inputs }, [feeds]) : []
  return Object.values(found ?? {}).some(({ shape, data }) => {
    const columns = shape.at(-1)!
    const rows = Array.from({ length: data.length / columns }, (_, row) =>
      Array.from({ length: columns }, (_, i) => Number(data[row * columns + i])),
    )
    return rows.some((row) => !row.some((score) => score > LOW) || row.some((s) => s > -LOW))
  })
}

interface Mutant {
  readonly template: Graph
  readonly graph: Graph
  readonly feeds: readonly Tensors[]
  readonly outputs: readonly Tensors[]
}

/** A constant that is an input instead. */
const weightAsInput: (typeof mutators)[string] = (graph, random) => {
  const values = [...graph.weights.keys()]
  const value = values[random.below(values.length)]
  if (!value) return undefined
  const weights = new Map([...graph.weights].filter(([other]) => other !== value))
  const port = { name: `weight${graph.inputs.length}`, value }
  return { ...graph, inputs: [...graph.inputs, port], weights }
}
const changes = [...Object.values(mutators), weightAsInput]

/** One change at least in four of five graphs; at times two. */
function mutate(graph: Graph, random: Random): Graph | undefined {
  let changed: Graph | undefined = graph
  for (let count = [0, 1, 1, 1, 2][random.below(5)]!; changed && count > 0; count--) {
    changed = changes[random.below(changes.length)]!(changed, random)
  }
  return changed
}

/** Feeds of what were weights before. */
const withWeights = (graph: Graph, template: Graph, feeds: Tensors): Tensors => ({
  ...feeds,
  ...Object.fromEntries(
    graph.inputs.flatMap(({ name, value }) => {
      const tensor = template.weights.get(value)?.tensor
      if (!tensor) return []
      return [[name, { ...tensor, data: hostArray(tensor.dtype, read(tensor)) } as HostTensor]]
    }),
  ),
})

/** A template that runs, and the first of its mutations that does. */
async function mutantOf(name: string, random: Random): Promise<Mutant> {
  for (let attempt = 0; attempt < 50; attempt++) {
    const draft = new Draft(name, random)
    raiseTemplates[name]![0](draft)
    const { graph: template, feeds } = draft.build()
    if (!(await tryRun(template, [feeds]))) continue
    for (let mutation = 0; mutation < 8; mutation++) {
      const graph = mutate(template, random)
      if (!graph) continue
      const both = [feeds, ...draft.otherFeeds()].map((one) => withWeights(graph, template, one))
      const outputs = await tryRun(graph, both)
      if (!outputs || (await hasHiddenRow(graph, both[0]!))) continue
      return { template, graph, feeds: both.slice(0, outputs.length), outputs }
    }
  }
  throw new Error(`no mutant of ${name} runs`)
}

/** A stream of each template's own: a new one leaves the graphs of the others as they are. */
const streamOf = (name: string, seed: number): Random =>
  randomFrom([...name].reduce((sum, at) => (Math.imul(sum, 31) + at.charCodeAt(0)) >>> 0, seed))

async function expectKept({ graph, feeds, outputs }: Mutant, seed: number): Promise<void> {
  for (const [what, passes] of roads) {
    const result = runPasses(graph, passes).graph
    if (result === graph) continue
    let problem: string | undefined
    try {
      const found = await run(result, feeds)
      problem = found.map((tensors, i) => difference(outputs[i]!, tensors)).find((one) => one)
    } catch (error) {
      problem = String(error)
    }
    if (problem) {
      const texts = `${printGraph(graph)}\n\n${printGraph(result)}`
      expect.fail(`seed ${seed}, ${graph.name}, ${what}: ${problem}\n${texts}`)
    }
  }
}

const hitsOf = (graph: Graph): ReadonlyMap<string, number> => {
  const hits = new Map<string, number>()
  for (const record of runPasses(graph, raising).records) {
    for (const [rule, count] of Object.entries(record.hits)) {
      hits.set(rule, (hits.get(rule) ?? 0) + count)
    }
  }
  return hits
}

describe('random foreign graphs', () => {
  const fired = new Map<string, number>()
  const refused = new Map<string, number>()
  const count = (map: Map<string, number>, key: string) => map.set(key, (map.get(key) ?? 0) + 1)
  const templates = Object.entries(raiseTemplates)

  it.each(templates)('%s: outputs are kept by what raises them', async (name, [, turns]) => {
    for (let seed = FIRST; seed < FIRST + (COUNT ?? 10 * turns); seed++) {
      const mutant = await mutantOf(name, streamOf(name, seed))
      await expectKept(mutant, seed)
      const [before, after] = [hitsOf(mutant.template), hitsOf(mutant.graph)]
      for (const rule of after.keys()) count(fired, rule)
      for (const [rule, hits] of before) if ((after.get(rule) ?? 0) < hits) count(refused, rule)
    }
  })

  it.runIf(COUNT === undefined)('every rule fired often, and was made to refuse', () => {
    const rules = new Set(
      raising.flatMap((pass) =>
        runPasses(raiseNothing, [pass]).records.flatMap(({ rules }) =>
          rules.map(({ rule }) => rule),
        ),
      ),
    )
    // statistics of the batch are switched off on purpose: the answers change
    const own = [...rules].filter(
      (rule) => !/^(eliminate|merge|fold)-|^switch-off-batch/.test(rule),
    )
    const below = (map: ReadonlyMap<string, number>, least: number) =>
      own
        .filter((rule) => (map.get(rule) ?? 0) < least)
        .map((rule) => `${rule}: ${map.get(rule) ?? 0}`)
    expect(own.length).toBeGreaterThan(15)
    expect({ fired: below(fired, 20), refused: below(refused, 3) }).toEqual({
      fired: [],
      refused: [],
    })
  })
})

/** A graph of one node, which no rule is about. */
const raiseNothing: Graph = (() => {
  const draft = new Draft('nothing', randomFrom(1))
  draft.output(draft.b.op('Neg', [draft.input([2])]))
  return draft.build().graph
})()
