/**
 * BERT (Devlin et al. 2019) and everything saved as `model_type: bert`, MiniLM included.
 *
 * Post-norm encoder: absolute positions, token types, `x = LN(x + Attention(x))`, `x = LN(x + FFN(x))`.
 * Inputs and outputs have the names that Transformers.js and optimum use.
 */
import { LimbeckError } from '../errors.ts'
import type { Value } from '../graph/graph.ts'
import {
  activate,
  firstRows,
  keyMask,
  layerNorm,
  linear,
  selfAttention,
  tokenAt,
} from './blocks.ts'
import { type ModelConfig, textOf } from './config.ts'
import { type Encoded, type Family, type TextDims, textDims } from './family.ts'
import type { ModelBuilder } from './model-builder.ts'

const wordTable = 'embeddings.word_embeddings.weight'

function dims(config: ModelConfig): TextDims {
  const positions = textOf(config, 'position_embedding_type', 'absolute')
  if (positions !== 'absolute' || config.json.is_decoder === true) {
    throw new LimbeckError(
      'input',
      `${config.file}: expected a BERT encoder with absolute positions, found position_embedding_type ${positions}, is_decoder ${config.json.is_decoder ?? false}.`,
    )
  }
  const found = textDims(config, {
    layers: ['num_hidden_layers'],
    hidden: ['hidden_size'],
    heads: ['num_attention_heads'],
    intermediate: ['intermediate_size'],
    vocab: ['vocab_size'],
    positions: ['max_position_embeddings'],
  })
  if (found.hidden % found.heads !== 0) {
    throw new LimbeckError(
      'input',
      `${config.file}: expected hidden_size to be a multiple of num_attention_heads, found ${found.hidden} and ${found.heads}.`,
    )
  }
  return found
}

function encode(b: ModelBuilder, dims: TextDims): Encoded {
  const tokens = ['batch_size', 'sequence_length']
  const ids = b.input('input_ids', 'int64', tokens)
  const attentionMask = b.input('attention_mask', 'int64', tokens)
  const types = b.input('token_type_ids', 'int64', tokens)
  const mask = keyMask(b, attentionMask)
  let hidden = b.scope('embeddings', () => embed(b, dims, ids, types))
  b.tap('hidden.0', hidden)
  for (let i = 0; i < dims.layers; i++) {
    hidden = b.scope(`encoder.layer.${i}`, () => layer(b, dims, hidden, mask))
    b.tap(`hidden.${i + 1}`, hidden)
  }
  return { dims, hidden, attentionMask, wordTable }
}

function embed(b: ModelBuilder, d: TextDims, ids: Value, types: Value): Value {
  const word = b.op('Gather', [b.weight(wordTable, [d.vocab, d.hidden]), ids])
  const typeTable = b.weight('embeddings.token_type_embeddings.weight', [d.tokenTypes, d.hidden])
  const positionTable = b.weight('embeddings.position_embeddings.weight', [d.positions, d.hidden])
  const sum = b.op('Add', [word, b.op('Gather', [typeTable, types])])
  return layerNorm(
    b,
    'LayerNorm',
    b.op('Add', [sum, firstRows(b, positionTable, ids)]),
    d.hidden,
    d.normEpsilon,
  )
}

function layer(b: ModelBuilder, d: TextDims, x: Value, mask: Value): Value {
  const names = { query: 'query', key: 'key', value: 'value' }
  const attended = b.scope('attention', () => {
    const context = b.scope('self', () => selfAttention(b, names, x, mask, d))
    return b.scope('output', () => {
      const projected = linear(b, 'dense', context, [d.hidden, d.hidden])
      return layerNorm(b, 'LayerNorm', b.op('Add', [projected, x]), d.hidden, d.normEpsilon)
    })
  })
  const inner = b.scope('intermediate', () =>
    activate(b, d.activation, linear(b, 'dense', attended, [d.hidden, d.intermediate])),
  )
  return b.scope('output', () => {
    const projected = linear(b, 'dense', inner, [d.intermediate, d.hidden])
    return layerNorm(b, 'LayerNorm', b.op('Add', [projected, attended]), d.hidden, d.normEpsilon)
  })
}

/** Tanh of a linear layer on the first token: `[B, D]`. */
function pool(b: ModelBuilder, { hidden, dims }: Encoded): Value {
  return b.scope('pooler', () =>
    b.op('Tanh', [linear(b, 'dense', tokenAt(b, hidden, 0), [dims.hidden, dims.hidden])]),
  )
}

export const bert: Family = {
  type: 'bert',
  prefix: 'bert',
  dims,
  encode,
  heads: {
    'feature-extraction': (b, encoded) => ({
      last_hidden_state: encoded.hidden,
      ...(b.storedName('pooler.dense.weight') ? { pooler_output: pool(b, encoded) } : {}),
    }),
    'sequence-classification': (b, encoded, labels) => ({
      logits: linear(b, 'classifier', pool(b, encoded), [encoded.dims.hidden, labels]),
    }),
    'token-classification': (b, encoded, labels) => ({
      logits: linear(b, 'classifier', encoded.hidden, [encoded.dims.hidden, labels]),
    }),
    'question-answering': (b, encoded) => {
      const spans = linear(b, 'qa_outputs', encoded.hidden, [encoded.dims.hidden, 2])
      return { start_logits: tokenScore(b, spans, 0), end_logits: tokenScore(b, spans, 1) }
    },
    'masked-lm': (b, encoded) => ({ logits: predictTokens(b, encoded) }),
  },
}

/** One column of `[B, S, 2]`: `[B, S]`. */
function tokenScore(b: ModelBuilder, spans: Value, column: number): Value {
  const from = b.int64s([column], 'column')
  const to = b.int64s([column + 1], 'end')
  const axis = b.int64s([2], 'axis')
  return b.op('Squeeze', [b.op('Slice', [spans, from, to, axis]), axis])
}

/** Vocabulary scores: transform, then the word table again (tied) with a bias of its own. */
function predictTokens(b: ModelBuilder, { hidden, dims, wordTable }: Encoded): Value {
  return b.scope('cls.predictions', () => {
    const transformed = b.scope('transform', () => {
      const dense = linear(b, 'dense', hidden, [dims.hidden, dims.hidden])
      const active = activate(b, dims.activation, dense)
      return layerNorm(b, 'LayerNorm', active, dims.hidden, dims.normEpsilon)
    })
    const own = 'cls.predictions.decoder.weight'
    return linear(b, 'decoder', transformed, [dims.hidden, dims.vocab], {
      weightPath: b.storedName(own) ? own : wordTable,
      biasPath: b.storedName('cls.predictions.bias')
        ? 'cls.predictions.bias'
        : 'cls.predictions.decoder.bias',
      tie: 'word_embeddings',
    })
  })
}
