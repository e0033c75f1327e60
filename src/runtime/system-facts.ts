/**
 * Facts about the host that decide whether ONNX Runtime runs, and runs well: C library, memory, providers,
 * a second copy of the library, telemetry.
 */
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { homedir, totalmem } from 'node:os'
import { join } from 'node:path'
import { loadOrt } from './ort.ts'

export interface SystemFacts {
  readonly node: string
  /** glibc's version; undefined on musl and outside Linux. */
  readonly glibc: string | undefined
  /** Bytes this process may use: the container's limit, else the machine's memory. */
  readonly memory: number
  /** The variable that forbids telemetry is set. */
  readonly telemetryOff: boolean
  /** Where ONNX Runtime keeps the identity of this device, when telemetry was once on. */
  readonly telemetryFolder: string | undefined
  /** Execution providers whose libraries come with the package. */
  readonly providers: readonly string[]
  /** Where Transformers.js finds its own ONNX Runtime, when that is not ours. */
  readonly otherRuntime: string | undefined
}

/** Gathers the facts. @throws LimbeckError when ONNX Runtime does not load. */
export async function systemFacts(): Promise<SystemFacts> {
  const ort = await loadOrt()
  const report = process.report?.getReport() as { header?: { glibcVersionRuntime?: string } }
  const folder = join(homedir(), '.cache/Microsoft/DeveloperTools/.onnxruntime')
  return {
    node: process.versions.node,
    glibc: report?.header?.glibcVersionRuntime,
    memory: memoryLimit(),
    telemetryOff: process.env.ORT_DISABLE_TELEMETRY === '1',
    telemetryFolder: existsSync(folder) ? folder : undefined,
    providers: ort
      .listSupportedBackends()
      .filter(({ bundled }) => bundled)
      .map(({ name }) => name),
    otherRuntime: otherRuntime(),
  }
}

/** The smaller of the machine's memory and what the cgroup allows. */
function memoryLimit(): number {
  const limits = ['/sys/fs/cgroup/memory.max', '/sys/fs/cgroup/memory/memory.limit_in_bytes']
  const read = limits.map((file) => {
    try {
      return Number(readFileSync(file, 'utf8'))
    } catch {
      return Number.NaN
    }
  })
  return Math.min(totalmem(), ...read.filter((limit) => Number.isFinite(limit) && limit > 0))
}

function otherRuntime(): string | undefined {
  const here = createRequire(import.meta.url)
  try {
    const ours = here.resolve('onnxruntime-node')
    const theirs = createRequire(here.resolve('@huggingface/transformers')).resolve(
      'onnxruntime-node',
    )
    return theirs === ours ? undefined : theirs
  } catch {
    return undefined
  }
}
