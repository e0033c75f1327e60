/**
 * Resident memory of this process, in bytes.
 *
 * `getrusage` is wrong on Linux: the peak it reports survives `exec`, so a child starts with that of
 * the parent it was forked from. The kernel's own high-water mark belongs to this program alone.
 */
import { readFileSync } from 'node:fs'

/** Bytes resident now, and the most there ever were. */
export function residentMemory(): { readonly rss: number; readonly peak: number } {
  const rss = process.memoryUsage.rss()
  return { rss, peak: Math.max(rss, highWaterMark() ?? process.resourceUsage().maxRSS * 1024) }
}

function highWaterMark(): number | undefined {
  if (process.platform !== 'linux') return undefined
  const kilobytes = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]
  return kilobytes === undefined ? undefined : Number(kilobytes) * 1024
}
