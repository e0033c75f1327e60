/**
 * Every family at one size, so that only what is the family's own differs: 6 layers of width 384 with 12
 * heads, feed-forward 1536, 30522 words. What a family does otherwise stands in its row, in the proportions
 * of its published base or small model.
 */

type Json = Readonly<Record<string, unknown>>

/** Rows of every word table: random tokens are drawn from all of them. */
export const VOCABULARY = 30_522

const bertLike: Json = {
  hidden_act: 'gelu',
  hidden_size: 384,
  intermediate_size: 1536,
  layer_norm_eps: 1e-12,
  max_position_embeddings: 512,
  num_attention_heads: 12,
  num_hidden_layers: 6,
  pad_token_id: 0,
  type_vocab_size: 2,
  vocab_size: VOCABULARY,
}

const robertaLike: Json = {
  ...bertLike,
  max_position_embeddings: 514,
  pad_token_id: 1,
  type_vocab_size: 1,
}

/** `config.json` of each family, without `model_type`. */
const own: Readonly<Record<string, Json>> = {
  bert: bertLike,
  roberta: robertaLike,
  'xlm-roberta': robertaLike,
  distilbert: {
    activation: 'gelu',
    dim: 384,
    hidden_dim: 1536,
    max_position_embeddings: 512,
    n_heads: 12,
    n_layers: 6,
    vocab_size: VOCABULARY,
  },
  electra: { ...bertLike, embedding_size: 128 },
  albert: { ...bertLike, embedding_size: 128, num_hidden_groups: 1, inner_group_num: 1 },
  mpnet: { ...robertaLike, relative_attention_num_buckets: 32 },
  // a bottleneck of a quarter and four small feed-forward networks
  mobilebert: {
    ...bertLike,
    hidden_act: 'relu',
    embedding_size: 96,
    intra_bottleneck_size: 96,
    intermediate_size: 384,
    key_query_shared_bottleneck: true,
    normalization_type: 'no_norm',
    num_attention_heads: 4,
    num_feedforward_networks: 4,
    trigram_input: true,
    use_bottleneck: true,
    use_bottleneck_attention: false,
  },
  // DeBERTa-v3-small
  'deberta-v2': {
    ...bertLike,
    layer_norm_eps: 1e-7,
    max_relative_positions: -1,
    norm_rel_ebd: 'layer_norm',
    pos_att_type: ['p2c', 'c2p'],
    position_biased_input: false,
    position_buckets: 256,
    relative_attention: true,
    share_att_key: true,
    type_vocab_size: 0,
  },
  // gated networks are 1.5 wide, two layers of three see a window
  modernbert: {
    ...bertLike,
    global_attn_every_n_layers: 3,
    hidden_activation: 'gelu',
    intermediate_size: 576,
    local_attention: 128,
    max_position_embeddings: 8192,
    norm_eps: 1e-5,
  },
}

/** `config.json` of each family. */
export const familyConfigs: Readonly<Record<string, Json>> = Object.fromEntries(
  Object.entries(own).map(([type, json]) => [type, { model_type: type, ...json }]),
)
