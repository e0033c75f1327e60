/** The most that a process held so far. */
import { readFileSync } from 'node:fs'

/** Bytes of the kernel's high-water mark; 0 where the system does not tell, or the process has ended. */
export function peakMemory(pid: number | string): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8')
    return 1024 * Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1] ?? 0)
  } catch {
    return 0
  }
}
