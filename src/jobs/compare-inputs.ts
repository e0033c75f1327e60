/**
 * What two models are compared on: texts of a data file, the same tokens for both, or inputs made up from what both
 * files say of theirs.
 */
import { parseShapes } from '../bench/bench-shape.ts'
import { batchByLength } from '../data/batch-by-length.ts'
import { padBatch } from '../data/pad-batch.ts'
import type { Encoding, Tokenizer } from '../data/tokenizer.ts'
import { LimbeckError } from '../errors.ts'
import type { CompareBatch } from '../fit/compare-values.ts'
import { type DataOptions, openTextStream, type TextStream } from '../fit/measured-text.ts'
import type { HostTensor } from '../graph/data-type.ts'
import type { Port } from '../graph/graph.ts'
import type { Shape } from '../graph/shape.ts'
import type { Feeds } from '../runtime/index.ts'
import type { ComparedModel } from './compared-model.ts'
import { comparedFeeds, type NamedSizes } from './file-inputs.ts'
import { type OpenedModel, tokenizerOf } from './load.ts'
import { maxLengthOf } from './model-limits.ts'
import { COMPARED } from './verify.ts'

export interface CompareInputs {
  /** A small batch, to see sizes by. */
  readonly probe: CompareBatch
  /** Tokens of the longest text. */
  readonly longest: number
  readonly samples: number
  /** Real tokens; absent for what is made up. */
  readonly tokens?: number | undefined
  /** Texts of a batch, in order, and their lengths; absent for what is made up. */
  lengthsOf?(batch: CompareBatch): readonly number[]
  batches(maxTokens: number): AsyncIterable<CompareBatch>
}

const TEXTS_A_BATCH = 8
/** Texts whose tokens are compared when both models have tokenizers. */
const TRIED = 16

/** Batches of texts. @throws LimbeckError where the models do not read texts alike. */
export async function textInputs(
  a: ComparedModel,
  b: ComparedModel,
  data: DataOptions,
  asked: number | undefined,
): Promise<CompareInputs> {
  const { model, tokenizer } = await reader(a, b)
  const others = [a.model, b.model].filter((one) => one !== undefined)
  const maxLength = Math.min(...others.map((one) => maxLengthOf(one, tokenizer, asked)))
  const text = await openTextStream(withoutLabels(data, model), model, tokenizer, maxLength)
  const other = others.find((one) => one.folder.path !== model.folder.path)
  if (other) await requireSameTokens(text, data, [a, b], other, maxLength)
  let [samples, tokens, longest] = [0, 0, 0]
  let first: Encoding | undefined
  for await (const encoding of encodings(text)) {
    first ??= encoding
    samples++
    tokens += encoding.ids.length
    longest = Math.max(longest, encoding.ids.length)
  }
  const both = (feeds: Feeds): CompareBatch =>
    batchOf(feeds, textFeeds(a, feeds), textFeeds(b, feeds))
  const lengths = new WeakMap<CompareBatch, readonly number[]>()
  return {
    probe: both(padded([first!], tokenizer)),
    ...{ samples, tokens, longest },
    lengthsOf: (batch) => lengths.get(batch)!,
    async *batches(maxTokens) {
      const options = { batchSize: TEXTS_A_BATCH, maxTokens, padId: tokenizer.padId, inputs: known }
      for await (const cut of batchByLength(encodings(text), (each) => each, options)) {
        const batch = both(cut.feeds)
        lengths.set(batch, cut.lengths)
        yield batch
      }
    },
  }
}

/** The first model that knows its tokens, with its tokenizer. */
async function reader(
  a: ComparedModel,
  b: ComparedModel,
): Promise<{ readonly model: OpenedModel; readonly tokenizer: Tokenizer }> {
  let reason: unknown
  for (const { model } of [a, b]) {
    if (!model) continue
    try {
      return { model, tokenizer: await tokenizerOf(model) }
    } catch (error) {
      reason ??= error
    }
  }
  throw (
    reason ??
    new LimbeckError('usage', `${a.label}: --data needs a tokenizer, and neither model has one.`, {
      hint: 'Put config.json and tokenizer.json beside one of the files, or leave --data out.',
    })
  )
}

/** Labels are not looked at: the texts alone are read, where the file is a table. */
const withoutLabels = (data: DataOptions, { task }: OpenedModel): DataOptions =>
  data.task !== undefined || task === 'question-answering' || task === 'token-classification'
    ? data
    : { ...data, task: 'embeddings' }

async function* encodings(text: TextStream): AsyncGenerator<Encoding> {
  for await (const { texts } of text.examples()) yield* texts
}

/** Inputs that texts give, in the order of files that name them otherwise. */
const known = ['input_ids', 'attention_mask', 'token_type_ids', 'position_ids']

const padded = (texts: readonly Encoding[], { padId }: Tokenizer): Feeds =>
  padBatch(texts, { padId, inputs: known })

/** Feeds by the names and types of a model's own inputs. */
function textFeeds({ graph, label }: ComparedModel, feeds: Feeds): Feeds {
  const named = graph.inputs.some(({ name }) => known.includes(name))
  return Object.fromEntries(
    graph.inputs.map((port, i) => {
      const tensor = feeds[named ? port.name : (known[i] ?? '')]
      if (tensor) return [port.name, converted(tensor, port)]
      throw new LimbeckError('input', `${label}: texts do not give its input '${port.name}'.`, {
        hint: 'Leave --data out: inputs are then made up.',
      })
    }),
  )
}

/** What an input of a type takes whole numbers as. */
const arrays: Readonly<Record<string, (values: ArrayLike<number | bigint>) => HostTensor['data']>> =
  {
    int64: (values) => BigInt64Array.from(values, BigInt),
    int32: (values) => Int32Array.from(values, Number),
    float32: (values) => Float32Array.from(values, Number),
    bool: (values) => Uint8Array.from(values, Number),
  }

