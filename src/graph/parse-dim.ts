/**
 * Reads the texts that exporters write as dimensions: `past + 1`, `(s0//2)`, `Max(1, s0)`, `unk__12`.
 *
 * Recursive descent over + - * / // ** and calls; a quotient is a floor. Any other text, however odd, is one
 * quoted symbol, so that nothing in a file can make reading throw.
 */
import {
  add,
  broadcastCall,
  call,
  constant,
  divideFloor,
  extreme,
  multiply,
  negate,
  type Polynomial,
  subtract,
  symbol,
} from './polynomial.ts'

const MAX_LENGTH = 1000
const MAX_DEPTH = 40
const token = /\s*(\d+|[A-Za-z_][\w.]*|'(?:[^'\\]|\\.)*'|\*\*|\/\/|[-+*/(),])/uy

/** The polynomial of a text; undefined when the text is no expression. */
export function parseExpression(text: string): Polynomial | undefined {
  const tokens = text.length <= MAX_LENGTH ? tokensOf(text) : undefined
  if (!tokens || tokens.length === 0) return undefined
  const parser = new Parser(tokens)
  const result = parser.sum(0)
  return parser.done ? result : undefined
}

/** A symbol for a text that is no expression: quoted, so that it reads back as itself. */
export const quotedSymbol = (text: string): Polynomial =>
  symbol(`'${text.slice(0, MAX_LENGTH / 4).replace(/[\\']/g, (c) => `\\${c}`)}'`)

/** The text inside the quotes of a quoted symbol; others as they are. */
export const unquoted = (atom: string): string =>
  atom.startsWith("'") ? atom.slice(1, -1).replace(/\\(.)/gsu, '$1') : atom

function tokensOf(text: string): string[] | undefined {
  const tokens: string[] = []
  const trimmed = text.trimEnd()
  token.lastIndex = 0
  while (token.lastIndex < trimmed.length) {
    const match = token.exec(trimmed)
    if (!match) return undefined
    tokens.push(match[1]!)
  }
  return tokens
}

class Parser {
  private readonly tokens: readonly string[]
  private at = 0
  constructor(tokens: readonly string[]) {
    this.tokens = tokens
  }

  get done(): boolean {
    return this.at === this.tokens.length
  }

  sum(depth: number): Polynomial | undefined {
    let left = this.product(depth)
    for (let op = this.take('+', '-'); op && left; op = this.take('+', '-')) {
      const right = this.product(depth)
      left = right && (op === '+' ? add(left, right) : subtract(left, right))
    }
    return left
  }

  private product(depth: number): Polynomial | undefined {
    let left = this.unary(depth)
    for (let op = this.take('*', '/', '//'); op && left; op = this.take('*', '/', '//')) {
      const right = this.unary(depth)
      left = right && (op === '*' ? multiply(left, right) : divideFloor(left, right))
    }
    return left
  }

  private unary(depth: number): Polynomial | undefined {
    if (depth > MAX_DEPTH) return undefined
    if (this.take('-')) {
      const inner = this.unary(depth + 1)
      return inner && negate(inner)
    }
    const base = this.primary(depth + 1)
    if (!base || !this.take('**')) return base
    const exponent = Number(this.tokens[this.at++])
    if (!Number.isInteger(exponent) || exponent < 0 || exponent > 8) return undefined
    let power: Polynomial | undefined = constant(1)
    for (let i = 0; i < exponent && power; i++) power = multiply(power, base)
    return power
  }

  private primary(depth: number): Polynomial | undefined {
    const next = this.tokens[this.at++]
    if (next === undefined) return undefined
    if (/^\d/.test(next)) {
      return Number.isSafeInteger(Number(next)) ? constant(Number(next)) : undefined
    }
    if (next === '(') {
      const inner = this.sum(depth)
      return this.take(')') ? inner : undefined
    }
    if (next.startsWith("'")) return symbol(next)
    if (!/^[A-Za-z_]/.test(next)) return undefined
    return this.take('(') ? this.callOf(next, depth) : symbol(next)
  }

  private callOf(name: string, depth: number): Polynomial | undefined {
    const args: Polynomial[] = []
    do {
      const argument = this.sum(depth)
      if (!argument) return undefined
      args.push(argument)
    } while (this.take(','))
    return this.take(')') ? namedCall(name, args) : undefined
  }

  private take(...wanted: string[]): string | undefined {
    const next = this.tokens[this.at]
    if (next === undefined || !wanted.includes(next)) return undefined
    this.at++
    return next
  }
}

/** Functions with a meaning of their own; others are opaque atoms. */
function namedCall(name: string, args: readonly Polynomial[]): Polynomial | undefined {
  const lower = name.toLowerCase()
  if (lower === 'min' || lower === 'max') return extreme(lower, args)
  if (lower === 'broadcast') return broadcastCall(args)
  if (lower === 'floor' && args.length === 1) return args[0]
  if (lower === 'floordiv' && args.length === 2) return divideFloor(args[0]!, args[1]!)
  return call(lower === 'mod' ? 'mod' : name, args)
}
