/**
 * Reads ONNX models into graphs of the canonical opset: from a file, whose weights stay where they are
 * (any size), or from bytes in memory, whose weights are views of them.
 */
import { fromBinary } from '@bufbuild/protobuf'
import { LimbeckError } from '../errors.ts'
import type { Graph } from '../graph/graph.ts'
import { type ByteSource, fileSource, memorySource } from './byte-source.ts'
import { decodeGraph, domainName } from './decode-graph.ts'
import { externalFolder } from './external-folder.ts'
import type { FileAccess } from './file-access.ts'
import { type ModelProto, ModelProtoSchema, type TensorProto } from './generated/onnx-ml.ts'
import { hollowModel } from './hollow-model.ts'
import { inlineFunctions } from './inline-functions.ts'
import { lift } from './lift.ts'

/**
 * The graph of a model in memory. What its external data would be is not known: a model that has some
 * must be read by its path.
 * @throws LimbeckError `file` for bytes that are no intact model, `graph` for a graph that makes no sense.
 */
export function readOnnxBytes(bytes: Uint8Array, name = 'model'): Graph {
  return decodeModel(memorySource(bytes, name), undefined, undefined)
}

/**
 * The graph of a model file; its large tensors are references into the file and its external data.
 * @throws LimbeckError `file` (naming file and tensor) or `graph` (naming node and value).
 * @example
 * const graph = readOnnx('model.onnx', nodeFiles)
 */
export function readOnnx(path: string, files: FileAccess): Graph {
  return decodeModel(fileSource(path, files), path, files)
}

function decodeModel(
  source: ByteSource,
  path: string | undefined,
  files: FileAccess | undefined,
): Graph {
  const model = parse(source)
  if (!model.graph) {
    throw new LimbeckError('file', `${source.name}: it holds no graph, so it is no ONNX model.`)
  }
  const whole = new Set<TensorProto>()
  inlineFunctions(model, source.name, whole)
  const external = path !== undefined && files ? externalFolder(path, files) : undefined
  const opsets = new Map<string, number>()
  for (const { domain, version } of model.opsetImport) {
    opsets.set(domainName(domain), Number(version))
  }
  const graph: Graph = {
    ...decodeGraph(model.graph, { source, path, external, whole }),
    metadata: new Map(model.metadataProps.map(({ key, value }) => [key, value])),
    opsets,
    ...(model.functions.length > 0 && { functions: model.functions }),
  }
  return lift(graph, source.name)
}

function parse(source: ByteSource): ModelProto {
  const hollow = hollowModel(source)
  try {
    return fromBinary(ModelProtoSchema, hollow)
  } catch (cause) {
    throw new LimbeckError(
      'file',
      `${source.name}: it is no ONNX model (${(cause as Error).message}).`,
      { hint: 'Download or export it again.', cause },
    )
  }
}
