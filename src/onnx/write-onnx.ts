/**
 * Writes ONNX files. The model without its weights goes through the protobuf encoder; weights are
 * streamed behind it, one header and its bytes after the other, or into a file of external data.
 *
 * Lengths are computed before anything is written, so the output is a stream and its bytes depend on the
 * graph alone.
 */
import { create, toBinary } from '@bufbuild/protobuf'
import { invariant, LimbeckError } from '../errors.ts'
import { CANONICAL_OPSET, type Graph, type Node, subgraphs, type Value } from '../graph/graph.ts'
import type { Tensor } from '../graph/tensor.ts'
import { inferTypes } from '../ops/infer-types.ts'
import { distinctOutputs } from './distinct-outputs.ts'
import { GraphEncoder } from './encode-graph.ts'
import { type ExternalPlace, encodeTensorHeader } from './encode-tensor.ts'
import { type ByteSink, MemorySink } from './file-access.ts'
import {
  type FunctionProto,
  GraphProtoSchema,
  ModelProtoSchema,
  TensorProtoSchema,
} from './generated/onnx-ml.ts'
import { lower } from './lower.ts'
import { type TensorReader, tensorBytes, tensorReader } from './materialize.ts'
import { fieldHeader, varintLength } from './wire.ts'

/** External data: a file beside the model that holds its large weights. */
export interface ExternalData {
  /** Bare name of the file, as the model refers to it (`model.onnx_data`). */
  readonly location: string
  /** Opens the file; called only when it is needed. */
  readonly open: () => ByteSink
  /** `auto` (above 1 GB of weights) or `always`; default `auto`. */
  readonly when?: 'auto' | 'always'
}

export interface WriteOptions {
  /** Opset of ai.onnx, 17 to 24; default the canonical one. */
  readonly opset?: number
  /** IR version; default the oldest that knows the opset. */
  readonly irVersion?: number
  /** Reads the weights; the default reads what is in memory. */
  readonly reader?: TensorReader
  readonly externalData?: ExternalData
  /**
   * Bare name of a file that will stand beside the model and already holds the data of `path`: weights
   * there are referred to in place (a `model.safetensors` in the same folder).
   */
  readonly inPlace?: (path: string) => string | undefined
}

/** What was written. */
export interface WriteResult {
  readonly bytes: number
  /** Bytes of the external data file; 0 when there is none. */
  readonly externalBytes: number
}

/** Weights of more bytes than this go to external data under `auto`. */
const EXTERNAL_ABOVE = 1_000_000_000
/** Smaller tensors stay in the model file. */
const EXTERNAL_TENSOR_BYTES = 1024
/** A protobuf message may have no more bytes. */
const LARGEST_FILE = 2 ** 31 - 1

/** Oldest IR version that knows an opset (https://github.com/onnx/onnx/blob/main/docs/Versioning.md). */
const irVersions = [
  [24, 11],
  [23, 11],
  [21, 10],
  [19, 9],
  [0, 8],
] as const

/** A weight and where its data goes. */
interface Initializer {
  readonly tensor: Tensor
  readonly header: Uint8Array
  /** Bytes of data inside the model file. */
  readonly inside: number
  readonly external: ExternalPlace | undefined
}

/**
 * Writes `graph` as an ONNX model.
 * @throws LimbeckError `graph` for a node without a form in the opset, `file` for a weight that cannot be
 * read, `usage` for a model above 2 GiB without external data.
 * @example
 * writeFilesWhole('out', (open) =>
 *   writeOnnx(graph, open('model.onnx'), { opset: 17, reader: tensorReader(nodeFiles) }))
 */
export function writeOnnx(graph: Graph, sink: ByteSink, options: WriteOptions = {}): WriteResult {
  const opset = options.opset ?? CANONICAL_OPSET
  const reader = options.reader ?? tensorReader()
  const written = distinctOutputs(lower(graph, opset))
  // an output that was made distinct has the type of what it repeats
  const repeated = new Map(graph.outputs.map((port, i) => [written.outputs[i]!.value, port.value]))
  const types = (value: Value) => inferTypes(graph).get(repeated.get(value) ?? value)
  const encoder = new GraphEncoder(reader.read, types)
  const nodes = toBinary(GraphProtoSchema, encoder.main(written))
  const head = modelHead(written, options.irVersion ?? irVersions.find(([at]) => at <= opset)![1])
  const initializers = layOut(written, encoder, options)

  const sizes = initializers.map(initializerLength)
  const graphLength = sizes.reduce(
    (sum, size) => sum + fieldHeader(INITIALIZER, size).length + size,
    nodes.length,
  )
  const graphHeader = fieldHeader(GRAPH, graphLength)
  const bytes = head.length + graphHeader.length + graphLength
  if (bytes > LARGEST_FILE) {
    throw new LimbeckError('usage', `The model has ${bytes} bytes, a single file at most 2 GiB.`, {
      hint: 'Write its weights as external data.',
    })
  }
  sink.write(head)
  sink.write(graphHeader)
  sink.write(nodes)
  initializers.forEach((initializer, i) => {
    sink.write(fieldHeader(INITIALIZER, sizes[i]!))
    sink.write(initializer.header)
    if (initializer.inside === 0) return
    sink.write(fieldHeader(RAW_DATA, initializer.inside))
    streamExactly(initializer.tensor, initializer.inside, reader, sink)
  })
  return { bytes, externalBytes: writeExternal(initializers, reader, options.externalData) }
}

