/** This process as the command line's world: its streams, and an end that loses no output. */
import type { WriteStream } from 'node:tty'
import type { ProgressSink } from './progress.ts'
import { type CliContext, runCli } from './run-cli.ts'

function sinkOf(stream: NodeJS.WriteStream): ProgressSink {
  const isTTY = stream.isTTY === true
  return {
    write: (text) => void stream.write(text),
    isTTY: isTTY && process.env.TERM !== 'dumb',
    get columns() {
      return stream.columns ?? 80
    },
    color: wantsColor(stream),
  }
}

/** Node heeds NO_COLOR and TERM, but knows FORCE_COLOR of terminals only. */
function wantsColor(stream: NodeJS.WriteStream): boolean {
  const { FORCE_COLOR: forced } = process.env
  if (forced !== undefined) return forced !== '0' && forced !== 'false'
  return stream.isTTY === true && (stream as WriteStream).hasColors()
}

/** Runs a command line in this process and ends it. */
export async function runProcess(args: readonly string[]): Promise<void> {
  // `limbeck … | head`: who closes the pipe has read enough
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    process.exit(error.code === 'EPIPE' ? 0 : 1)
  })
  // nobody reads what is said on the way; the work goes on
  process.stderr.on('error', () => {})
  const context: CliContext = {
    stdout: sinkOf(process.stdout),
    stderr: sinkOf(process.stderr),
    signals: process,
  }
  const code = await runCli(args, context)
  // a pipe may still hold output, and a library a handle
  process.stdout.write('', () => process.exit(code))
}
