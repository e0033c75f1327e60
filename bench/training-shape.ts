/** What a training step is timed on: a classifier of MiniLM-L6's width, and a batch of full texts. */
import type { HostTensor } from '../src/graph/index.ts'
import type { Feeds } from '../src/runtime/engine.ts'
import { randomFrom } from '../src/stats/index.ts'
import { familyConfigs, VOCABULARY } from './family-configs.ts'

/** One point of the table. */
export interface TrainingShape {
  readonly layers: number
  /** Texts of a batch, and tokens of each; nothing is padding. */
  readonly rows: number
  readonly tokens: number
  readonly threads: number
}

export const CLASSES = 2
export const LEARNING_RATE = 5e-5
export const CLIP = 1
export const DROPOUT = 0.1

const bert = familyConfigs.bert!
export const widths = {
  hidden: Number(bert.hidden_size),
  inner: Number(bert.intermediate_size),
  heads: Number(bert.num_attention_heads),
} as const

/** `config.json` of the model, which both sides build with weights of their own. */
export const configOf = ({ layers }: TrainingShape) => ({
  ...bert,
  num_hidden_layers: layers,
  hidden_dropout_prob: DROPOUT,
  attention_probs_dropout_prob: DROPOUT,
})

/** A batch by its number: random words, as the rival draws them too. */
export function trainingBatch({ rows, tokens }: TrainingShape, number: number): Feeds {
  const random = randomFrom(number)
  const ints = (shape: readonly number[], value: () => number): HostTensor => ({
    dtype: 'int64',
    shape,
    data: BigInt64Array.from({ length: shape.reduce((n, dim) => n * dim, 1) }, () =>
      BigInt(value()),
    ),
  })
  const grid = [rows, tokens]
  return {
    input_ids: ints(grid, () => 1 + random.below(VOCABULARY - 1)),
    attention_mask: ints(grid, () => 1),
    token_type_ids: ints(grid, () => 0),
    labels: ints([rows], () => random.below(CLASSES)),
  }
}

/**
 * Operations of the linear layers and of attention that Limbeck's step does, forward and backward; backward
 * takes each product twice, by its input and by its weight. Of the last layer, whose classifier reads one
 * token, keys and values alone are computed for all.
 */
export function gemmOperations({ layers, rows, tokens }: TrainingShape): number {
  const { hidden, inner } = widths
  const layer = 4 * hidden * hidden + 2 * hidden * inner + 2 * tokens * hidden
  const last = 2 * hidden * hidden
  return 3 * 2 * rows * tokens * ((layers - 1) * layer + last)
}
