/**
 * The post-norm encoder that BERT and its descendants share, from inputs to the last hidden state.
 *
 * A family says what it calls the modules and which of the few differences it has.
 */
import type { Value } from '../graph/graph.ts'
import { int64Tensor } from '../graph/tensor.ts'
import {
  firstRows,
  keyMask,
  type LayerNames,
  layerNorm,
  linear,
  positionsAfterPadding,
  postNormLayer,
} from './blocks.ts'
import type { Encoded, TextDims } from './family.ts'
import type { ModelBuilder } from './model-builder.ts'

/** What differs between post-norm encoders. */
export interface PostNormEncoder<D extends TextDims = TextDims> {
  /** Token types: a graph input; always the first row of the table; or no table at all. */
  readonly tokenTypes: 'input' | 'first' | 'none'
  /** Positions by index; or counted over tokens that are not padding, from the id after the padding's. */
  readonly positions: 'index' | 'after-padding'
  /** Linear layer from the embedding's width to the encoder's, where there is one. */
  readonly projection?: (dims: D) => string | undefined
  /** Module that holds the parameters of layer `i`. */
  readonly layerModule: (i: number, dims: D) => string
  /** Module path of layer `i`'s nodes, where layers share parameters. */
  readonly layerOrigin?: (i: number) => string
  readonly layer: LayerNames
}

const wordTable = 'embeddings.word_embeddings.weight'

/** Declares the inputs and writes the base model. */
export function encodePostNorm<D extends TextDims>(
  b: ModelBuilder,
  encoder: PostNormEncoder<D>,
  dims: D,
): Encoded {
  const tokens = ['batch_size', 'sequence_length']
  const ids = b.input('input_ids', 'int64', tokens)
  const attentionMask = b.input('attention_mask', 'int64', tokens)
  const types =
    encoder.tokenTypes === 'input' ? b.input('token_type_ids', 'int64', tokens) : undefined
  const mask = keyMask(b, attentionMask)
  const embedded = b.scope('embeddings', () => embed(b, encoder, dims, ids, types))
  const projection = encoder.projection?.(dims)
  let hidden = projection
    ? linear(b, projection, embedded, [dims.embedding, dims.hidden])
    : embedded
  b.tap('hidden.0', hidden)
  for (let i = 0; i < dims.layers; i++) {
    const module = encoder.layerModule(i, dims)
    hidden = b.sharing(encoder.layerOrigin?.(i) ?? module, module, () =>
      postNormLayer(b, encoder.layer, hidden, mask, dims),
    )
    b.tap(`hidden.${i + 1}`, hidden)
  }
  return { dims, hidden, attentionMask, wordTable }
}

function embed<D extends TextDims>(
  b: ModelBuilder,
  { tokenTypes, positions }: PostNormEncoder<D>,
  d: D,
  ids: Value,
  types: Value | undefined,
): Value {
  const table = (name: string, rows: number) =>
    b.weight(`embeddings.${name}_embeddings.weight`, [rows, d.embedding])
  let sum = b.op('Gather', [table('word', d.vocab), ids])
  if (tokenTypes !== 'none') {
    const type = types ?? b.constant(int64Tensor([0], []), 'first')
    sum = b.op('Add', [sum, b.op('Gather', [table('token_type', d.tokenTypes), type])])
  }
  const at =
    positions === 'index'
      ? firstRows(b, table('position', d.positions), ids)
      : b.op('Gather', [
          table('position', d.positions + d.padToken + 1),
          positionsAfterPadding(b, ids, d.padToken),
        ])
  return layerNorm(b, 'LayerNorm', b.op('Add', [sum, at]), d.embedding, d.normEpsilon)
}
