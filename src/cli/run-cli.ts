/**
 * One run of the command line: parse, run the verb, print. The result goes to stdout, all else to
 * stderr; errors become one line and an exit code (2 misuse, 1 failure, 130 Ctrl-C).
 */
import { CommanderError } from 'commander'
import { describeError, exitCode, LimbeckError } from '../errors.ts'
import { printable } from '../report/plain-text.ts'
import { paint } from '../report/table.ts'
import { cancelOnSignal, type SignalSource } from './cancel-on-signal.ts'
import { type Parsed, parseCommand } from './program.ts'
import { type ProgressSink, showProgress } from './progress.ts'
import { shellCommand } from './shell-command.ts'

/** The world around the command line. */
export interface CliContext {
  readonly stdout: ProgressSink
  readonly stderr: ProgressSink
  readonly signals: SignalSource
}

/** Runs a command line, without the program's name; resolves to the exit code. */
export async function runCli(args: readonly string[], context: CliContext): Promise<number> {
  const { stdout, stderr } = context
  const json = args.includes('--json')
  const fail = (error: unknown, code: number): number => {
    const line = `error: ${printable(describeError(error))}`
    stderr.write(`${stderr.color ? paint(line, 'bad') : line}\n`)
    if (args.includes('--debug')) stderr.write(`${stackOf(error)}\n`)
    else if (!(error instanceof LimbeckError))
      stderr.write('Run it again with --debug for the stack.\n')
    if (json) stdout.write(`${JSON.stringify({ error: errorJson(error) })}\n`)
    return code
  }
  try {
    const parsed = await parseCommand(args, {
      out: (text) => stdout.write(text),
      err: (text) => stderr.write(text),
      columns: stdout.isTTY ? stdout.columns : 100,
    })
    return parsed ? await runVerb(parsed, args, context, fail) : 0
  } catch (error) {
    if (!(error instanceof CommanderError)) return fail(error, exitCode(error))
    if (error.exitCode === 0) return 0
    const message = error.message.replace(/^error: /, '')
    if (json) stdout.write(`${JSON.stringify({ error: { code: 'usage', message } })}\n`)
    return 2
  }
}

async function runVerb(
  { verb, args, options, json }: Parsed,
  typed: readonly string[],
  { stdout, stderr, signals }: CliContext,
  fail: (error: unknown, code: number) => number,
): Promise<number> {
  const progress = showProgress(stderr, { quiet: json })
  const cancellation = cancelOnSignal(signals, (text) => {
    progress.close()
    stderr.write(`${text}\n`)
  })
  const { signal } = cancellation
  try {
    const command = shellCommand(['limbeck', ...typed])
    const output = await verb.run({ args: args as string[], options, signal, progress, command })
    progress.close()
    const view = { width: stdout.isTTY ? stdout.columns : Infinity, color: stdout.color }
    stdout.write(json ? `${JSON.stringify(output.json, null, 2)}\n` : `${output.text(view)}\n`)
    return 0
  } catch (error) {
    progress.close()
    // whatever breaks once we were told to stop, breaks because of that
    return cancellation.exitCode === undefined
      ? fail(error, exitCode(error))
      : fail(cancelled(error), cancellation.exitCode)
  } finally {
    // once told to stop, a further signal still ends the process with the same code
    if (cancellation.exitCode === undefined) cancellation.release()
  }
}

/** What to say once told to stop: what the job itself says where it tells how to go on. */
const cancelled = (error: unknown): LimbeckError =>
  error instanceof LimbeckError && error.code === 'cancelled' && error.hint !== undefined
    ? error
    : new LimbeckError('cancelled', 'Cancelled.', { cause: error })

const errorJson = (error: unknown) =>
  error instanceof LimbeckError
    ? { code: error.code, message: error.message, hint: error.hint }
    : { code: 'internal', message: describeError(error) }

function stackOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const cause = error.cause === undefined ? '' : `\ncaused by: ${stackOf(error.cause)}`
  return `${error.stack ?? error.message}${cause}`
}
