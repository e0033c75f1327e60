/** Profiles as ONNX Runtime writes them: runs, names, fusion, memory, and files that are none. */
import { expect, it } from 'vitest'
import { LimbeckError } from '../errors.ts'
import { parseProfile } from './profile.ts'

interface Node {
  readonly name: string
  readonly us: number
  readonly kernel?: string
  /** Bytes asked for after the node, and what the node added. */
  readonly memory?: readonly [number, number]
}

const node = ({ name, us, kernel = 'Gemm', memory: [used, added] = [0, 0] }: Node) => ({
  cat: 'Node',
  name: `${name}_kernel_time`,
  dur: us,
  args: {
    op_name: kernel,
    mem_bytes_requested_in_use: `${used}`,
    mem_requested_in_use_delta: `${added}`,
    mem_bytes_in_use: `${used}`,
    mem_in_use_delta: `${added}`,
    mem_in_use_peak: `${used + 7}`,
  },
})
const session = (name: string, dur: number) => ({ cat: 'Session', name, dur, args: {} })
const run = (...nodes: Node[]) => [
  ...nodes.map(node),
  session('SequentialExecutor::Execute', 1),
  session('model_run', 5000),
]
const profile = (...runs: (readonly unknown[])[]) =>
  JSON.stringify([session('session_initialization', 9), ...runs.flat()])

it('takes the median over runs after the warm-up, and the least', () => {
  const times = [9000, 8000, 1000, 3000, 2000]
  const { runs, runMs, nodes } = parseProfile(
    profile(...times.map((us) => run({ name: 'encoder.layer.0.output/Gemm_2', us }))),
  )
  expect([runs, runMs]).toEqual([3, 5])
  expect(nodes).toEqual([
    {
      name: 'encoder.layer.0.output/Gemm_2',
      origin: 'encoder.layer.0.output',
      op: 'Gemm',
      kernel: 'Gemm',
      ms: 2,
      leastMs: 1,
    },
  ])
})

it('the last run counts, however few there are', () => {
  expect(parseProfile(profile(run({ name: 'Add', us: 4000 }))).nodes[0]).toMatchObject({
    origin: '',
    op: 'Add',
    ms: 4,
  })
})

it('adds up a node that runs more than once, and keeps the name of a fused one', () => {
  const twice = { name: 'body/Add', us: 1000, kernel: 'Add' }
  const fused = { name: 'fused pooler.dense/Gemm', us: 500, kernel: 'FusedGemm' }
  const { nodes } = parseProfile(profile(run(twice, twice, fused)))
  expect(nodes.map(({ origin, op, kernel, ms }) => [origin, op, kernel, ms])).toEqual([
    ['body', 'Add', 'Add', 2],
    ['pooler.dense', 'Gemm', 'FusedGemm', 0.5],
  ])
})

it('reads memory from the first run, less what was there before it', () => {
  const first = run(
    { name: 'A', us: 1, memory: [1100, 100] },
    { name: 'B', us: 1, memory: [1400, 300] },
    { name: 'C', us: 1, memory: [1200, 0] },
  )
  const later = run({ name: 'A', us: 1, memory: [9000, 0] })
  expect(parseProfile(profile(first, later))).toMatchObject({
    activationBytes: 400,
    arenaBytes: 207,
  })
})

it.each(['', '{}', '[{"cat":"Node"', '[]'])('%j is no profile', (text) => {
  expect(() => parseProfile(text)).toThrow(LimbeckError)
})
