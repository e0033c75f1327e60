/** The most that a process held so far. */
import { readFileSync } from 'node:fs'

/** Bytes of the kernel's high-water mark; Linux alone has one that others may read. */
export function peakMemory(pid: number | 'self'): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return 1024 * Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1] ?? 0)
}
