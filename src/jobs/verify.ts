/**
 * No variant is called good before it has been loaded, run and compared with its source.
 *
 * The source is the logical graph as exported, run with ONNX Runtime's own optimization off, so that it
 * cannot hide a wrong rewrite. Compared are all outputs on batches with padding on the right, on the left
 * and in holes, since a wrong mask shows nowhere else.
 */
import { resolve } from 'node:path'
import { parseShapes } from '../bench/bench-shape.ts'
import { padBatch } from '../data/pad-batch.ts'
import { randomEncodings } from '../data/random-tokens.ts'
import type { Encoding } from '../data/tokenizer.ts'
import { LimbeckError } from '../errors.ts'
import type { HostTensor } from '../graph/data-type.ts'
import type { Graph } from '../graph/graph.ts'
import { withScratchFolder } from '../hub/scratch-folder.ts'
import type { Progress } from '../report/progress.ts'
import {
  type Engine,
  type Feeds,
  type Optimization,
  openProcess,
  type SessionOptions,
} from '../runtime/index.ts'
import type { AnyModel } from './any-model.ts'
import { asRough, buildWithSource } from './build-with-source.ts'
import { badWeight } from './check-finite.ts'
import {
  type Compared,
  compareOutputs,
  INT8_LEAST_COSINE,
  type Verification,
} from './compare-outputs.ts'
import { comparedFeeds } from './file-inputs.ts'
import { checkedKernels, watched } from './kernel-check.ts'
import { withSimulation } from './simulate.ts'
import type { BuiltVariant } from './variants.ts'

export interface VerifyOptions {
  /** A CPU whose integer products are simulated as well. */
  readonly simulate?: string | undefined
  readonly signal?: AbortSignal | undefined
  readonly progress?: Progress | undefined
  /** Real texts to compare on, beside random tokens. */
  readonly encodings?: readonly Encoding[] | undefined
}

/** Floats below this mean cosine to the file that they were made of are not those that it stands for. */
const FLOATS_LEAST_COSINE = 0.5

/** Compares written variants with the source, which is built for it; throws when one is not the source. */
export async function verifyBuilt(
  model: AnyModel,
  folder: string,
  variants: readonly BuiltVariant[],
  options: VerifyOptions = {},
): Promise<Verification[]> {
  return withScratchFolder(async (scratch) => {
    const { variants: built, floats } = await buildWithSource(model, scratch, [], options)
    const [source] = built
    const given = resolve(scratch, source!.file)
    const feeds = verificationFeeds(model, options.encodings ?? [])
    if (floats) await checkFloats(given, floats, feeds, options)
    const same = floats ? variants : asRough(variants, source!)
    const results = await compareFiles(floats ?? given, folder, same, feeds, options)
    const bad = results.find((result) => !result.ok)
    if (!bad) return results
    const hint = variants.some(({ quantized }) => quantized)
      ? 'Nothing was written; exclude layers (--exclude) or report the model.'
      : 'Nothing was written; please report the model.'
    throw refused(bad, model.graph, hint)
  })
}

/** Floats that were made of a file must be near to what it answers with its rounding. */
export async function checkFloats(
  source: string,
  floats: string,
  feeds: readonly Feeds[],
  { signal, progress }: Pick<VerifyOptions, 'signal' | 'progress'>,
): Promise<void> {
  const step = progress?.step('Making floats')
  const variant = { name: 'The dequantized model', file: floats, quantized: true }
  const [found] = await compareFiles(source, '', [variant], feeds, { signal })
  const { name, reason, cosine, maxAbsError } = found!
  const near = `mean cosine ${cosine.toFixed(6)}, largest difference ${maxAbsError.toPrecision(2)}`
  // where the file itself answers badly, floats that are right are far from it
  if (cosine >= FLOATS_LEAST_COSINE && Number.isFinite(maxAbsError)) {
    const far = cosine < INT8_LEAST_COSINE ? '; it clips or rounds much on these inputs' : ''
    step?.done(`answers beside the file's: ${near}${far}`)
    return
  }
  step?.fail(`${reason}`)
  throw new LimbeckError('verify', `${name}: ${reason}.`, {
    hint: 'Nothing was written; leave out --dequantize, and please report the model.',
  })
}

/**
 * Compares the variants of a folder with the source, the first of them. An fp32 variant that is not its
 * source is an error of ours and throws; an INT8 one is marked and must not be chosen.
 */
export async function verifyVariants(
  model: AnyModel,
  folder: string,
  variants: readonly BuiltVariant[],
  options: VerifyOptions & { readonly floats?: string | undefined } = {},
): Promise<Verification[]> {
  const [source, ...others] = variants
  const { floats } = options
  const given = resolve(folder, source!.file)
  const feeds = verificationFeeds(model, options.encodings ?? [])
  if (floats) await checkFloats(given, floats, feeds, options)
  const results = await compareFiles(floats ?? given, folder, others, feeds, options)
  const broken = results.find((result, i) => !result.ok && !others[i]!.quantized)
  if (!broken) return results
  throw refused(broken, model.graph, 'Nothing was written; please report the model.')
}

