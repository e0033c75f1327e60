/**
 * What a process that died said about it: one line of its stderr.
 *
 * The last line is rarely the one. Node ends with its version and stack frames, a heap that is full with
 * frames of the engine; the C++ library says what was thrown on one line of several. So the last line that
 * gives a reason is taken, and where none does, the last that is no frame or ornament.
 */

/** Lines that give a reason, as Node, V8, C++, libc and kernels word them. */
const reasons: readonly RegExp[] = [
  /^(Uncaught )?(\w+ )?[A-Z]\w*(Error|Exception)\b.*:/,
  /^FATAL ERROR:/,
  /^# Fatal error/,
  /^(terminate called|what\(\):)/,
  /Assertion .*failed/,
  /^(free|malloc|realloc|munmap_chunk|corrupted|double free|\*\*\*)\b.*/,
  /^(fatal|panic|abort(ed)?|error)\b.*:/i,
]

/** Frames, versions, carets, rulers and brackets. */
const ornaments: readonly RegExp[] = [
  /^at /,
  /^\d+: 0x[0-9a-f]+/,
  /^Node\.js v\d/,
  /^[-=#*^~<>{}[\]().,;\s]+$/,
  /^-{3,}.*-{3,}$/,
  /^<-{2,}.*-{2,}>$/,
]

/**
 * The line that says why; undefined when nothing does.
 * @param onlyReasons leaves out lines that give no reason: a process that was killed said them before.
 */
export function lastWords(stderr: string, onlyReasons = false): string | undefined {
  const lines = stderr.split('\n').map((line) => line.trim())
  const isOne = (kinds: readonly RegExp[]) => (line: string) =>
    kinds.some((kind) => kind.test(line))
  const reason = lines.findLast(isOne(reasons))
  if (reason !== undefined || onlyReasons) return reason
  return lines.findLast((line) => line !== '' && !isOne(ornaments)(line))
}
