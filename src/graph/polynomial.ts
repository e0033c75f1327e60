/**
 * Integer polynomials over symbols: the arithmetic behind symbolic dimensions.
 *
 * A polynomial is a sorted list of terms; equal polynomials have equal texts. Symbols stand for sizes and
 * are never negative. What is no polynomial (floor of a quotient, min, max, a broadcast of two sizes) is
 * one atom, a call whose arguments are polynomials. Overflow and blow-up give undefined, never a wrong sum.
 */

/** An indivisible factor: a symbol, or a call of polynomials. */
export interface Atom {
  readonly text: string
  readonly call?: { readonly name: string; readonly args: readonly Polynomial[] }
}
export interface Term {
  readonly coefficient: number
  /** Sorted by text; a power repeats its atom. */
  readonly atoms: readonly Atom[]
}
/** Terms in graded lexicographic order, coefficients never 0; empty is 0. */
export type Polynomial = readonly Term[]

const MAX_TERMS = 48
const MAX_DEGREE = 12
const MAX_ATOM = 400

export const constant = (value: number): Polynomial =>
  value === 0 ? [] : [{ coefficient: value, atoms: [] }]

export const symbol = (text: string): Polynomial => [{ coefficient: 1, atoms: [{ text }] }]

/** The number that the polynomial is; undefined when it has symbols. */
export function constantOf(p: Polynomial): number | undefined {
  if (p.length === 0) return 0
  return p.length === 1 && p[0]!.atoms.length === 0 ? p[0]!.coefficient : undefined
}

/** Graded lexicographic order: higher degree first, then the earlier atom. It respects products. */
function compareTerms(a: readonly Atom[], b: readonly Atom[]): number {
  if (a.length !== b.length) return b.length - a.length
  for (let i = 0; i < a.length; i++) {
    if (a[i]!.text !== b[i]!.text) return a[i]!.text < b[i]!.text ? -1 : 1
  }
  return 0
}

function collect(terms: readonly Term[]): Polynomial | undefined {
  const sorted = [...terms].sort((a, b) => compareTerms(a.atoms, b.atoms))
  const merged: Term[] = []
  for (const term of sorted) {
    const last = merged.at(-1)
    if (last && compareTerms(last.atoms, term.atoms) === 0) {
      merged[merged.length - 1] = { ...last, coefficient: last.coefficient + term.coefficient }
    } else merged.push(term)
  }
  const kept = merged.filter((term) => term.coefficient !== 0)
  const sound = kept.every(
    (term) => Number.isSafeInteger(term.coefficient) && term.atoms.length <= MAX_DEGREE,
  )
  return sound && kept.length <= MAX_TERMS ? kept : undefined
}

export const add = (a: Polynomial, b: Polynomial): Polynomial | undefined => collect([...a, ...b])

export const negate = (p: Polynomial): Polynomial =>
  p.map((term) => ({ ...term, coefficient: -term.coefficient }))

export const subtract = (a: Polynomial, b: Polynomial): Polynomial | undefined => add(a, negate(b))

const sortAtoms = (atoms: readonly Atom[]): Atom[] =>
  [...atoms].sort((a, b) => (a.text < b.text ? -1 : a.text > b.text ? 1 : 0))

export function multiply(a: Polynomial, b: Polynomial): Polynomial | undefined {
  if (a.length * b.length > MAX_TERMS * 8) return undefined
  return collect(
    a.flatMap((x) =>
      b.map((y) => ({
        coefficient: x.coefficient * y.coefficient,
        atoms: sortAtoms([...x.atoms, ...y.atoms]),
      })),
    ),
  )
}

/** `a / b` where b divides a exactly; undefined otherwise. Long division by the leading term. */
export function divideExactly(a: Polynomial, b: Polynomial): Polynomial | undefined {
  const lead = b[0]
  if (!lead) return undefined
  const quotient: Term[] = []
  let rest: Polynomial = a
  while (rest.length > 0) {
    const term = divideTerm(rest[0]!, lead)
    const product = term && multiply([term], b)
    const next = product && subtract(rest, product)
    if (!term || !next || quotient.length > MAX_TERMS) return undefined
    quotient.push(term)
    rest = next
  }
  return quotient
}

function divideTerm(term: Term, by: Term): Term | undefined {
  const coefficient = term.coefficient / by.coefficient
  if (!Number.isInteger(coefficient)) return undefined
  const atoms = [...term.atoms]
  for (const atom of by.atoms) {
    const index = atoms.findIndex((other) => other.text === atom.text)
    if (index < 0) return undefined
    atoms.splice(index, 1)
  }
  return { coefficient, atoms }
}

