/**
 * The logical graph of whatever the user named: built from a model folder, or raised from an ONNX file.
 */
import type { Graph } from '../graph/graph.ts'
import { openModelFolder } from '../hub/model-folder.ts'
import { nodeFiles } from '../hub/node-files.ts'
import { buildModel } from '../models/build-model.ts'
import { tensorReader } from '../onnx/materialize.ts'
import { readOnnx } from '../onnx/read-onnx.ts'
import { layerOf } from '../ops/layer-of.ts'
import { dequantize } from '../passes/dequantize/dequantize.ts'
import { type Pass, type PassRecord, runPasses } from '../passes/pass.ts'
import { raise } from '../passes/raise/raise.ts'
import { nameLayers } from '../passes/structure/name-layers.ts'
import { widenHalf } from '../passes/widen-half.ts'

/** A logical graph, and what passes did to reach it. */
export interface LogicalGraph {
  readonly graph: Graph
  readonly records: readonly PassRecord[]
}

/** How an ONNX file is read. */
export interface Reading {
  /** Weights of few bits and half floats become float32; nothing is rounded at run time. */
  readonly dequantize?: boolean | undefined
}

/** Whether a path names an ONNX file rather than a model folder. */
export const isOnnxFile = (path: string): boolean => path.endsWith('.onnx')

/** Builds or raises. @throws LimbeckError naming file, tensor or node. */
export const logicalGraph = (path: string, reading?: Reading): LogicalGraph =>
  isOnnxFile(path)
    ? raisedGraph(readOnnx(path, nodeFiles), reading)
    : { graph: buildModel(openModelFolder(path)).graph, records: [] }

/** A foreign graph in our own form; layers get names where its own say nothing. */
export function raisedGraph(read: Graph, reading: Reading = {}): LogicalGraph {
  const passes = [
    ...(reading.dequantize ? floatPasses() : []),
    ...raise(tensorReader(nodeFiles).read),
    ...(namesLayers(read) ? [] : [nameLayers]),
  ]
  return runPasses(read, passes)
}

/** What makes a graph one of float32. */
export const floatPasses = (): readonly Pass[] => [
  widenHalf,
  dequantize(tensorReader(nodeFiles).read),
]

/** Whether the modules' names tell one layer from another. */
const namesLayers = ({ nodes }: Graph): boolean =>
  nodes.some(({ origin }) => /\d$/.test(layerOf(origin)))
