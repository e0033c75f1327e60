/**
 * Reads attention scores from their end: masks added or chosen, position biases, the scale, and the product of
 * queries and keys, whose own scales and transpositions are taken out. One row an operator.
 */
import { int, ints, intsOf } from '../../graph/attributes.ts'
import type { Node, Value } from '../../graph/graph.ts'
import { scalarOf } from '../../graph/pattern.ts'
import type { RewriteContext } from '../../graph/rewrite.ts'
import { equalDims } from '../../graph/shape.ts'
import type { ReadTensor } from '../../graph/tensor.ts'

/** Value that takes a masked score's place: the lowest float32, as Hugging Face fills. */
export const MASKED_SCORE = -3.4028234663852886e38
/** What is at most this masks a score wholly. */
const LOW = -1e38

/** What the scores are made of. */
export interface Scores {
  readonly query: Value
  /** `[B, H, S, d]`. */
  readonly key: Value
  scale: number
  readonly biases: Value[]
  /** Boolean, true where a key is seen. */
  readonly masks: Value[]
  /** What masked scores get: −∞, or the lowest float32; undefined before a mask is met. */
  low: number | undefined
  /** A factor stands between the product and all else. */
  scaled: boolean
  /** Anything was not yet as the canonical form has it. */
  changed: boolean
}

/** Reads scores; one object an attempt. */
export class ScoresReader {
  private readonly context: RewriteContext
  private readonly read: ReadTensor

  constructor(context: RewriteContext, read: ReadTensor) {
    this.context = context
    this.read = read
  }

  /** The scores that `value` holds; undefined when it holds none. */
  scores(value: Value, depth = 0): Scores | undefined {
    const node = this.context.producer(value)
    if (node?.domain !== '' || depth > 16) return undefined
    const row = Object.hasOwn(scoreRows, node.op) ? scoreRows[node.op] : undefined
    return row?.(node, this, depth + 1)
  }

  number(value: Value | undefined): number | undefined {
    return value && scalarOf(this.context.weight(value)?.tensor, this.read)
  }

  isLow(value: Value | undefined): boolean {
    const found = this.number(value)
    return found !== undefined && found <= LOW
  }

  /** The opposite of a mask, itself perhaps an opposite. */
  not(mask: Value): Value {
    const node = this.producer(mask)
    return node?.op === 'Not' && node.inputs[0] ? node.inputs[0] : this.op('Not', [mask])
  }

  /**
   * Takes a mask in: false where another has another lowest score. A row that −∞ masks wholly is NaN, and
   * exporters guard it; one that the lowest number masks is not.
   */
  mask(scores: Scores, mask: Mask): boolean {
    const isInfinite = this.number(mask.low) === Number.NEGATIVE_INFINITY
    const low = isInfinite ? Number.NEGATIVE_INFINITY : MASKED_SCORE
    if (scores.low !== undefined && scores.low !== low) return false
    scores.low = low
    scores.masks.push(mask.seen)
    return true
  }

  /** True when all elements are 0 or 1, as what a boolean or an integer mark became. */
  isMark(value: Value | undefined, depth = 0): boolean {
    const node = this.producer(value)
    const from = node?.inputs[0] && this.context.typeOf(node.inputs[0])?.dtype
    if (node?.op === 'Cast') return from === 'bool' || from?.startsWith('int') === true
    return views.has(node?.op ?? '') && depth < 16 && this.isMark(node!.inputs[0], depth + 1)
  }

  shape(value: Value | undefined) {
    return value && this.context.typeOf(value)?.shape
  }

  /** The node that made the value, of ai.onnx. */
  producer(value: Value | undefined): Node | undefined {
    const node = value && this.context.producer(value)
    return node?.domain === '' ? node : undefined
  }

  op(...parameters: Parameters<RewriteContext['op']>): Value {
    return this.context.op(...parameters)
  }

  /** A value without constant factors, and their product. */
  unscaled(value: Value, factor = 1): { value: Value; factor: number } {
    const node = this.producer(value)
    if (node?.op !== 'Mul' && node?.op !== 'Div') return { value, factor }
    const [a, b] = node.inputs as [Value, Value]
    const right = this.number(b)
    const rank = this.shape(value)?.length
    // a number of more axes than what it scales adds them
    if (right !== undefined && right !== 0 && this.shape(a)?.length === rank) {
      return this.unscaled(a, node.op === 'Mul' ? factor * right : factor / right)
    }
    const left = node.op === 'Mul' && this.shape(b)?.length === rank ? this.number(a) : undefined
    return left === undefined ? { value, factor } : this.unscaled(b, factor * left)
  }

  /** `[B, H, S, d]` of keys given as `[B, H, d, S]`; undefined when they are not seen to be turned. */
  keys(turned: Value): { key: Value; factor: number; changed: boolean } | undefined {
    const node = this.producer(turned)
    if (node?.op === 'Mul' || node?.op === 'Div') {
      const { value, factor } = this.unscaled(turned)
      const inner = value === turned ? undefined : this.keys(value)
      return inner && { ...inner, factor: inner.factor * factor, changed: true }
    }
    if (node?.op === 'Transpose') {
      const perm = intsOf(node, 'perm')?.join()
      const [source] = node.inputs
      if (!source) return undefined
      if (perm === '0,1,3,2') {
        const { value, factor } = this.unscaled(source)
        return { key: value, factor, changed: factor !== 1 }
      }
      if (perm !== '0,2,3,1') return undefined
      const key = this.op('Transpose', [source], { perm: ints([0, 2, 1, 3]) })
      return { key, factor: 1, changed: true }
    }
    return node?.op === 'Reshape' ? this.turnedFlat(node) : undefined
  }

