/**
 * The machine as a runtime needs to know it: how many cores we may use, and which int8 kernel its CPU
 * gets. Read once; best effort outside Linux and macOS.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { availableParallelism, cpus } from 'node:os'
import { cgroupQuota } from './cgroup-quota.ts'
import { type CpuText, parseCpuinfo, parseSysctl } from './cpu-text.ts'
import { type Int8Kernel, int8Kernel } from './int8-kernel.ts'

/** A machine and what of it this process may use. */
export interface Hardware {
  /** CPU model, such as `Intel(R) Xeon(R) Processor`. */
  readonly cpu: string
  /** `process.platform` and `process.arch`. */
  readonly platform: string
  readonly arch: string
  /** Logical cores of the machine. */
  readonly cores: number
  /** Cores that are not hyperthreads of another. */
  readonly physicalCores: number
  /** Cores this process may use: affinity and container quota, rounded down, at least 1. */
  readonly allottedCores: number
  /** The container's quota in CPUs, such as 1.5; absent when unlimited. */
  readonly quota?: number
  /** Threads a session gets unless told otherwise: allotted cores, one for each physical core. */
  readonly threads: number
  /** Instruction sets in Linux's spelling, sorted. */
  readonly isa: readonly string[]
  readonly int8: Int8Kernel
}

let probed: Hardware | undefined

/** Probes this machine, once. */
export function hardware(): Hardware {
  probed ??= probe()
  return probed
}

function probe(): Hardware {
  const { arch, platform } = process
  const text = readCpu[platform]?.() ?? {
    model: undefined,
    physicalCores: undefined,
    isa: new Set(),
  }
  const cores = Math.max(1, cpus().length)
  const physicalCores = Math.min(cores, text.physicalCores ?? cores)
  const quota = cgroupQuota()
  const allottedCores = Math.max(1, Math.floor(Math.min(availableParallelism(), quota ?? cores)))
  return {
    cpu: text.model ?? cpus()[0]?.model ?? 'unknown CPU',
    platform,
    arch,
    cores,
    physicalCores,
    allottedCores,
    ...(quota !== undefined && { quota }),
    // two hyperthreads share one multiplier: a second thread on a core only gets in the way
    threads: Math.min(allottedCores, physicalCores),
    isa: [...text.isa].sort(),
    int8: int8Kernel(arch, text.isa),
  }
}

const readCpu: Readonly<Record<string, () => CpuText | undefined>> = {
  linux: () => attempt(() => parseCpuinfo(readFileSync('/proc/cpuinfo', 'utf8'))),
  darwin: () =>
    attempt(() =>
      parseSysctl(
        execFileSync('sysctl', ['hw', 'machdep.cpu'], {
          encoding: 'utf8',
          stdio: ['ignore', 'pipe', 'ignore'],
        }),
      ),
    ),
}

function attempt<T>(work: () => T): T | undefined {
  try {
    return work()
  } catch {
    return undefined
  }
}
