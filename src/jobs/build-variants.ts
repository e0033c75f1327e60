/**
 * From a model folder or a foreign ONNX file to ONNX files: build or raise, rewrite, write. Synchronous; runs in a child process where a
 * host must stay free (`build-in-child.ts`).
 */
import { mkdirSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import type { Graph } from '../graph/graph.ts'
import type { ReadTensor } from '../graph/tensor.ts'
import { nodeFiles, writeFilesWhole } from '../hub/node-files.ts'
import { tensorReader } from '../onnx/materialize.ts'
import { type WriteResult, writeOnnx } from '../onnx/write-onnx.ts'
import { PADDING_KEY } from '../passes/lower-attention.ts'
import { runPasses } from '../passes/pass.ts'
import { loweringOpset, pipeline } from '../passes/pipelines.ts'
import { logicalGraph, type Reading } from './logical-graph.ts'
import type { BuiltVariant, VariantPlan } from './variants.ts'

/** What to write and where. */
export interface BuildPlan extends Reading {
  /** The model folder, or an ONNX file. */
  readonly model: string
  /** The folder that the variants' files are relative to. */
  readonly folder: string
  readonly variants: readonly VariantPlan[]
}

/** Writes every variant of the plan; `onVariant` is told before each. */
export function buildVariants(plan: BuildPlan, onVariant?: (name: string) => void): BuiltVariant[] {
  const { graph, records } = logicalGraph(plan.model, plan)
  return plan.variants.map((variant) => {
    onVariant?.(variant.name)
    const built = writeVariant(graph, variant, plan.folder)
    return { ...built, passes: [...records, ...built.passes] }
  })
}

/** The graph that a variant's file holds, and what passes did on the way. */
export function lowerVariant(
  graph: Graph,
  { lowering, quantize, padding }: VariantPlan,
  read: ReadTensor,
): ReturnType<typeof runPasses> {
  const marked = padding
    ? { ...graph, metadata: new Map([...graph.metadata, [PADDING_KEY, padding]]) }
    : graph
  return runPasses(marked, pipeline({ lowering, quantize, read }))
}

/** Lowers and writes one variant of a logical graph. */
export function writeVariant(graph: Graph, variant: VariantPlan, folder: string): BuiltVariant {
  const start = performance.now()
  const { read } = tensorReader(nodeFiles)
  const { graph: lowered, records } = lowerVariant(graph, variant, read)
  const path = join(folder, variant.file)
  const when = variant.externalData ? 'always' : 'auto'
  const written = writeGraph(lowered, path, loweringOpset[variant.lowering], when)
  const name = basename(variant.file)
  return {
    name: variant.name,
    file: variant.file,
    bytes: written.bytes + written.externalBytes,
    files: [name, ...(written.externalBytes > 0 ? [`${name}_data`] : [])].map((f) =>
      join(dirname(variant.file), f),
    ),
    seconds: (performance.now() - start) / 1000,
    nodes: lowered.nodes.length,
    quantized: variant.quantize !== undefined,
    ...(variant.quantize?.scheme === 'weight-only' && { precision: `int${variant.quantize.bits}` }),
    passes: records,
  }
}

/** Writes a graph as it is; its weights beside it where they are many, or always. */
export function writeGraph(
  graph: Graph,
  path: string,
  opset: number,
  when: 'auto' | 'always' = 'auto',
): WriteResult {
  const [folder, name] = [dirname(path), basename(path)]
  mkdirSync(folder, { recursive: true })
  const location = `${name}_data`
  return writeFilesWhole(folder, (open) =>
    writeOnnx(graph, open(name), {
      ...{ opset, reader: tensorReader(nodeFiles) },
      externalData: { location, open: () => open(location), when },
    }),
  )
}