/** A tensor in the type that an input wants; what it cannot be is told where it is fed. */
function converted(tensor: HostTensor, { value }: Port): HostTensor {
  const dtype = value.type?.dtype
  const array = dtype === tensor.dtype ? undefined : arrays[dtype ?? '']
  return dtype && array
    ? { ...tensor, dtype, data: array(tensor.data as ArrayLike<number | bigint>) }
    : tensor
}

function batchOf(from: Feeds, a: Feeds, b: Feeds): CompareBatch {
  const twoAxes = ([, { shape }]: [string, HostTensor]): boolean => shape.length === 2
  const entries = Object.entries(from).filter(twoAxes)
  const mask = entries.find(([name]) => /mask/.test(name))?.[1]
  const ids = mask ?? entries.find(([, { dtype }]) => dtype.startsWith('int'))?.[1]
  const rows = Object.values(from)[0]?.shape[0] ?? 1
  return { a, b, mask, grid: ids ? [ids.shape[0]!, ids.shape[1]!] : [rows, 1] }
}

/** @throws LimbeckError when the other model's tokenizer makes other ids of the first texts. */
async function requireSameTokens(
  text: TextStream,
  data: DataOptions,
  [a, b]: readonly [ComparedModel, ComparedModel],
  other: OpenedModel,
  maxLength: number,
): Promise<void> {
  const tokenizer = await tokenizerOf(other).catch(() => undefined)
  if (!tokenizer) return
  const theirs = await openTextStream(withoutLabels(data, other), other, tokenizer, maxLength)
  const [own, found] = await Promise.all([firstIds(text), firstIds(theirs)])
  if (own === found) return
  throw new LimbeckError(
    'input',
    `${a.label} and ${b.label} read the same text as other tokens: there is nothing to compare.`,
    {
      hint: 'Leave --data out to compare them on made-up tokens, or give models of one vocabulary.',
    },
  )
}

async function firstIds(text: TextStream): Promise<string> {
  const ids: string[] = []
  for await (const encoding of encodings(text)) {
    ids.push(encoding.ids.join())
    if (ids.length === TRIED) break
  }
  return ids.join(';')
}

/** Made-up inputs, with every kind of mask. @throws LimbeckError where the two take other inputs. */
export function madeUpInputs(
  a: ComparedModel,
  b: ComparedModel,
  shapes: string = COMPARED,
  dims?: NamedSizes,
): CompareInputs {
  const at = parseShapes(shapes)
  const feedsA = comparedFeeds(a.graph, at, { ...fixedSizes(a, b), ...dims })
  const feedsB = comparedFeeds(b.graph, at, { ...fixedSizes(b, a), ...dims })
  const batches = feedsA.map((feeds, i) => {
    const shared = sharedFeeds(feeds, feedsB[i] ?? {})
    return batchOf(shared.a, shared.a, shared.b)
  })
  const smallest = batches.toSorted((x, y) => cells(x) - cells(y))[0]!
  return {
    probe: smallest,
    longest: Math.max(...batches.map(({ grid }) => grid[1])),
    samples: batches.reduce((sum, { grid }) => sum + grid[0], 0),
    async *batches() {
      yield* batches
    },
  }
}

const cells = ({ grid: [rows, tokens] }: CompareBatch): number => rows * tokens

/** Sizes of one model's free dimensions that the other fixes. @throws LimbeckError where both fix them otherwise. */
function fixedSizes(one: ComparedModel, other: ComparedModel): NamedSizes {
  const theirs = new Map(other.graph.inputs.map((port) => [port.name, port.value.type?.shape]))
  const sizes: Record<string, number> = {}
  for (const { name, value } of one.graph.inputs) {
    const [own, shape] = [value.type?.shape, theirs.get(name)]
    if (!own || !shape) continue
    const differ = own.some((dim, axis) => {
      const fixed = shape[axis]
      if (typeof dim === 'string' && typeof fixed === 'number') sizes[dim] = fixed
      return typeof dim === 'number' && typeof fixed === 'number' && dim !== fixed
    })
    if (!differ && own.length === shape.length) continue
    const text = (dims: Shape) => `[${dims.map((dim) => dim ?? '?').join(', ')}]`
    throw new LimbeckError(
      'input',
      `input '${name}' is ${text(own)} in ${one.label} and ${text(shape)} in ${other.label}: they do not take the same.`,
    )
  }
  return sizes
}

/** The same values for both; ids are the smaller ones, which both tables have. */
function sharedFeeds(a: Feeds, b: Feeds): { readonly a: Feeds; readonly b: Feeds } {
  const common = Object.fromEntries(
    Object.entries(a).map(([name, tensor]) => {
      const other = b[name]
      if (!other || tensor.dtype.startsWith('float')) return [name, tensor]
      const least = (value: number | bigint, i: number) => {
        const their = other.data[i]!
        return Number(their) < Number(value) ? convert(their, value) : value
      }
      const data = (tensor.data as Int32Array).map(least as never) as HostTensor['data']
      return [name, { ...tensor, data }]
    }),
  )
  const forB = Object.entries(b).map(([name, tensor]): [string, HostTensor] => {
    const shared = common[name]
    if (!shared) return [name, tensor]
    return [name, converted(shared, { name, value: { name, type: { dtype: tensor.dtype } } })]
  })
  return { a: common, b: Object.fromEntries(forB) }
}

/** A number in the kind of another. */
const convert = (value: number | bigint, like: number | bigint): number | bigint =>
  typeof like === 'bigint' ? BigInt(value) : Number(value)
