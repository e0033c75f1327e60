/**
 * A host's end of an executor process: requests in order, one under way at a time, and a clear error
 * for everyone waiting when the process dies, is too slow or is cancelled. The next requests lie with the
 * process already, so that it never waits for a busy host between two of them.
 *
 * An idle executor does not keep its host alive; a request under way does.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import type { Socket } from 'node:net'
import { LimbeckError } from '../errors.ts'
import { builtEntry } from './built-entry.ts'
import {
  type Ask,
  fromPlainError,
  type Operation,
  type Operations,
  type PlainError,
} from './executor-protocol.ts'
import { encodeFrame, type Frame, FrameReader } from './frames.ts'
import { lastWords } from './last-words.ts'

/** How long one request may take, and what cancels it; either ends the process if it is under way. */
export interface RequestLimits {
  readonly deadlineMs?: number | undefined
  readonly signal?: AbortSignal | undefined
}

interface Request {
  readonly chunks: readonly Uint8Array[]
  readonly deadlineMs: number | undefined
  readonly settle: (result: Frame | Error) => void
}

/** Requests that lie with the process: the one under way and those it finds when that is done. */
const sentAtOnce = 4
// a reason may stand before the frames of a whole stack
const stderrCharacters = 32 * 1024
const exitGraceMs = 5000

const signalHints: Readonly<Record<string, string>> = {
  SIGKILL: 'Systems kill a process when memory runs out: use a smaller batch or more memory.',
  SIGSEGV: 'ONNX Runtime crashed: some operators do so on inputs they should refuse.',
  SIGABRT: 'ONNX Runtime gave up: memory may have run out.',
  SIGILL: 'The CPU lacks an instruction that ONNX Runtime used.',
}

/** A child process that answers frames about the model named `name`. */
export class Executor {
  readonly #name: string
  readonly #child: ChildProcess
  readonly #socket: Socket
  readonly #reader = new FrameReader()
  readonly #exited: Promise<void>
  readonly #queue: Request[] = []
  /** Requests that were written and not answered, in the order of their answers. */
  readonly #sent: Request[] = []
  #timer: NodeJS.Timeout | undefined
  #dead: LimbeckError | undefined
  #stderr = ''

