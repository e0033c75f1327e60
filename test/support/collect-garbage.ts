/** A full garbage collection when it is asked for, so that what a test counts as held is held. */
import { setImmediate as later } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** Collects what nothing holds any more. */
export async function collectGarbage(): Promise<void> {
  // weak references hold until the end of a turn
  await later()
  collect()
}
