/**
 * Weights that hold NaN or infinity: named before anything is computed from them, since behind them nothing is a
 * number and no later message knows why.
 */
import type { LimbeckError } from '../errors.ts'
import type { Graph } from '../graph/graph.ts'
import type { Tensor } from '../graph/tensor.ts'
import { nodeFiles } from '../hub/node-files.ts'
import { floatChunks } from '../onnx/float-chunks.ts'
import { tensorReader } from '../onnx/materialize.ts'
import { notFinite } from '../onnx/quantize-weight.ts'
import { graphNames, namePatterns } from '../passes/name-patterns.ts'

/**
 * The first parameter that holds NaN, or infinity (of which tables may hold masks).
 * @param exclude patterns of what stays as it is.
 */
export function badWeight(graph: Graph, exclude?: readonly string[]): LimbeckError | undefined {
  const excluded = namePatterns(exclude, graphNames(graph))
  const isExcluded = (name: string) => excluded(name) || excluded(name.replace(/\.[^.]*$/, ''))
  const tables = new Set(
    graph.nodes.flatMap(({ op, inputs }) => (op === 'Gather' ? inputs[0] : [])),
  )
  for (const [value, { tensor, parameter }] of graph.weights) {
    if (!parameter || !tensor.dtype.includes('float') || isExcluded(parameter.name)) continue
    const bad = firstBad(tensor)
    if (bad === undefined || (!Number.isNaN(bad) && tables.has(value))) continue
    return notFinite(parameter.name, bad)
  }
  return undefined
}

/** NaN before infinity. */
function firstBad(tensor: Tensor): number | undefined {
  let found: number | undefined
  floatChunks(tensor, tensorReader(nodeFiles).read, nodeFiles, (chunk) => {
    // a sum of finite numbers is finite, unless they are huge: one pass without a branch
    let sum = 0
    for (let i = 0; i < chunk.length; i++) sum += chunk[i]! * 0
    if (sum === 0) return
    for (const value of chunk) {
      if (Number.isNaN(value)) found = value
      else if (!Number.isFinite(value)) found ??= value
    }
  })
  return found
}