/** ⌊a / b⌋: exact where b divides; whole multiples of a constant b leave the floor; the rest is one atom. */
export function divideFloor(a: Polynomial, b: Polynomial): Polynomial | undefined {
  const divisor = constantOf(b)
  if (divisor === 0) return undefined
  const exact = divideExactly(a, b)
  if (exact) return exact
  if (divisor === undefined || divisor < 0) return call('floor', [a, b])
  const whole = a.map((t) => ({ ...t, coefficient: Math.floor(t.coefficient / divisor) }))
  const part = a.map((t, i) => ({
    ...t,
    coefficient: t.coefficient - whole[i]!.coefficient * divisor,
  }))
  const [quotient, rest] = [collect(whole), collect(part)]
  if (!quotient || !rest) return undefined
  const left = constantOf(rest)
  const tail = left === undefined ? call('floor', [rest, b]) : constant(Math.floor(left / divisor))
  return tail && add(quotient, tail)
}

/** True when no values of its symbols make it negative. */
export const neverNegative = (p: Polynomial): boolean => p.every((term) => term.coefficient > 0)

/** The least or greatest of polynomials; decided where symbols ≥ 0 decide it, else one atom. */
export function extreme(name: 'min' | 'max', parts: readonly Polynomial[]): Polynomial | undefined {
  const kept: Polynomial[] = []
  const better = (a: Polynomial, b: Polynomial): boolean => {
    const difference = name === 'min' ? subtract(b, a) : subtract(a, b)
    return difference !== undefined && neverNegative(difference)
  }
  for (const part of parts.flatMap((p) => callArgs(p, name) ?? [p])) {
    if (kept.some((other) => better(other, part))) continue
    for (let i = kept.length - 1; i >= 0; i--) if (better(part, kept[i]!)) kept.splice(i, 1)
    kept.push(part)
  }
  return kept.length === 1 ? kept[0] : call(name, sortByText(kept))
}

const sortByText = (parts: readonly Polynomial[]): Polynomial[] =>
  [...parts].sort((a, b) => (textOf(a) < textOf(b) ? -1 : 1))

/** The arguments when the polynomial is exactly one call of `name`. */
export function callArgs(p: Polynomial, name: string): readonly Polynomial[] | undefined {
  const [term] = p
  if (p.length !== 1 || term?.coefficient !== 1 || term.atoms.length !== 1) return undefined
  const { call } = term.atoms[0]!
  return call?.name === name ? call.args : undefined
}

/** An atom `name(args)`; the canonical form of arguments is its caller's business. */
export function call(name: string, args: readonly Polynomial[]): Polynomial | undefined {
  const text =
    name === 'floor' && args.length === 2
      ? `floor(${factorText(args[0]!)}/${factorText(args[1]!)})`
      : `${name}(${args.map(textOf).join(',')})`
  if (text.length > MAX_ATOM) return undefined
  return [{ coefficient: 1, atoms: [{ text, call: { name, args } }] }]
}

/** A broadcast of sizes that may or may not be equal: sorted, without repeats. */
export function broadcastCall(parts: readonly Polynomial[]): Polynomial | undefined {
  const flat = new Map<string, Polynomial>()
  for (const part of parts.flatMap((p) => callArgs(p, 'broadcast') ?? [p])) {
    flat.set(textOf(part), part)
  }
  return flat.size === 1 ? [...flat.values()][0] : call('broadcast', sortByText([...flat.values()]))
}

/** Canonical text, e.g. `batch*seq`, `2*seq+1`. */
export function textOf(p: Polynomial): string {
  if (p.length === 0) return '0'
  let text = ''
  for (const { coefficient, atoms } of p) {
    const factors = atoms.map((atom) => atom.text).join('*')
    const size = Math.abs(coefficient)
    const body = factors === '' ? `${size}` : size === 1 ? factors : `${size}*${factors}`
    text += coefficient < 0 ? `-${body}` : text === '' ? body : `+${body}`
  }
  return text
}

const factorText = (p: Polynomial): string => {
  const simple = p.length === 0 || (p.length === 1 && p[0]!.atoms.length <= 1 && isPlain(p[0]!))
  return simple ? textOf(p) : `(${textOf(p)})`
}
const isPlain = (term: Term): boolean =>
  term.atoms.length === 0 ? term.coefficient >= 0 : term.coefficient === 1
