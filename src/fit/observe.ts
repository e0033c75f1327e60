/**
 * Activations of a graph over real batches, one batch at a time: what calibration and comparison read.
 *
 * The graph's inner values become outputs of a file of its own, which a process runs; a batch is looked at and
 * dropped, so memory does not grow with their number. Rows of padding are left out.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { elementCount, type HostTensor } from '../graph/data-type.ts'
import { CANONICAL_OPSET, type Graph, type Value } from '../graph/graph.ts'
import { nodeFiles, writeFilesWhole } from '../hub/node-files.ts'
import { tensorReader } from '../onnx/materialize.ts'
import { writeOnnx } from '../onnx/write-onnx.ts'
import { exposedName, exposeGrams, exposeValues } from '../passes/expose-values.ts'
import { openProcess } from '../runtime/index.ts'

/** Feeds of one batch, by the names of the graph's inputs. */
export type Feeds = Readonly<Record<string, HostTensor>>

export interface ObserveOptions {
  /** Input that marks real tokens by 1, `[batch, tokens]`; default `attention_mask`. */
  readonly mask?: string | undefined
  readonly threads?: number | undefined
  readonly signal?: AbortSignal | undefined
  readonly onBatch?: ((done: number) => void) | undefined
}

/** Runs a graph in a process of its own, from a file that is removed afterwards. */
export async function withGraph<T>(
  graph: Graph,
  { threads, signal }: Pick<ObserveOptions, 'threads' | 'signal'>,
  body: (run: (feeds: Feeds) => Promise<Record<string, HostTensor>>) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'limbeck-'))
  try {
    writeFilesWhole(folder, (open) =>
      writeOnnx(graph, open('model.onnx'), {
        opset: CANONICAL_OPSET,
        reader: tensorReader(nodeFiles),
        externalData: {
          location: 'model.onnx_data',
          open: () => open('model.onnx_data'),
          when: 'auto',
        },
      }),
    )
    const engine = await openProcess(join(folder, 'model.onnx'), {
      manyShapes: true,
      ...(threads !== undefined && { threads }),
      ...(signal && { signal }),
    })
    try {
      return await body((feeds) => engine.run(feeds, signal ? { signal } : {}))
    } finally {
      await engine.release()
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

export interface ObserveValuesOptions extends ObserveOptions {
  /** Times the batches are gone through (default 1); they have to be iterable again. */
  readonly rounds?: number | undefined
  /** Called after each round but the last. */
  readonly onRound?: (() => void) | undefined
}

/** Shows each value's real rows, batch by batch; the array is only valid during the call. */
export async function observeValues(
  graph: Graph,
  values: readonly Value[],
  batches: Iterable<Feeds> | AsyncIterable<Feeds>,
  visit: (index: number, rows: Float32Array) => void,
  options: ObserveValuesOptions = {},
): Promise<void> {
  await withGraph(exposeValues(graph, values), options, async (run) => {
    const { rounds = 1, mask = 'attention_mask', onRound, onBatch } = options
    let done = 0
    for (let round = 1; round <= rounds; round++) {
      for await (const feeds of batches) {
        const outputs = await run(feeds)
        values.forEach((_, i) => {
          visit(i, realRows(outputs[exposedName(i)]!, feeds[mask]))
        })
        onBatch?.(++done)
      }
      if (round < rounds) onRound?.()
    }
  })
}

/**
 * Values of the tokens that the mask calls real, moved to the front of the tensor's own array; all of them where the
 * tensor is not one of tokens.
 */
export function realRows(tensor: HostTensor, mask: HostTensor | undefined): Float32Array {
  const data = tensor.data as Float32Array
  const [batch, tokens] = mask?.shape ?? []
  const isOfTokens = tensor.shape[0] === batch && tensor.shape[1] === tokens
  if (!mask || !isOfTokens || tensor.shape.length < 3) return data
  const width = elementCount(tensor.shape.slice(2))
  let kept = 0
  for (let row = 0; row < mask.data.length; row++) {
    if (Number(mask.data[row]) === 0) continue
    if (kept !== row) data.copyWithin(kept * width, row * width, (row + 1) * width)
    kept++
  }
  return data.subarray(0, kept * width)
}

/** The Gram matrices `Σ xᵀx` of values `[batch, tokens, width]`, in double precision over the batches. */
export async function observeGrams(
  graph: Graph,
  values: readonly Value[],
  batches: Iterable<Feeds> | AsyncIterable<Feeds>,
  options: ObserveOptions = {},
): Promise<Float64Array[]> {
  const mask = options.mask ?? 'attention_mask'
  const sums: Float64Array[] = []
  await withGraph(exposeGrams(graph, values, mask), options, async (run) => {
    let done = 0
    for await (const feeds of batches) {
      const outputs = await run(feeds)
      values.forEach((_, i) => {
        const gram = outputs[exposedName(i)]!.data as Float32Array
        sums[i] ??= new Float64Array(gram.length)
        const sum = sums[i]!
        for (let k = 0; k < gram.length; k++) sum[k]! += gram[k]!
      })
      options.onBatch?.(++done)
    }
  })
  return sums
}