  /** `Reshape(Transpose(Reshape(k, [-1, S, d]), [0, 2, 1]), [B, H, d, S])`. */
  private turnedFlat(outer: Node): { key: Value; factor: number; changed: boolean } | undefined {
    const turn = this.producer(outer.inputs[0])
    const flat = turn?.op === 'Transpose' ? this.producer(turn.inputs[0]) : undefined
    const key = flat?.op === 'Reshape' ? flat.inputs[0] : undefined
    const [from, to] = [this.shape(key), this.shape(outer.outputs[0])]
    if (!turn || intsOf(turn, 'perm')?.join() !== '0,2,1' || !key) return undefined
    if (from?.length !== 4 || to?.length !== 4) return undefined
    const order = [0, 1, 3, 2]
    const fits = order.every((axis, i) => equalDims(from[axis]!, to[i]!) === true)
    const flatShape = this.shape(flat!.outputs[0])
    const keeps = [1, 2].every((i) => equalDims(flatShape?.[i] ?? null, from[i + 1]!) === true)
    if (!fits || !keeps || flatShape?.length !== 3) return undefined
    const { value, factor } = this.unscaled(key)
    return { key: value, factor, changed: true }
  }
}

type ScoreRow = (node: Node, reader: ScoresReader, depth: number) => Scores | undefined

const scoreRows: Readonly<Record<string, ScoreRow>> = {
  Where: ({ inputs: [mask, yes, no] }, reader, depth) => {
    const inverted = reader.isLow(yes)
    if (!mask || inverted === reader.isLow(no)) return undefined
    const scores = reader.scores((inverted ? no : yes)!, depth)
    if (!scores) return undefined
    const seen = inverted ? reader.not(mask) : mask
    if (!reader.mask(scores, { seen, low: inverted ? yes : no })) return undefined
    // canonical is one Where, at the end
    scores.changed ||= inverted || depth > 1
    return scores
  },
  Add: ({ inputs: [a, b] }, reader, depth) => {
    for (const [core, term] of [
      [a, b],
      [b, a],
    ]) {
      const scores = core && reader.scores(core, depth)
      if (!scores || !term) continue
      const mask = maskOfTerm(term, reader)
      if (!mask) scores.biases.push(term)
      else if (!reader.mask(scores, mask)) return undefined
      scores.changed ||= mask !== undefined || core === b
      // a mask chosen before a bias was added
      scores.changed ||= scores.masks.length > 0 && !mask
      return scores
    }
    return undefined
  },
  Mul: scaleRow,
  Div: scaleRow,
  MatMul: ({ inputs: [left, right] }, reader) => {
    const keys = right && reader.keys(right)
    if (!left || !keys || reader.shape(left)?.length !== 4) return undefined
    const query = reader.unscaled(left)
    return {
      query: query.value,
      key: keys.key,
      scale: query.factor * keys.factor,
      biases: [],
      masks: [],
      low: undefined,
      scaled: false,
      changed: keys.changed || query.factor !== 1,
    }
  },
}

function scaleRow(node: Node, reader: ScoresReader, depth: number): Scores | undefined {
  const { value, factor } = reader.unscaled(node.outputs[0]!)
  const matmul = reader.producer(value)
  // a scale over biases and masks is another function
  if (matmul?.op !== 'MatMul') return undefined
  const scores = reader.scores(value, depth)
  if (!scores) return undefined
  scores.scale *= factor
  scores.scaled = true
  const once = node.op === 'Mul' && node.inputs[0] === value
  scores.changed ||= !once
  return scores
}

/** A boolean mask, true where a key is seen, and what the others get. */
interface Mask {
  readonly seen: Value
  readonly low: Value | undefined
}

/** Operators that move elements and change none. */
const views = new Set([
  'Unsqueeze',
  'Squeeze',
  'Reshape',
  'Expand',
  'Slice',
  'Transpose',
  'Identity',
])

/** The mask that an added term stands for: 0 where a key is seen, at most `LOW` elsewhere. */
function maskOfTerm(term: Value, reader: ScoresReader): Mask | undefined {
  const node = reader.producer(term)
  const [first, second, third] = node?.inputs ?? []
  if (node?.op === 'Where' && first) {
    const [yes, no] = [reader.number(second), reader.number(third)]
    if (yes === 0 && reader.isLow(third)) return { seen: first, low: third }
    if (no !== 0 || !reader.isLow(second)) return undefined
    return { seen: reader.not(first), low: second }
  }
  if (node?.op === 'Unsqueeze' || node?.op === 'Expand') {
    const inner = first && maskOfTerm(first, reader)
    if (!inner) return undefined
    const inputs = [inner.seen, ...node.inputs.slice(1)]
    return { seen: reader.op(node.op, inputs, node.attributes), low: inner.low }
  }
  // (1 − mask) · lowest
  if (node?.op !== 'Mul') return undefined
  const [difference, low] = reader.isLow(second) ? [first, second] : [second, first]
  const sub = reader.isLow(low) ? reader.producer(difference) : undefined
  const [one, mark] = sub?.op === 'Sub' ? sub.inputs : []
  if (reader.number(one) !== 1 || !mark || !reader.isMark(mark)) return undefined
  return { seen: reader.op('Cast', [mark], { to: int(9) }), low }
}
