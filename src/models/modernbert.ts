/**
 * ModernBERT (Warner et al. 2024): a pre-norm encoder with rotary positions, gated feed-forward networks
 * (GeGLU) and, in most layers, attention to a window of neighbours only. Linear layers and norms have no
 * biases unless the configuration says so.
 */
import { int } from '../graph/attributes.ts'
import type { Value } from '../graph/graph.ts'
import { attend, splitHeads, turnHeads } from './attention-block.ts'
import { activate, keyMask } from './blocks.ts'
import type { Encoded, Family } from './family.ts'
import type { ModelBuilder } from './model-builder.ts'
import { type LayerType, type ModernBertDims, modernBertDims } from './modernbert-config.ts'
import { modernBertHeads } from './modernbert-heads.ts'
import { linearWith, normWith } from './optional-bias.ts'
import { distances, scalar } from './relative-position.ts'
import { type Angles, rotaryAngles, rotate } from './rotary.ts'

const wordTable = 'embeddings.tok_embeddings.weight'

/** What the layers of one type share. */
interface Neighbourhood extends Angles {
  readonly mask: Value
}

function encode(b: ModelBuilder, d: ModernBertDims): Encoded {
  const tokens = ['batch_size', 'sequence_length']
  const ids = b.input('input_ids', 'int64', tokens)
  const attentionMask = b.input('attention_mask', 'int64', tokens)
  let hidden = b.scope('embeddings', () => {
    const word = b.op('Gather', [b.weight(wordTable, [d.vocab, d.hidden]), ids])
    return normWith(b, 'norm', word, d.hidden, d)
  })
  b.tap('hidden.0', hidden)
  const everyKey = keyMask(b, attentionMask)
  const shared = new Map<LayerType, Neighbourhood>()
  for (const type of new Set(d.layerTypes)) {
    const angles = b.scope('rotary_emb', () =>
      rotaryAngles(b, ids, d.rotaryBase[type], d.hidden / d.heads),
    )
    const reach = d.reach[type]
    const mask = reach === undefined ? everyKey : b.op('And', [everyKey, window(b, ids, reach)])
    shared.set(type, { ...angles, mask })
  }
  d.layerTypes.forEach((type, i) => {
    hidden = b.scope(`layers.${i}`, () => layer(b, d, i, hidden, shared.get(type)!))
    b.tap(`hidden.${i + 1}`, hidden)
  })
  return {
    dims: d,
    hidden: normWith(b, 'final_norm', hidden, d.hidden, d),
    attentionMask,
    wordTable,
  }
}

/** Which keys stand at most `reach` tokens from the query: boolean `[S, S]`. */
function window(b: ModelBuilder, ids: Value, reach: number): Value {
  return b.op('LessOrEqual', [b.op('Abs', [distances(b, ids)]), scalar(b, reach)])
}

function layer(
  b: ModelBuilder,
  d: ModernBertDims,
  index: number,
  x: Value,
  near: Neighbourhood,
): Value {
  // the embedding's norm is the first layer's
  const normed = index === 0 ? x : normWith(b, 'attn_norm', x, d.hidden, d)
  const attended = b.op('Add', [x, b.scope('attn', () => attention(b, d, normed, near))])
  const inner = normWith(b, 'mlp_norm', attended, d.hidden, d)
  return b.op('Add', [attended, b.scope('mlp', () => feedForward(b, d, inner))])
}

function attention(b: ModelBuilder, d: ModernBertDims, x: Value, near: Neighbourhood): Value {
  const { hidden, heads } = d
  const all = linearWith(b, 'Wqkv', x, [hidden, 3 * hidden], d.attentionBias)
  const split = b.ops('Split', [all], 3, { axis: int(-1), num_outputs: int(3) })
  const [query, key, value] = split.map((part) => splitHeads(b, part, heads, hidden / heads))
  const parts = {
    query: turnHeads(b, rotate(b, query!, near)),
    key: turnHeads(b, rotate(b, key!, near)),
    value: turnHeads(b, value!),
  }
  const scale = 1 / Math.sqrt(hidden / heads)
  const context = attend(b, parts, { mask: near.mask, scale, width: hidden })
  return linearWith(b, 'Wo', context, [hidden, hidden], d.attentionBias)
}

/** `(act(xW₁) ⊙ xW₂)W₃` (Shazeer 2020). */
function feedForward(b: ModelBuilder, d: ModernBertDims, x: Value): Value {
  const { hidden, intermediate } = d
  const both = linearWith(b, 'Wi', x, [hidden, 2 * intermediate], d.feedForwardBias)
  const [inner, gate] = b.ops('Split', [both], 2, { axis: int(-1), num_outputs: int(2) })
  const gated = b.op('Mul', [activate(b, d.activation, inner!), gate])
  return linearWith(b, 'Wo', gated, [intermediate, hidden], d.feedForwardBias)
}

export const modernbert: Family<ModernBertDims> = {
  type: 'modernbert',
  className: 'ModernBert',
  prefix: 'model',
  dims: modernBertDims,
  encode,
  heads: modernBertHeads,
}
