/**
 * Attention scores in any exporter's spelling → the canonical
 * `Softmax(Where(mask, MatMul(Q, Kᵀ)·s [+ bias], lowest))` on heads `[B, H, S, d]`.
 *
 * Reads the input of a Softmax from its end: added or chosen masks, position biases, the scale, and the
 * product of queries and keys, whose own scales and transpositions are taken out.
 */
import { int, intOf, ints, intsOf } from '../../graph/attributes.ts'
import type { Node, Value } from '../../graph/graph.ts'
import { rule, scalarOf } from '../../graph/pattern.ts'
import type { NodeRule, RewriteContext } from '../../graph/rewrite.ts'
import { equalDims } from '../../graph/shape.ts'
import { floatScalar, type ReadTensor } from '../../graph/tensor.ts'
import { isAlwaysTrue } from './mask-terms.ts'

/** Value that takes a masked score's place: the lowest float32, as Hugging Face fills. */
export const MASKED_SCORE = -3.4028234663852886e38
/** What is at most this masks a score wholly. */
const LOW = -1e38

/** What the scores are made of. */
interface Scores {
  readonly query: Value
  /** `[B, H, S, d]`. */
  readonly key: Value
  scale: number
  readonly biases: Value[]
  /** Boolean, true where a key is seen. */
  readonly masks: Value[]
  /** What masked scores get, the lowest there is. */
  low: number
  /** A factor stands between the product and all else. */
  scaled: boolean
  /** Anything was not yet as the canonical form has it. */
  changed: boolean
}

/** The rule; `read` gives the values of constants. */
export const raiseScores = (read: ReadTensor): NodeRule => ({
  name: 'raise-scores',
  anchors: ['Softmax'],
  apply(node, context) {
    const [input] = node.inputs
    const type = input && context.typeOf(input)
    const rank = type?.shape?.length
    const axis = intOf(node, 'axis', -1)
    if (!input || rank !== 4 || type?.dtype !== 'float32' || (axis !== -1 && axis !== 3)) {
      return undefined
    }
    const scores = new ScoresReader(context, read).scores(input)
    if (!scores) return undefined
    const masks = conjuncts(scores, context)
    if (!scores.changed && scores.scaled) return undefined
    const keyT = context.op('Transpose', [scores.key], { perm: ints([0, 1, 3, 2]) })
    const scale = context.constant(floatScalar(scores.scale), 'scale')
    let value = context.op('Mul', [context.op('MatMul', [scores.query, keyT]), scale])
    for (const bias of scores.biases) value = context.op('Add', [value, bias])
    if (masks.length > 0) {
      const mask = masks.reduce((a, b) => context.op('And', [a, b]))
      const low = context.constant(floatScalar(scores.low), 'masked')
      value = context.op('Where', [mask, value, low])
    }
    return [context.op('Softmax', [value], { axis: int(-1) })]
  },
})

/** `Where(IsNaN(p), 0, p)` of probabilities p over scores without −∞, which are never NaN → p. */
export const dropNanGuard: NodeRule = rule('drop-nan-guard', {
  match: (op, x) => op.Where!(op.IsNaN!(x.weights!), op.number(0), x.weights!),
  when: (x, context) => {
    const softmax = context.producer(x.weights!)
    if (softmax?.op !== 'Softmax') return 'what is guarded is no Softmax'
    const where = softmax.inputs[0] && context.producer(softmax.inputs[0])
    const low = where?.op === 'Where' ? where.inputs[2] : undefined
    const masked = low && scalarOf(context.weight(low)?.tensor)
    const isPlain = where?.op === 'Mul'
    return isPlain || masked === MASKED_SCORE || 'the scores may be minus infinity'
  },
  rewrite: (_, x) => x.weights!,
})

/** Reads scores; one object an attempt. */
class ScoresReader {
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

  /** Remembers that scores are masked by −∞: wholly masked rows are then NaN, and exporters guard them. */
  note(scores: Scores, low: Value | undefined): void {
    if (this.number(low) === Number.NEGATIVE_INFINITY) scores.low = Number.NEGATIVE_INFINITY
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
    if (right !== undefined && right !== 0) {
      return this.unscaled(a, node.op === 'Mul' ? factor * right : factor / right)
    }
    const left = node.op === 'Mul' ? this.number(a) : undefined
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
    scores.masks.push(inverted ? reader.not(mask) : mask)
    reader.note(scores, inverted ? yes : no)
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
      const mask = maskOfTerm(term, reader, scores)
      if (mask) scores.masks.push(mask)
      else scores.biases.push(term)
      scores.changed ||= mask !== undefined || core === b || scores.biases.length > 1
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
      low: MASKED_SCORE,
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

/** The boolean mask that an added term stands for: 0 where a key is seen, at most `LOW` elsewhere. */
function maskOfTerm(term: Value, reader: ScoresReader, scores: Scores): Value | undefined {
  const node = reader.producer(term)
  const [first, second, third] = node?.inputs ?? []
  if (node?.op === 'Where' && first) {
    const [yes, no] = [reader.number(second), reader.number(third)]
    if (yes === 0 && reader.isLow(third)) {
      reader.note(scores, third)
      return first
    }
    if (no !== 0 || !reader.isLow(second)) return undefined
    reader.note(scores, second)
    return reader.not(first)
  }
  if (node?.op === 'Unsqueeze' || node?.op === 'Expand') {
    const inner = first && maskOfTerm(first, reader, scores)
    return inner && reader.op(node.op, [inner, ...node.inputs.slice(1)], node.attributes)
  }
  // (1 − mask) · lowest
  if (node?.op !== 'Mul') return undefined
  const [difference, low] = reader.isLow(second) ? [first, second] : [second, first]
  const sub = reader.isLow(low) ? reader.producer(difference) : undefined
  if (sub?.op !== 'Sub' || reader.number(sub.inputs[0]) !== 1 || !sub.inputs[1]) return undefined
  return reader.op('Cast', [sub.inputs[1]], { to: int(9) })
}

/** The masks taken apart at And, without what is always true. */
function conjuncts(scores: Scores, context: RewriteContext): Value[] {
  const found: Value[] = []
  const visit = (mask: Value, depth: number): void => {
    const node = context.producer(mask)
    if (node?.op === 'And' && node.domain === '' && depth < 32) {
      for (const input of node.inputs) if (input) visit(input, depth + 1)
    } else if (!found.includes(mask)) found.push(mask)
  }
  for (const mask of scores.masks) visit(mask, 0)
  const kept = found.filter((mask) => !isAlwaysTrue(mask, context))
  if (kept.length < found.length) scores.changed = true
  return kept
}
