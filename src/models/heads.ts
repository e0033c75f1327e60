/**
 * Heads that families share, with the paths of their modules as data: the names differ, the shape does not.
 *
 * Paths are relative to the checkpoint (a head stands beside the base model). Shapes: B batch, S tokens.
 */
import type { Value } from '../graph/graph.ts'
import { activate, layerNorm, linear, tokenAt } from './blocks.ts'
import type { Encoded, Head } from './family.ts'
import type { ModelBuilder } from './model-builder.ts'

/** A linear layer on the first token, then an activation: `[B, S, D]` → `[B, D]`. */
export interface FirstToken {
  readonly dense: string
  readonly activation: string
}

function firstToken(b: ModelBuilder, { hidden, dims }: Encoded, layer: FirstToken): Value {
  const size = [dims.hidden, dims.hidden] as const
  const projected = linear(b, layer.dense, tokenAt(b, hidden, 0), size)
  return b.scope(layer.dense, () => activate(b, layer.activation, projected))
}

/** `last_hidden_state`, and `pooler_output` where the checkpoint has the pooler. */
export function baseHead(pooler?: FirstToken): Head {
  return (b, encoded) => ({
    last_hidden_state: encoded.hidden,
    ...(pooler && b.storedName(`${pooler.dense}.weight`)
      ? { pooler_output: firstToken(b, encoded, pooler) }
      : {}),
  })
}

/** One answer a text, from the first token: `logits` `[B, labels]`. */
export function sequenceHead(first: FirstToken, classifier = 'classifier'): Head {
  return (b, encoded, labels) => ({
    logits: linear(b, classifier, firstToken(b, encoded, first), [encoded.dims.hidden, labels]),
  })
}

/** One answer a token: `logits` `[B, S, labels]`. */
export function tokenHead(classifier = 'classifier'): Head {
  return (b, { hidden, dims }, labels) => ({
    logits: linear(b, classifier, hidden, [dims.hidden, labels]),
  })
}

/** Where an answer begins and ends: `start_logits` and `end_logits` `[B, S]`. */
export function questionHead(scores = 'qa_outputs'): Head {
  return (b, { hidden, dims }) => {
    const spans = linear(b, scores, hidden, [dims.hidden, 2])
    return b.scope(scores, () => ({
      start_logits: column(b, spans, 0),
      end_logits: column(b, spans, 1),
    }))
  }
}

/** One column of `[B, S, 2]`: `[B, S]`. */
function column(b: ModelBuilder, spans: Value, index: number): Value {
  const from = b.int64s([index], 'column')
  const to = b.int64s([index + 1], 'end')
  const axis = b.int64s([2], 'axis')
  return b.op('Squeeze', [b.op('Slice', [spans, from, to, axis]), axis])
}

/** Modules of a masked-LM head. */
export interface MaskedLmNames {
  readonly dense: string
  /** The model's own activation when absent. */
  readonly activation?: string
  readonly norm: string
  readonly decoder: string
  /** Parameter path of the bias that a tied decoder takes over. */
  readonly bias?: string
}

/** Vocabulary scores: dense, activation, norm, then the word table again (tied): `[B, S, vocab]`. */
export function maskedLmHead(names: MaskedLmNames): Head {
  const ownWeight = `${names.decoder}.weight`
  const ownBias = `${names.decoder}.bias`
  return (b, { hidden, dims, wordTable }) => {
    const dense = linear(b, names.dense, hidden, [dims.hidden, dims.embedding])
    const active = b.scope(names.dense, () =>
      activate(b, names.activation ?? dims.activation, dense),
    )
    const normed = layerNorm(b, names.norm, active, dims.embedding, dims.normEpsilon)
    const biases = [names.bias, ownBias].filter((path) => path !== undefined)
    if (!dims.tiedDecoder) biases.reverse()
    const logits = linear(b, names.decoder, normed, [dims.embedding, dims.vocab], {
      biasPath: biases.find((path) => b.storedName(path)) ?? biases[0]!,
      ...(dims.tiedDecoder
        ? { weightPath: wordTable, tie: 'word_embeddings' }
        : { weightPath: ownWeight }),
    })
    return { logits }
  }
}
