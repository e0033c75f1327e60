/**
 * Dimensions: integers, symbols and expressions over symbols, or unknown.
 *
 * A dimension is a number, a canonical text over symbols (`batch`, `2*seq+1`, `batch*seq`), or null.
 * Equal texts are equal dimensions; different texts are *not known to be equal*, never unequal, since
 * exporters name each input's axes apart. Symbols are sizes: never negative.
 */
import { parseExpression, quotedSymbol, unquoted } from './parse-dim.ts'
import {
  type Atom,
  add,
  broadcastCall,
  callArgs,
  constant,
  constantOf,
  divideExactly,
  divideFloor,
  extreme,
  multiply,
  neverNegative,
  type Polynomial,
  subtract,
  textOf,
} from './polynomial.ts'

/** One dimension: known, symbolic (canonical polynomial text), or unknown. */
export type Dim = number | string | null
export type Shape = readonly Dim[]

const MAX_CACHED = 20_000
const parsed = new Map<string, Polynomial>()

/** The polynomial of a canonical text, parsed once. */
function polynomialOf(dim: number | string): Polynomial {
  if (typeof dim === 'number') return constant(dim)
  let known = parsed.get(dim)
  if (!known) {
    if (parsed.size >= MAX_CACHED) parsed.clear()
    known = parseExpression(dim) ?? quotedSymbol(dim)
    parsed.set(dim, known)
  }
  return known
}

function dimOf(polynomial: Polynomial | undefined): Dim {
  if (!polynomial) return null
  const value = constantOf(polynomial)
  if (value !== undefined) return Number.isSafeInteger(value) ? value : null
  const text = textOf(polynomial)
  if (!parsed.has(text) && parsed.size < MAX_CACHED) parsed.set(text, polynomial)
  return text
}

/** The dimension that a file's text means (`dim_param`); any text is fine, an empty one is unknown. */
export function symbolDim(text: string): Dim {
  if (text.trim() === '') return null
  const dim = dimOf(polynomialOf(text))
  return typeof dim === 'number' && dim < 0 ? null : dim
}

const combine =
  (operation: (a: Polynomial, b: Polynomial) => Polynomial | undefined) =>
  (a: Dim, b: Dim): Dim =>
    a === null || b === null || !isFiniteDim(a) || !isFiniteDim(b)
      ? null
      : dimOf(operation(polynomialOf(a), polynomialOf(b)))

const isFiniteDim = (dim: number | string): boolean =>
  typeof dim === 'string' || Number.isSafeInteger(dim)

const addTexts = combine(add)
const subtractTexts = combine(subtract)
const multiplyTexts = combine(multiply)
const divideTexts = combine(divideFloor)

/** a + b; null when either is unknown or the sum is too large to write. */
export const addDims = (a: Dim, b: Dim): Dim =>
  typeof a === 'number' && typeof b === 'number' ? safe(a + b) : addTexts(a, b)

/** a − b. */
export const subDims = (a: Dim, b: Dim): Dim =>
  typeof a === 'number' && typeof b === 'number' ? safe(a - b) : subtractTexts(a, b)

/** a · b; 0 and 1 decide also where the other is unknown (0 · null = 0). */
export function mulDims(a: Dim, b: Dim): Dim {
  if (a === 0 || b === 0) return 0
  if (a === 1) return b
  if (b === 1) return a
  return typeof a === 'number' && typeof b === 'number' ? safe(a * b) : multiplyTexts(a, b)
}

/** ⌊a / b⌋: exact where b divides a, else the opaque atom `floor(a/b)`. */
export const divDims = (a: Dim, b: Dim): Dim => (b === 1 ? a : divideTexts(a, b))

/** a / b where b divides a exactly; null when it is not known to. */
export const exactDivDims = combine(divideExactly)

/** The smaller of two; decided where symbols ≥ 0 decide it, else the atom `min(a,b)`. */
export function minDims(a: Dim, b: Dim): Dim {
  if (typeof a === 'number' && typeof b === 'number') return Math.min(a, b)
  if (a === Number.POSITIVE_INFINITY) return b
  if (b === Number.POSITIVE_INFINITY) return a
  return combine((x, y) => extreme('min', [x, y]))(a, b)
}

/** The larger of two. */
export function maxDims(a: Dim, b: Dim): Dim {
  if (typeof a === 'number' && typeof b === 'number') return Math.max(a, b)
  if (a === Number.NEGATIVE_INFINITY) return b
  if (b === Number.NEGATIVE_INFINITY) return a
  return combine((x, y) => extreme('max', [x, y]))(a, b)
}

const safe = (value: number): Dim => (Number.isSafeInteger(value) ? value : null)

/** Product of dimensions (1 for none). */
export const productDims = (dims: readonly Dim[]): Dim => dims.reduce(mulDims, 1)

/** True or false where it is known (`n` and `n+1` are unequal), undefined where it is not. */
export function equalDims(a: Dim, b: Dim): boolean | undefined {
  if (a === null || b === null) return undefined
  if (a === b) return true
  const difference = subDims(a, b)
  if (typeof difference === 'number') return difference === 0
  return isPositive(difference) || isPositive(subDims(b, a)) ? false : undefined
}

