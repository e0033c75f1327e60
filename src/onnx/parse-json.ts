/**
 * JSON that others wrote. V8 parses any depth, but whoever walks or prints the value later would run out
 * of stack, so that depth is refused here.
 */

/** Levels of lists and objects; no file that we read has a dozen. */
const DEEPEST = 200

/**
 * The value of a JSON text.
 * @throws SyntaxError for what is no JSON, or is nested too deep.
 */
export function parseJson(text: string): unknown {
  if (isDeep(text)) throw new SyntaxError(`it is nested deeper than ${DEEPEST} levels`)
  return JSON.parse(text)
}

const [quote, backslash] = ['"'.charCodeAt(0), '\\'.charCodeAt(0)]
const opening = new Set(['[', '{'].map((bracket) => bracket.charCodeAt(0)))
const closing = new Set([']', '}'].map((bracket) => bracket.charCodeAt(0)))

function isDeep(text: string): boolean {
  let depth = 0
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at)
    if (unit === quote) {
      for (at++; at < text.length && text.charCodeAt(at) !== quote; at++) {
        if (text.charCodeAt(at) === backslash) at++
      }
    } else if (opening.has(unit)) {
      if (++depth > DEEPEST) return true
    } else if (closing.has(unit)) depth--
  }
  return false
}
