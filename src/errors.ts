/**
 * The one error class that users see.
 *
 * A message says what is wrong, where (file, tensor, node, line), what was expected, what was found;
 * `hint` says what to do. `usage` errors exit with 2, all others with 1. Anything that is not a
 * `LimbeckError` is a bug of ours and its message starts with `internal:`.
 */

/** Kinds of failure; `usage` is misuse of a command or option (exit code 2). */
export type ErrorCode =
  | 'usage'
  | 'input'
  | 'file'
  | 'network'
  | 'graph'
  | 'runtime'
  | 'verify'
  | 'cancelled'

/** An error with one clear sentence for the user. */
export class LimbeckError extends Error {
  override readonly name = 'LimbeckError'
  readonly code: ErrorCode
  /** What to do about it, one sentence. */
  readonly hint: string | undefined

  constructor(code: ErrorCode, message: string, options: { hint?: string; cause?: unknown } = {}) {
    super(oneLine(message), options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.hint = options.hint === undefined ? undefined : oneLine(options.hint)
  }
}

/** Longest message: names in a file may be as long as the file. */
const LONGEST = 2000

/** One printable line of text that may quote a file: no line ends, no commands to a terminal. */
function oneLine(text: string): string {
  const line = text.replace(/[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]+/gu, ' ')
  if (line.length <= LONGEST) return line
  return `${line.slice(0, LONGEST - 500)} … ${line.slice(-400)}`
}

/** A value of a file as a message shows it, whatever it is. */
export function showValue(value: unknown): string {
  try {
    const text = JSON.stringify(value) ?? 'undefined'
    return text.length <= 80 ? text : `${text.slice(0, 79)}…`
  } catch {
    return 'a value nested too deep to show'
  }
}

/** Exit code of a process that ends with this error. */
export function exitCode(error: unknown): 1 | 2 | 130 {
  if (!(error instanceof LimbeckError)) return 1
  return error.code === 'usage' ? 2 : error.code === 'cancelled' ? 130 : 1
}

/** One line: the message, then the hint. */
export function describeError(error: unknown): string {
  if (error instanceof LimbeckError) {
    return error.hint ? `${error.message} ${error.hint}` : error.message
  }
  return `internal: ${error instanceof Error ? error.message : String(error)}`
}

/** Throws when an invariant of ours is broken (never for bad input). */
export function invariant(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`internal: ${message}`)
}

/** The candidate nearest to `name` by edit distance, for "did you mean"; undefined when none is near. */
export function nearest(name: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined
  let bestDistance = Math.max(2, Math.floor(name.length / 3)) + 1
  for (const candidate of candidates) {
    const distance = editDistance(name, candidate)
    if (distance < bestDistance) {
      best = candidate
      bestDistance = distance
    }
  }
  return best
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const change = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(change, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}
