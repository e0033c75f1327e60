/**
 * Feeds of random tokens for text models, by Transformers.js's input names. Their values do not change
 * the time a dense Transformer takes; all tokens count, none is padding.
 */
import { LimbeckError } from '../errors.ts'
import type { HostTensor } from '../graph/data-type.ts'
import type { Feeds, Port } from '../runtime/index.ts'
import { type Random, randomFrom } from '../stats/index.ts'
import type { BenchShape } from './bench-shape.ts'

/** Makes the feeds of a shape for a model with these inputs. */
export type BenchFeeds = (shape: BenchShape, inputs: readonly Port[]) => Feeds

/** How the random tokens are drawn. */
export interface TokenFeedOptions {
  /** Ids are drawn from [0, vocabularySize); default 100, which every vocabulary has. */
  readonly vocabularySize?: number
  /** Default 1. */
  readonly seed?: number
}

interface Draw {
  readonly random: Random
  readonly vocabularySize: number
  readonly sequence: number
}

/** The value at a position of each input we know. */
const values: Readonly<Record<string, (index: number, draw: Draw) => number>> = {
  input_ids: (_, { random, vocabularySize }) => random.below(vocabularySize),
  attention_mask: () => 1,
  token_type_ids: () => 0,
  position_ids: (index, { sequence }) => index % sequence,
}

/**
 * Feeds of one shape for a model with these inputs.
 * @throws LimbeckError `input` for an input of another name or type: the caller must give the feeds.
 */
export function tokenFeeds(
  shape: BenchShape,
  inputs: readonly Port[],
  { vocabularySize = 100, seed = 1 }: TokenFeedOptions = {},
): Feeds {
  const draw: Draw = { random: randomFrom(seed), vocabularySize, sequence: shape.sequence }
  return Object.fromEntries(inputs.map((port) => [port.name, tokenFeed(port, shape, draw)]))
}

function tokenFeed({ name, dtype, shape: dims }: Port, shape: BenchShape, draw: Draw): HostTensor {
  const value = values[name]
  if (!value || dims.length !== 2 || (dtype !== 'int64' && dtype !== 'int32')) {
    throw new LimbeckError(
      'input',
      `Input '${name}' (${dtype}[${dims.join(', ')}]) is not known: random tokens fit ${Object.keys(
        values,
      ).join(', ')} (int64 or int32 [batch, sequence]).`,
      { hint: 'Give the feeds to measure with.' },
    )
  }
  const count = shape.batch * shape.sequence
  const numbers = Array.from({ length: count }, (_, index) => value(index, draw))
  const data = dtype === 'int64' ? BigInt64Array.from(numbers, BigInt) : Int32Array.from(numbers)
  return { dtype, shape: [shape.batch, shape.sequence], data }
}