/** True when no sizes of the symbols make it negative. */
export const isNeverNegative = (dim: Dim): boolean =>
  dim !== null && (typeof dim === 'number' ? dim >= 0 : neverNegative(polynomialOf(dim)))

/** True when it is at least 1 whatever the symbols are. */
export const isPositive = (dim: Dim): boolean => isNeverNegative(subDims(dim, 1))

/** Same rank and every dimension known to be equal. */
export const equalShapes = (a: Shape | undefined, b: Shape | undefined): boolean =>
  a !== undefined &&
  b !== undefined &&
  a.length === b.length &&
  a.every((dim, i) => equalDims(dim, b[i]!) === true)

/** Two accounts of one dimension: the more exact of them; undefined when they contradict. */
export function unifyDims(a: Dim, b: Dim): Dim | undefined {
  if (a === null) return b
  if (b === null || a === b) return a
  if (equalDims(a, b) === false) return undefined
  return typeof b === 'number' ? b : a
}

/**
 * The size that two broadcast dimensions have together; undefined when they cannot be broadcast.
 * Two symbols not known to be equal give the atom `broadcast(a,b)`.
 */
export function broadcastDims(a: Dim, b: Dim): Dim | undefined {
  if (a === b || b === 1) return a
  if (a === 1) return b
  if (typeof a === 'number' && typeof b === 'number') return undefined
  if (typeof a === 'number') return a
  if (typeof b === 'number') return b
  if (a === null || b === null) return null
  return dimOf(broadcastOf(polynomialOf(a), polynomialOf(b)))
}

function broadcastOf(a: Polynomial, b: Polynomial): Polynomial | undefined {
  if (bounded(a, b)) return a
  return bounded(b, a) ? b : broadcastCall([a, b])
}

/** `part` is `min(c,whole)`, c ≥ 2: where both broadcast they are equal, or the run fails. */
function bounded(whole: Polynomial, part: Polynomial): boolean {
  const args = callArgs(part, 'min')
  const text = textOf(whole)
  return (
    args?.some((arg) => textOf(arg) === text) === true &&
    args.every((arg) => textOf(arg) === text || (constantOf(arg) ?? 0) >= 2)
  )
}

/** True when a dimension that was broadcast to `whole` is equal to it in every run that succeeds. */
export const neverStretched = (part: Dim, whole: Dim): boolean =>
  equalDims(part, whole) === true ||
  (typeof part === 'number' && part !== 1) ||
  (typeof part === 'string' && whole !== null && bounded(polynomialOf(whole), polynomialOf(part)))

/** `?` for an unknown dimension. */
export const dimText = (dim: Dim): string => (dim === null ? '?' : `${dim}`)

/** `[batch, seq, 384]`; `?` when the rank is unknown. */
export const shapeText = (shape: Shape | undefined): string =>
  shape ? `[${shape.map(dimText).join(', ')}]` : '?'

/** Sizes of symbols. */
export type Bindings = Readonly<Record<string, number>>

/** The value of a dimension under bindings; undefined when a symbol is missing. */
export function evaluateDim(dim: Dim, bindings: Bindings): number | undefined {
  if (dim === null) return undefined
  return typeof dim === 'number' ? dim : evaluate(polynomialOf(dim), bindings)
}

/** The shape under bindings; undefined when a dimension stays unknown. */
export function evaluateShape(shape: Shape | undefined, bindings: Bindings): number[] | undefined {
  const sizes = shape?.map((dim) => evaluateDim(dim, bindings))
  return sizes?.every((size) => size !== undefined) ? (sizes as number[]) : undefined
}

function evaluate(polynomial: Polynomial, bindings: Bindings): number | undefined {
  let sum = 0
  for (const { coefficient, atoms } of polynomial) {
    let product = coefficient
    for (const atom of atoms) {
      const value = evaluateAtom(atom, bindings)
      if (value === undefined) return undefined
      product *= value
    }
    sum += product
  }
  return sum
}

function evaluateAtom({ text, call }: Atom, bindings: Bindings): number | undefined {
  const bound = (name: string) => (Object.hasOwn(bindings, name) ? bindings[name] : undefined)
  if (!call) return bound(text) ?? bound(unquoted(text))
  const args = call.args.map((arg) => evaluate(arg, bindings))
  if (!args.every((arg) => arg !== undefined)) return undefined
  return calls.get(call.name)?.(args as number[])
}

const calls = new Map<string, (args: readonly number[]) => number | undefined>([
  ['min', (args) => Math.min(...args)],
  ['max', (args) => Math.max(...args)],
  ['floor', ([a, b]) => (b ? Math.floor(a! / b) : undefined)],
  ['mod', ([a, b]) => (b ? a! - b * Math.floor(a! / b) : undefined)],
  ['broadcast', (args) => args.find((arg) => arg !== 1) ?? 1],
])
