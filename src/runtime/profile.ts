/**
 * ONNX Runtime's profile (a Chrome trace) as times and memory of nodes.
 *
 * Node names are the writer's, `encoder.layer.3.output.dense/Gemm_2`: module path and operator. A node that
 * ONNX Runtime fused keeps one of the names; `kernel` says what really ran. The first runs warm caches and
 * memory up and are not timed; memory is read from the very first, before buffers are planned as one block.
 */
import { LimbeckError } from '../errors.ts'
import { median } from '../stats/quantile.ts'

/** A node of the session, its time the median over runs. */
export interface ProfiledNode {
  readonly name: string
  /** Module path, empty where the name holds none. */
  readonly origin: string
  /** Operator as the file names it. */
  readonly op: string
  /** Operator that ran. */
  readonly kernel: string
  readonly ms: number
  /** The quickest run: what the machine can do when it is left alone. */
  readonly leastMs: number
}

export interface Profile {
  /** Runs that were timed. */
  readonly runs: number
  /** In the order of execution. */
  readonly nodes: readonly ProfiledNode[]
  /** Of a whole run, what stands between its nodes included. */
  readonly runMs: number
  /** The most that node outputs took at once; undefined where this version does not say. */
  readonly activationBytes: number | undefined
  /** The same with what kernels take for themselves and what the arena rounds up. */
  readonly arenaBytes: number | undefined
}

interface Event {
  readonly cat: string
  readonly name: string
  readonly dur: number
  readonly args: Readonly<Record<string, unknown>>
}

const SUFFIX = '_kernel_time'

/**
 * Reads a profile.
 * @param warmup runs whose times do not count; the last one always does.
 * @throws LimbeckError `runtime` for anything that is no profile of a run.
 */
export function parseProfile(text: string, warmup = 2): Profile {
  const runs = runsOf(text)
  const last = runs.at(-1)
  if (!last) throw new LimbeckError('runtime', 'the profile holds no run.')
  const timed = runs.slice(Math.min(warmup, runs.length - 1))
  const times = new Map<string, { readonly event: Event; readonly ms: number[] }>()
  timed.forEach(({ nodes }, run) => {
    for (const event of nodes) {
      const entry = times.get(event.name) ?? { event, ms: timed.map(() => 0) }
      times.set(event.name, entry)
      entry.ms[run]! += event.dur / 1000
    }
  })
  return {
    runs: timed.length,
    nodes: [...times.values()].map(({ event, ms }) => nodeOf(event, ms)),
    runMs: median(timed.map(({ ms }) => ms)),
    ...memoryOf(runs[0]!.nodes),
  }
}

interface Run {
  readonly nodes: readonly Event[]
  readonly ms: number
}

/** Nodes stand before the event of their run. */
function runsOf(text: string): Run[] {
  const runs: Run[] = []
  let nodes: Event[] = []
  for (const event of eventsOf(text)) {
    if (event.cat === 'Node' && event.name.endsWith(SUFFIX)) nodes.push(event)
    if (event.cat !== 'Session' || event.name !== 'model_run') continue
    runs.push({ nodes, ms: event.dur / 1000 })
    nodes = []
  }
  return runs
}

function eventsOf(text: string): readonly Event[] {
  try {
    const events = JSON.parse(text) as unknown
    if (Array.isArray(events)) return events as Event[]
  } catch {
    // half a file: the process ended before it was written
  }
  throw new LimbeckError('runtime', 'the profile is not a list of events.')
}

function nodeOf({ name, args }: Event, ms: readonly number[]): ProfiledNode {
  // a fused activation puts a word before the name
  const full = name.slice(0, -SUFFIX.length).replace(/^fused /, '')
  const slash = full.lastIndexOf('/')
  return {
    name: full,
    // exporters put slashes between modules, too
    origin: slash < 0 ? '' : full.slice(0, slash).split('/').filter(Boolean).join('.'),
    op: full.slice(slash + 1).replace(/_\d+$/, ''),
    kernel: String(args.op_name),
    ms: median(ms),
    leastMs: Math.min(...ms),
  }
}

function memoryOf(nodes: readonly Event[]): Pick<Profile, 'activationBytes' | 'arenaBytes'> {
  const number = (event: Event | undefined, key: string) => Number(event?.args[key] ?? Number.NaN)
  const [first] = nodes
  const before =
    number(first, 'mem_bytes_requested_in_use') - number(first, 'mem_requested_in_use_delta')
  const arenaBefore = number(first, 'mem_bytes_in_use') - number(first, 'mem_in_use_delta')
  const most = (key: string) => Math.max(...nodes.map((node) => number(node, key)))
  const known = (bytes: number) => (Number.isFinite(bytes) ? bytes : undefined)
  return {
    activationBytes: known(most('mem_bytes_requested_in_use') - before),
    arenaBytes: known(number(nodes.at(-1), 'mem_in_use_peak') - arenaBefore),
  }
}