/** The error of a variant that is not its source; a weight that is no number explains it. */
export function refused({ name, reason }: Verification, graph: Graph, hint: string): LimbeckError {
  const cause = /not finite/.test(reason ?? '') ? badWeight(graph) : undefined
  if (!cause) return new LimbeckError('verify', `${name}: ${reason}.`, { hint })
  const why = cause.message.replace(/: .*/, '')
  return new LimbeckError('verify', `${name}: ${reason}, since ${why}.`, {
    hint: 'Nothing was written; download the model again.',
  })
}

/** Runs the source and every variant on the same feeds; variants' files are relative to the folder. */
export async function compareFiles(
  source: string,
  folder: string,
  variants: readonly Compared[],
  feeds: readonly Feeds[],
  { signal, progress, simulate }: Pick<VerifyOptions, 'signal' | 'progress' | 'simulate'>,
): Promise<Verification[]> {
  const step = progress?.step('Verifying', variants.length)
  const reference = await outputsOf(source, feeds, 'disabled', signal)
  const results: Verification[] = []
  for (const variant of variants) {
    step?.update(results.length, variant.name)
    const file = resolve(folder, variant.file)
    if (variant.quantized) {
      const { outputs, kernels } = await watchedOutputs(file, feeds, signal)
      const compare = (found: typeof outputs) => compareOutputs(variant, reference, found, feeds)
      const simulated =
        simulate === undefined
          ? undefined
          : await withSimulation(simulate, file, { signal }, async (engine) =>
              compare(await runAll(engine, feeds, signal)),
            )
      results.push({ ...compare(outputs), kernels, simulated })
    } else {
      const outputs = await outputsOf(file, feeds, 'limbeck', signal)
      results.push(compareOutputs(variant, reference, outputs, feeds))
    }
  }
  const bad = results.find((result) => !result.ok)
  if (bad) step?.fail(`${bad.name}: ${bad.reason}`)
  else
    step?.done(
      `${variants.length} variant${variants.length === 1 ? ' agrees' : 's agree'} with the source`,
    )
  return results
}

/** Real texts that files are compared on, at most. */
export const VERIFIED_TEXTS = 16

/** Shapes at which files are compared that nothing but they themselves describes. */
export const COMPARED = '1x5,2x17,3x9'

/** Batches whose masks stand right, left, in holes and not at all. */
export function verificationFeeds(model: AnyModel, encodings: readonly Encoding[]): Feeds[] {
  if (!model.dims) return comparedFeeds(model.graph, parseShapes(COMPARED), model.sizes)
  const { vocab, positions } = model.dims
  const inputs = model.graph.inputs.map((port) => port.name)
  const length: [number, number] = [Math.min(3, positions), Math.min(24, positions)]
  const random = randomEncodings({ count: 8, length, vocabularySize: vocab, seed: 7 })
  const right = padBatch(random, { inputs })
  const feeds: Feeds[] = [right, reversed(right), holed(padBatch(random.slice(0, 4), { inputs }))]
  if (encodings.length > 0) feeds.push(padBatch(encodings.slice(0, VERIFIED_TEXTS), { inputs }))
  return feeds
}

const int64 = (tensor: HostTensor): BigInt64Array => tensor.data as BigInt64Array

/** Every row reversed: padding stands on the left. */
function reversed(feeds: Feeds): Feeds {
  return mapFeeds(feeds, ({ shape, data }) => {
    const width = shape[1]!
    const rows = new BigInt64Array(data as BigInt64Array)
    for (let at = 0; at < rows.length; at += width) rows.subarray(at, at + width).reverse()
    return rows
  })
}

/** Every third token of the mask taken out, the first token kept. */
function holed(feeds: Feeds): Feeds {
  const mask = feeds.attention_mask
  if (!mask) return feeds
  const width = mask.shape[1]!
  const data = int64(mask).map((bit, i) => (i % width > 0 && i % 3 === 2 ? 0n : bit))
  return { ...feeds, attention_mask: { ...mask, data } }
}

function mapFeeds(feeds: Feeds, map: (tensor: HostTensor) => BigInt64Array): Feeds {
  return Object.fromEntries(
    Object.entries(feeds).map(([name, tensor]) => [name, { ...tensor, data: map(tensor) }]),
  )
}

/** Outputs of every batch, from an engine of their own. */
export async function outputsOf(
  path: string,
  feeds: readonly Feeds[],
  optimization: Optimization,
  signal?: AbortSignal,
  session: SessionOptions = {},
): Promise<Record<string, HostTensor>[]> {
  const options = { ...session, optimization, ...(signal && { signal }) }
  const engine: Engine = await openProcess(path, options)
  try {
    return await runAll(engine, feeds, signal)
  } finally {
    await engine.release()
  }
}

/** One batch after the other. */
export async function runAll(
  engine: Engine,
  feeds: readonly Feeds[],
  signal: AbortSignal | undefined,
): Promise<Record<string, HostTensor>[]> {
  const outputs: Record<string, HostTensor>[] = []
  for (const batch of feeds) outputs.push(await engine.run(batch, signal ? { signal } : {}))
  return outputs
}

/** The same of a quantized file, and what ONNX Runtime made of its operators meanwhile. */
const watchedOutputs = (path: string, feeds: readonly Feeds[], signal: AbortSignal | undefined) =>
  withScratchFolder(async (folder) => ({
    outputs: await outputsOf(path, feeds, 'limbeck', signal, watched(folder)),
    kernels: checkedKernels(folder),
  }))
