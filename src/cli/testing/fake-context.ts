/** The world of a command line in memory: what was printed, and signals to send. */
import { EventEmitter } from 'node:events'
import type { ProgressSink } from '../progress.ts'
import type { CliContext } from '../run-cli.ts'

class FakeSink implements ProgressSink {
  text = ''
  readonly isTTY: boolean
  readonly columns = 100
  readonly color = false
  constructor(isTTY = false) {
    this.isTTY = isTTY
  }
  write(text: string): void {
    this.text += text
  }
}

class FakeSignals extends EventEmitter {
  exited: number | undefined
  exit(code: number): void {
    this.exited ??= code
  }
}

/** A context whose streams are texts. */
export function fakeContext(options: { isTTY?: boolean } = {}) {
  const stdout = new FakeSink()
  const stderr = new FakeSink(options.isTTY)
  const signals = new FakeSignals()
  return { stdout, stderr, signals } satisfies CliContext
}
