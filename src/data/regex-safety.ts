/**
 * Whether a regular expression may take exponential time on a text that does not match: when a group that
 * repeats holds a repetition, an option or an alternation of its own, one text can be cut in very many
 * ways, and backtracking tries them all.
 *
 * This refuses more than the dangerous ones; the patterns of published tokenizers repeat classes, and no groups.
 * Source: https://owasp.org/www-community/attacks/Regular_expression_Denial_of_Service_-_ReDoS.
 */

/** Longer ones are no splitting rules; they are costly to compile. */
const LONGEST = 10_000
const DEEPEST = 50

const tokens =
  /\\.|\[(?:\\.|[^\]\\])*\]|\(\?[:=!>]|\(\?<[=!]|\(\?[a-z-]*:|\(\?<\w+>|\(|\)|\||[*+?]|\{\d*(?:,\d*)?\}|[\s\S]/gu

/** Whether the pattern may take for ever, or is too long to be one. */
export function isCatastrophic(pattern: string): boolean {
  if (pattern.length > LONGEST) return true
  /** Of each open group: does it hold something that can match in several ways? */
  const open: boolean[] = [false]
  /** The last thing read, which a quantifier applies to. */
  let last: 'ambiguous group' | 'other' | 'quantifier' = 'other'
  for (const [token] of pattern.matchAll(tokens)) {
    if (token.startsWith('(')) {
      if (open.push(false) > DEEPEST) return true
      last = 'other'
    } else if (token === ')') {
      const ambiguous = open.pop() ?? false
      if (open.length === 0) open.push(false)
      if (ambiguous) open[open.length - 1] = true
      last = ambiguous ? 'ambiguous group' : 'other'
    } else if (token === '|') {
      open[open.length - 1] = true
      last = 'other'
    } else if (/^(?:[*+?]|\{\d*(?:,\d*)?\})$/.test(token)) {
      // `a+?` and `a++` are one repetition
      if (last === 'quantifier') continue
      if (last === 'ambiguous group' && token !== '?') return true
      open[open.length - 1] = true
      last = 'quantifier'
    } else last = 'other'
  }
  return false
}