/** The bytes of a small model, in memory. */
export function onnxBytes(graph: Graph, options: WriteOptions = {}): Uint8Array {
  const sink = new MemorySink()
  writeOnnx(graph, sink, options)
  return sink.bytes()
}

// field numbers: ModelProto.graph, GraphProto.initializer, TensorProto.raw_data
const GRAPH = 7
const INITIALIZER = 5
const RAW_DATA = 9

const initializerLength = ({ header, inside }: Initializer): number =>
  header.length + (inside === 0 ? 0 : 1 + varintLength(inside) + inside)

/** Everything of the model but its graph. */
function modelHead(graph: Graph, irVersion: number): Uint8Array {
  const opsets = new Map(graph.opsets)
  for (const domain of domainsOf(graph.nodes)) if (!opsets.has(domain)) opsets.set(domain, 1)
  const model = create(ModelProtoSchema, {
    irVersion: BigInt(irVersion),
    producerName: 'limbeck',
    opsetImport: [...opsets].map(([domain, version]) => ({ domain, version: BigInt(version) })),
    metadataProps: [...graph.metadata].map(([key, value]) => ({ key, value })),
    functions: [...((graph.functions ?? []) as readonly FunctionProto[])],
  })
  return toBinary(ModelProtoSchema, model)
}

function domainsOf(nodes: readonly Node[], found = new Set<string>()): Set<string> {
  for (const node of nodes) {
    found.add(node.domain)
    for (const graph of subgraphs(node)) domainsOf(graph.nodes, found)
  }
  return found
}

/** Decides where each weight's data goes. */
function layOut(graph: Graph, encoder: GraphEncoder, options: WriteOptions): Initializer[] {
  const { externalData, inPlace } = options
  let total = 0
  for (const { tensor } of graph.weights.values()) total += dataLength(tensor)
  const when = externalData?.when ?? 'auto'
  const outside = externalData && (when === 'always' || total > EXTERNAL_ABOVE)
  let end = 0
  const placeOf = (tensor: Tensor): ExternalPlace | undefined => {
    const length = dataLength(tensor)
    if (length < EXTERNAL_TENSOR_BYTES) return undefined
    const { source } = tensor
    const location = source.kind === 'file' ? inPlace?.(source.path) : undefined
    if (location !== undefined && source.kind === 'file') {
      return { location, offset: source.offset, length }
    }
    if (!outside) return undefined
    const offset = aligned(end, length)
    end = offset + length
    return { location: externalData.location, offset, length }
  }
  return [...graph.weights].map(([value, { tensor }]) => {
    const external = placeOf(tensor)
    const header = encodeTensorHeader(encoder.nameOf(value), tensor, external)
    return {
      tensor,
      header: toBinary(TensorProtoSchema, header),
      inside: external ? 0 : dataLength(tensor),
      external,
    }
  })
}

const dataLength = (tensor: Tensor): number =>
  tensor.source.kind === 'strings' ? 0 : tensorBytes(tensor)

/** Large tensors begin on a page, so that they can be mapped; small ones on a cache line. */
function aligned(end: number, length: number): number {
  const unit = length >= 65536 ? 4096 : 64
  return Math.ceil(end / unit) * unit
}

function writeExternal(
  initializers: readonly Initializer[],
  reader: TensorReader,
  externalData: ExternalData | undefined,
): number {
  const own = initializers.filter(({ external }) => external?.location === externalData?.location)
  if (!externalData || own.length === 0) return 0
  const sink = externalData.open()
  let end = 0
  for (const { tensor, external } of own) {
    const { offset, length } = external!
    if (offset > end) sink.write(new Uint8Array(offset - end))
    streamExactly(tensor, length, reader, sink)
    end = offset + length
  }
  return end
}

/** Streams a tensor and holds it to the length that was promised. */
function streamExactly(tensor: Tensor, length: number, reader: TensorReader, sink: ByteSink): void {
  let written = 0
  reader.stream(tensor, {
    write: (bytes) => {
      written += bytes.length
      sink.write(bytes)
    },
  })
  invariant(written === length, `a weight gave ${written} bytes, ${length} were promised`)
}
