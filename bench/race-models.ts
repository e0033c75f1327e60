/**
 * Limbeck's files against the rivals' on ONNX Runtime, every file in a process of its own; and that they
 * compute the same thing, for a fast file that answers something else has won nothing.
 */
import { type BenchCandidate, benchModels, formatShape, parseShapes } from '../src/bench/index.ts'
import { cosineSimilarity } from '../src/data/logits.ts'
import { openProcess } from '../src/runtime/index.ts'
import { feeds, ours } from './model-files.ts'
import { type Race, rounded, type Wanted } from './race.ts'

/** The bounds at 1x128 on one thread; other thread counts show the same ratios without them. */
export const wantedOfModels: readonly Wanted[] = [
  { ours: ours.fp32, rival: 'torchscript.onnx', bound: 1.1 },
  { ours: ours.fp32, rival: 'dynamo.onnx', bound: 1.2 },
  { ours: ours.int8, rival: 'torchscript.onnx', bound: 2.4 },
  { ours: ours.int8, rival: 'torchscript-q8.onnx', bound: 1.2 },
  { ours: ours.portable, rival: 'torchscript-q8.onnx', bound: 1.0 },
  { ours: ours.fp32Right, rival: 'torchscript.onnx' },
  { ours: ours.int8Right, rival: 'torchscript.onnx' },
  { ours: ours.int8Right, rival: 'torchscript-q8.onnx' },
]

/** How long a race takes. */
export interface RaceLength {
  readonly minRounds: number
  readonly maxSeconds: number
}

/** Races all files at one shape and thread count. */
export async function raceModels(
  candidates: readonly BenchCandidate[],
  at: { readonly shape: string; readonly threads: number },
  length: RaceLength,
): Promise<Race> {
  const [row] = await benchModels(candidates, {
    shapes: at.shape,
    threads: [at.threads],
    ...length,
    maxRounds: 1000,
  })
  return {
    title: `files, ${at.threads} thread${at.threads === 1 ? '' : 's'}`,
    shape: formatShape(row!.shape),
    threads: row!.threads,
    timings: row!.entries,
  }
}

/** Cosine of every file's hidden states with those of the first, on the same tokens. */
export async function agreement(
  candidates: readonly BenchCandidate[],
  shape: string,
): Promise<Record<string, number>> {
  const found: Record<string, number> = {}
  let first: Float32Array | undefined
  for (const { name, path, options } of candidates) {
    const engine = await openProcess(path, { ...options, threads: 1 })
    try {
      const outputs = ['last_hidden_state']
      const result = await engine.run(feeds(parseShapes(shape)[0]!, engine.inputs), { outputs })
      const states = result.last_hidden_state!.data as Float32Array
      first ??= states
      found[name] = rounded(cosineSimilarity(states, first))
    } finally {
      await engine.release()
    }
  }
  return found
}
