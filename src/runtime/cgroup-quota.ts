/**
 * How many CPUs a container may use. ONNX Runtime counts the machine's cores and knows no quotas;
 * threads beyond the quota are throttled in the middle of a run, which costs far more than they give.
 */
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** Reads a file of the system; undefined when there is none. */
export type ReadText = (path: string) => string | undefined

const readText: ReadText = (path) => {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

/** CPUs that the cgroups (v2 or v1) of this process allow, such as 1.5; undefined when unlimited. */
export function cgroupQuota(read: ReadText = readText): number | undefined {
  const quotas: number[] = []
  for (const line of (read('/proc/self/cgroup') ?? '').split('\n')) {
    const [, controllers = '', path = ''] = /^\d+:([^:]*):(.*)$/.exec(line) ?? []
    const unified = line.startsWith('0::')
    if (!unified && !controllers.split(',').includes('cpu')) continue
    for (const folder of ancestors(path)) {
      const quota = unified ? quotaV2(read, folder) : quotaV1(read, controllers, folder)
      if (quota !== undefined) quotas.push(quota)
    }
  }
  return quotas.length > 0 ? Math.min(...quotas) : undefined
}

/** A cgroup and all above it: the tightest quota holds. */
function ancestors(path: string): string[] {
  const folders = [path || '/']
  while (folders.at(-1) !== '/') folders.push(dirname(folders.at(-1)!))
  return folders
}

/** `cpu.max` is "quota period" or "max period". */
function quotaV2(read: ReadText, folder: string): number | undefined {
  const [quota, period] = (read(join('/sys/fs/cgroup', folder, 'cpu.max')) ?? '').split(/\s+/)
  return ratio(quota, period)
}

function quotaV1(read: ReadText, controllers: string, folder: string): number | undefined {
  for (const mount of [controllers, 'cpu']) {
    const base = join('/sys/fs/cgroup', mount, folder)
    const quota = read(join(base, 'cpu.cfs_quota_us'))
    if (quota !== undefined) return ratio(quota, read(join(base, 'cpu.cfs_period_us')))
  }
  return undefined
}

function ratio(quota: string | undefined, period: string | undefined): number | undefined {
  const value = Number(quota) / Number(period)
  return value > 0 && Number.isFinite(value) ? value : undefined
}
