/**
 * OpenVINO and CTranslate2 through `peers.py`: every measurement of anyone is a process of its own that
 * loads its INT8 model, warms up with 3 runs and times 20; the processes take turns in random order.
 */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { parseShapes, type TimedCandidate, timeInterleaved } from '../src/bench/index.ts'
import { openProcess } from '../src/runtime/index.ts'
import { feeds, type ModelFiles, ours } from './model-files.ts'
import { rivalsFolder } from './places.ts'
import type { Race, Wanted } from './race.ts'

const titles = { openvino: 'OpenVINO INT8', ctranslate2: 'CTranslate2 INT8' } as const

/** Bounds by shape. */
export const wantedOfPeers: Readonly<Record<string, readonly Wanted[]>> = {
  '1x128': [
    { ours: ours.int8, rival: titles.openvino, bound: 1.05 },
    { ours: ours.int8, rival: titles.ctranslate2, bound: 1.15 },
  ],
  '8x128': [
    { ours: ours.int8, rival: titles.openvino, bound: 1.0 },
    { ours: ours.int8, rival: titles.ctranslate2, bound: 1.15 },
  ],
}

const WARM = 3
const RUNS = 20
const script = join(rivalsFolder, 'peers.py')
const run = promisify(execFile)

/** A Python with the peers' packages, and their models. */
export interface Peers {
  readonly python: string
  readonly folder: string
  readonly versions: Readonly<Record<string, string>>
}

/** The Python that has the peers, or one line that says why they do not race. */
export async function findPeers(): Promise<Omit<Peers, 'folder'> | string> {
  const python = process.env.LIMBECK_PEERS_PYTHON
  if (!python) return 'LIMBECK_PEERS_PYTHON is not set'
  if (!existsSync(python)) return 'LIMBECK_PEERS_PYTHON names no file'
  const names = ['openvino', 'nncf', 'ctranslate2', 'transformers', 'torch']
  const ask = `import json, importlib.metadata as m; print(json.dumps({n: m.version(n) for n in ${JSON.stringify(names)}}))`
  try {
    return { python, versions: JSON.parse((await run(python, ['-c', ask])).stdout) }
  } catch {
    return `its packages are not all there (${names.join(', ')})`
  }
}

/** Makes the peers' INT8 models from the rivals' files; takes about a minute. */
export async function preparePeers(
  peers: Omit<Peers, 'folder'>,
  files: ModelFiles,
  folder: string,
): Promise<Peers> {
  await run(peers.python, [script, 'prepare', files.rivals, folder], { maxBuffer: 1 << 26 })
  return { ...peers, folder }
}

/** One race of Limbeck's INT8 file and the peers. */
export async function racePeers(
  peers: Peers,
  files: ModelFiles,
  shape: string,
  rounds: number,
): Promise<Race> {
  const peer = (runtime: keyof typeof titles): TimedCandidate => ({
    name: titles[runtime],
    run: () => timePeer(peers, runtime, shape),
  })
  const candidates = [
    { name: ours.int8, run: () => timeOurs(files.int8, shape) },
    peer('openvino'),
    peer('ctranslate2'),
  ]
  // every process warms itself up
  const length = { warmup: 0, minRounds: rounds, maxRounds: rounds }
  const timings = await timeInterleaved(candidates, length)
  return { title: `peers, ${shape}`, shape, threads: 1, timings }
}

async function timePeer(peers: Peers, runtime: string, shape: string): Promise<number[]> {
  const args = [script, 'time', peers.folder, runtime, '1', shape, String(RUNS)]
  const { stdout } = await run(peers.python, args, { maxBuffer: 1 << 26 })
  return (JSON.parse(stdout.trim().split('\n').at(-1)!) as { times: number[] }).times
}

async function timeOurs(file: string, shape: string): Promise<number[]> {
  const engine = await openProcess(file, { threads: 1 })
  try {
    const times = await engine.time(feeds(parseShapes(shape)[0]!, engine.inputs), WARM + RUNS)
    return times.slice(WARM)
  } finally {
    await engine.release()
  }
}
