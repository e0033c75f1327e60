/**
 * One GET to the Hub: redirects are followed by hand, so that the user's token goes to the Hub alone and
 * never to the hosts that its files lie on; a connection that stands still is given up.
 *
 * A `PassingFailure` may go away by itself; `retrying` asks again, less and less often.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { LimbeckError } from '../errors.ts'
import type { HubEnvironment } from './hub-environment.ts'

/** The Hub, as one call of ours sees it. */
export interface Hub {
  readonly environment: HubEnvironment
  readonly signal?: AbortSignal | undefined
  /** Told when a request is put off. */
  readonly onWait?: ((reason: string, ms: number) => void) | undefined
  readonly patience: Patience
}

/** How long to wait for what. */
export interface Patience {
  /** Without a byte. */
  readonly stallMs: number
  /** Before the second attempt; each later one waits twice as long. */
  readonly retryMs: number
  /** In a row, without progress. */
  readonly attempts: number
}

export const usualPatience: Patience = { stallMs: 30_000, retryMs: 500, attempts: 5 }

/** An answer whose body has not been read. */
export interface Answer {
  readonly status: number
  readonly headers: Headers
  /** Where it came from in the end. */
  readonly url: URL
  /** Headers of the Hub's own answer, before any redirect. */
  readonly hubHeaders: Headers
  chunks(): AsyncGenerator<Uint8Array>
  /** Ends the connection. */
  discard(): void
}

/** A failure that may pass. */
export class PassingFailure extends Error {
  /** How long the Hub asks to wait. */
  readonly waitMs: number | undefined

  constructor(message: string, options: { waitMs?: number | undefined; cause?: unknown } = {}) {
    super(message, { cause: options.cause })
    this.waitMs = options.waitMs
  }
}

const REDIRECTS = 5
const redirects: ReadonlySet<number> = new Set([301, 302, 303, 307, 308])
const passing: ReadonlySet<number> = new Set([408, 425, 429, 500, 502, 503, 504])

/** Sends a GET. @throws PassingFailure; LimbeckError for redirects that lead nowhere good. */
export async function hubGet(
  address: string,
  hub: Hub,
  headersFor: (url: URL) => Readonly<Record<string, string>> = () => ({}),
): Promise<Answer> {
  const home = new URL(hub.environment.endpoint)
  let url = new URL(address)
  let hubHeaders: Headers | undefined
  for (let hop = 0; hop <= REDIRECTS; hop++) {
    const token = url.origin === home.origin ? hub.environment.token() : undefined
    const answer = await send(url, hub, {
      // compressed bytes have other lengths than those announced
      'accept-encoding': 'identity',
      'user-agent': 'limbeck',
      ...headersFor(url),
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
    })
    hubHeaders ??= answer.headers
    if (passing.has(answer.status)) {
      answer.discard()
      throw new PassingFailure(`${url.host} answers ${answer.status}`, {
        waitMs: retryAfter(answer.headers.get('retry-after')),
      })
    }
    const location = answer.headers.get('location')
    if (!redirects.has(answer.status) || location === null) return { ...answer, hubHeaders }
    answer.discard()
    url = redirected(url, location)
  }
  throw new LimbeckError(
    'network',
    `${home.host}: more than ${REDIRECTS} redirects from ${address}.`,
  )
}

function redirected(from: URL, location: string): URL {
  const to = URL.canParse(location, from.href) ? new URL(location, from) : undefined
  const isAsSafe =
    to?.protocol === 'https:' || (to?.protocol === 'http:' && from.protocol === 'http:')
  if (to && isAsSafe) return to
  throw new LimbeckError(
    'network',
    `${from.host}: it redirects to ${to ? to.origin : 'no address'}, expected ${from.protocol}//….`,
  )
}

async function send(
  url: URL,
  { signal, patience }: Hub,
  headers: Readonly<Record<string, string>>,
): Promise<Omit<Answer, 'hubHeaders'>> {
  const controller = new AbortController()
  const abort = (): void => controller.abort()
  signal?.throwIfAborted()
  signal?.addEventListener('abort', abort)
  let stalled = false
  const stall = (): void => {
    stalled = true
    controller.abort()
  }
  let timer = setTimeout(stall, patience.stallMs)
  const release = (): void => {
    clearTimeout(timer)
    signal?.removeEventListener('abort', abort)
  }
  const failure = (cause: unknown): unknown => {
    release()
    if (signal?.aborted) return signal.reason
    if (stalled)
      return new PassingFailure(`${url.host} sent nothing for ${patience.stallMs / 1000} s`)
    return new PassingFailure(`${url.host} cannot be reached (${reasonOf(cause)})`, { cause })
  }
  let response: Response
  try {
    response = await fetch(url, { headers, redirect: 'manual', signal: controller.signal })
  } catch (cause) {
    throw failure(cause)
  }
  return {
    status: response.status,
    headers: response.headers,
    url,
    discard() {
      release()
      controller.abort()
    },
    async *chunks() {
      try {
        for await (const chunk of response.body ?? []) {
          clearTimeout(timer)
          yield chunk as Uint8Array
          timer = setTimeout(stall, patience.stallMs)
        }
        release()
      } catch (cause) {
        throw failure(cause)
      } finally {
        // whoever stops reading ends the connection
        release()
        controller.abort()
      }
    },
  }
}

/** The system's word for a broken connection lies in the cause of fetch's. */
function reasonOf(error: unknown): string {
  const { code, message, cause } = error as NodeJS.ErrnoException
  return cause === undefined ? (code ?? message) : reasonOf(cause)
}

/** Milliseconds of a `Retry-After`, in seconds or as a date. */
function retryAfter(text: string | null): number | undefined {
  if (text === null) return undefined
  const ms = /^\d+$/.test(text.trim()) ? Number(text) * 1000 : Date.parse(text) - Date.now()
  return Number.isFinite(ms) ? Math.max(0, ms) : undefined
}

/** No one waits longer than this for one request. */
const LONGEST_WAIT_MS = 300_000

/**
 * Runs `body` until it does not fail in passing, waiting longer each time. `body` may call `progressed` to
 * say that its failure is the first in a row.
 */
export async function retrying<T>(
  { signal, patience, onWait }: Hub,
  body: (progressed: () => void) => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await body(() => {
        attempt = 1
      })
    } catch (error) {
      if (!(error instanceof PassingFailure)) throw error
      const backOff = patience.retryMs * 2 ** (attempt - 1) * (1 + Math.random() / 4)
      const ms = error.waitMs ?? backOff
      if (attempt >= patience.attempts || ms > LONGEST_WAIT_MS) throw gaveUp(error, attempt, ms)
      onWait?.(error.message, ms)
      await sleep(ms, undefined, { ...(signal && { signal }) }).catch(() =>
        signal?.throwIfAborted(),
      )
    }
  }
}

function gaveUp(error: PassingFailure, attempts: number, ms: number): LimbeckError {
  const tries = attempts === 1 ? 'once' : `${attempts} times`
  const after = ms > LONGEST_WAIT_MS ? `, and asks to wait ${Math.round(ms / 60_000)} min` : ''
  return new LimbeckError('network', `${error.message}, tried ${tries}${after}.`, {
    hint: 'Run it again to go on from here; --offline uses what the cache holds.',
    cause: error,
  })
}
