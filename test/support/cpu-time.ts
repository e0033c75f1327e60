/**
 * How long work of this process takes in CPU time: other work on the machine does not count, so that a bound
 * on it holds on a busy one too.
 */

/** Milliseconds of CPU time, all threads, since this was called. */
export function cpuClock(): () => number {
  const start = process.cpuUsage()
  return () => {
    const { user, system } = process.cpuUsage(start)
    return (user + system) / 1000
  }
}
