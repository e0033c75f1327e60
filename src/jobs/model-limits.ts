/**
 * What a model and a machine can take, checked before long work: ONNX Runtime would tell it late and in
 * its own words.
 */
import { availableParallelism } from 'node:os'
import { type BenchShape, formatShape, parseShapes } from '../bench/bench-shape.ts'
import type { Tokenizer } from '../data/tokenizer.ts'
import { LimbeckError } from '../errors.ts'
import type { OpenedModel } from './load.ts'

/**
 * Tokens a text is cut to: what is asked, else what the folder says, never more than the position table.
 * @throws LimbeckError `usage` when more is asked than the model has positions for.
 */
export function maxLengthOf(
  model: OpenedModel,
  tokenizer: Tokenizer | undefined,
  asked?: number,
): number {
  const { positions } = model.dims
  if (asked !== undefined && asked > positions) {
    throw new LimbeckError(
      'usage',
      `--max-length ${asked}: the model takes at most ${positions} tokens.`,
      { hint: 'Give a smaller length, or leave it out.' },
    )
  }
  const limits = [positions, tokenizer?.maxLength, model.folder.maxSequence]
  return asked ?? Math.min(...limits.filter((limit) => limit !== undefined))
}

/**
 * Shapes to measure at; the default ones are cut to what the model takes.
 * @throws LimbeckError `usage` for text that names no shapes, or shapes of more tokens than that.
 */
export function shapesOf(
  model: OpenedModel | undefined,
  asked: string | undefined,
  byDefault: string,
): BenchShape[] {
  const positions = model?.dims.positions ?? Number.POSITIVE_INFINITY
  const shapes = parseShapes(asked ?? byDefault)
  if (asked === undefined) {
    const cut = shapes.map(({ batch, sequence }) => ({
      batch,
      sequence: Math.min(sequence, positions),
    }))
    return parseShapes([...new Set(cut.map(formatShape))].join(','))
  }
  const long = shapes.find(({ sequence }) => sequence > positions)
  if (!long) return shapes
  throw new LimbeckError(
    'usage',
    `--shapes ${formatShape(long)}: the model takes at most ${positions} tokens.`,
    { hint: 'Give shapes of fewer tokens.' },
  )
}

/** Threads beyond this many a core only take memory, and ONNX Runtime does not come back from very many. */
const THREADS_PER_CORE = 8

/** @throws LimbeckError `usage` for more threads than any machine of these cores can use. */
export function checkThreads(...counts: readonly (number | undefined)[]): void {
  const most = availableParallelism() * THREADS_PER_CORE
  const many = counts.find((count) => count !== undefined && count > most)
  if (many === undefined) return
  throw new LimbeckError(
    'usage',
    `--threads ${many}: expected at most ${most}, ${THREADS_PER_CORE} for each core of this machine.`,
  )
}
