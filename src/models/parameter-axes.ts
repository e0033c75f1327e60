/**
 * What the axes of a parameter stand for, by its name: which of them a narrower model has fewer of. Of a linear layer
 * `[out, in]`, of a table `[rows, state]`; a bias has the first axis alone.
 */

/** What an axis counts. */
export type Axis =
  /** Tokens, positions, classes: as many as before. */
  | 'kept'
  /** The hidden state. */
  | 'state'
  /** Heads by their width, of queries, keys, values and of what attention gives. */
  | 'query'
  | 'key'
  | 'value'
  | 'context'
  /** Neurons of the feed-forward network. */
  | 'inner'
  /** What a classifier reads: a layer on the first token. */
  | 'pooled'

/** Plain encoders as BERT, RoBERTa, ELECTRA and DistilBERT name their parts; the first row that fits counts. */
const rows: readonly (readonly [name: RegExp, axes: readonly Axis[] | 'norm'])[] = [
  [/(LayerNorm|layer_norm)$/, 'norm'],
  [/embeddings\.\w+_embeddings$/, ['kept', 'state']],
  [/\.(query|q_lin)$/, ['query', 'state']],
  [/\.(key|k_lin)$/, ['key', 'state']],
  [/\.(value|v_lin)$/, ['value', 'state']],
  [/\.(attention\.output\.dense|out_lin)$/, ['state', 'context']],
  [/\.(intermediate\.dense|ffn\.lin1)$/, ['inner', 'state']],
  [/\d\.(output\.dense|ffn\.lin2)$/, ['state', 'inner']],
  [/(pooler\.dense|^classifier\.dense|pre_classifier)$/, ['pooled', 'state']],
  [/^classifier(\.out_proj)?$/, ['kept', 'pooled']],
  [/^qa_outputs$/, ['kept', 'state']],
  [/(transform\.dense|lm_head\.dense|vocab_transform|predictions\.dense)$/, ['state', 'state']],
  [/(predictions|decoder|lm_head|vocab_projector)$/, ['kept', 'state']],
]

/** Axes of a parameter; of a norm's scale and shift `norm`; undefined for one that is not known. */
export function parameterAxes(name: string): readonly Axis[] | 'norm' | undefined {
  const [, module, kind] = /^(.*)\.(weight|bias|gamma|beta)$/.exec(name) ?? []
  const axes = rows.find(([pattern]) => module !== undefined && pattern.test(module))?.[1]
  return axes === 'norm' || kind === 'weight' ? axes : axes?.slice(0, 1)
}