  /**
   * @param program the script that answers; the executor's own by default.
   * @param variables of its environment, beside those of this process.
   */
  constructor(
    name: string,
    program = builtEntry(import.meta.url, './executor-child'),
    variables: Readonly<Record<string, string>> = {},
  ) {
    this.#name = name
    this.#child = spawn(process.execPath, [program], {
      stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
      env: { ...process.env, ORT_DISABLE_TELEMETRY: '1', ...variables },
      windowsHide: true,
    })
    this.#socket = this.#child.stdio[3] as Socket
    this.#socket.on('data', (chunk: Uint8Array) => this.#receive(chunk))
    // a broken pipe is told by the exit that follows
    this.#socket.on('error', () => {})
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-stderrCharacters)
    })
    this.#exited = new Promise((resolve) => {
      this.#child.on('error', (cause) => {
        this.#die(new LimbeckError('runtime', `${name}: no process could be started.`, { cause }))
        resolve()
      })
      this.#child.on('close', (code, signal) => {
        this.#die(this.#obituary(code, signal))
        resolve()
      })
    })
    this.#hold(false)
  }

  /** Process id; undefined when it could not be started. */
  get pid(): number | undefined {
    return this.#child.pid
  }

  /** Asks when all earlier requests have been answered. */
  async request<O extends Operation>(
    ask: Ask<O>,
    parts: readonly Uint8Array[] = [],
    { deadlineMs, signal }: RequestLimits = {},
  ): Promise<{ readonly header: Operations[O]['answer']; readonly body: Uint8Array }> {
    if (this.#dead) throw this.#dead
    if (signal?.aborted) throw this.#cancelled()
    const frame = await new Promise<Frame>((resolve, reject) => {
      const onAbort = () => this.#cancel(request)
      const settle = (result: Frame | Error) => {
        signal?.removeEventListener('abort', onAbort)
        if (result instanceof Error) reject(result)
        else resolve(result)
      }
      const request: Request = { chunks: encodeFrame(ask, parts), deadlineMs, settle }
      signal?.addEventListener('abort', onAbort, { once: true })
      this.#queue.push(request)
      this.#next()
    })
    const { error } = frame.header as { error?: PlainError }
    if (error) throw fromPlainError(error)
    return frame as { header: Operations[O]['answer']; body: Uint8Array }
  }

  /** Closes the stream, on which the process ends; kills it when it does not. */
  async end(): Promise<void> {
    this.#hold(true)
    this.#socket.end()
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), exitGraceMs)
    await this.#exited
    clearTimeout(timer)
  }

  /** Writes what may be written; the first of what was written is the one under way. */
  #next(): void {
    if (this.#dead) return
    while (this.#queue.length > 0 && this.#sent.length < sentAtOnce) {
      const request = this.#queue.shift()!
      this.#sent.push(request)
      this.#socket.cork()
      for (const chunk of request.chunks) this.#socket.write(chunk)
      this.#socket.uncork()
      if (this.#sent.length === 1) this.#watch(request)
    }
    this.#hold(this.#sent.length > 0)
  }

  /** Starts the clock of the request under way. */
  #watch({ deadlineMs }: Request): void {
    if (deadlineMs === undefined) return
    this.#timer = setTimeout(() => {
      this.#kill(new LimbeckError('runtime', `${this.#name}: no answer within ${deadlineMs} ms.`))
    }, deadlineMs)
  }

  #receive(chunk: Uint8Array): void {
    try {
      for (const frame of this.#reader.push(chunk)) this.#settle(frame)
    } catch (error) {
      this.#kill(error as LimbeckError)
    }
    this.#next()
  }

  /** Answers the request under way; the one behind it is under way from now. */
  #settle(result: Frame | Error): void {
    clearTimeout(this.#timer)
    this.#sent.shift()?.settle(result)
    if (this.#sent[0]) this.#watch(this.#sent[0])
  }

  #cancel(request: Request): void {
    if (request === this.#sent[0]) {
      this.#kill(this.#cancelled())
      return
    }
    // one that was sent is answered all the same, and nobody listens
    const waiting = this.#queue.indexOf(request)
    if (waiting >= 0) this.#queue.splice(waiting, 1)
    request.settle(this.#cancelled())
  }

  #cancelled = () => new LimbeckError('cancelled', `The run of ${this.#name} was cancelled.`)

  /** Ends the process now: `reason` for the request under way, and what it means for the others. */
  #kill(reason: LimbeckError): void {
    this.#settle(reason)
    this.#die(
      new LimbeckError(
        'runtime',
        `${this.#name}: its process was ended earlier: ${reason.message}`,
      ),
    )
    this.#child.kill('SIGKILL')
  }

  #die(reason: LimbeckError): void {
    this.#dead ??= reason
    clearTimeout(this.#timer)
    for (const request of this.#sent.splice(0)) request.settle(this.#dead)
    for (const request of this.#queue.splice(0)) request.settle(this.#dead)
  }

  #obituary(code: number | null, signal: string | null): LimbeckError {
    const how = signal ? `was killed by ${signal}` : `ended with exit code ${code}`
    // nobody has the time to say why it is killed
    const said = lastWords(this.#stderr, signal === 'SIGKILL')
    const hint = [signal && signalHints[signal], said && `It said: ${said}`]
      .filter(Boolean)
      .join(' ')
    return new LimbeckError('runtime', `${this.#name}: its process ${how}.`, hint ? { hint } : {})
  }

  #hold(hold: boolean): void {
    const change = hold ? 'ref' : 'unref'
    this.#child[change]()
    this.#socket[change]()
    // a pipe is a socket, which its type does not say
    ;(this.#child.stderr as Socket | null)?.[change]()
  }
}
