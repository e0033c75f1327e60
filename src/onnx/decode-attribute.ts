/** Attributes, from the file's messages; kinds we do not interpret stay the message they came in. */
import type { Attribute, Graph } from '../graph/graph.ts'
import type { Tensor } from '../graph/tensor.ts'
import {
  type AttributeProto,
  type GraphProto,
  AttributeProto_AttributeType as Kind,
  type TensorProto,
} from './generated/onnx-ml.ts'

/** What an attribute may hold that needs more than itself. */
export interface AttributeContext {
  readonly tensor: (proto: TensorProto) => Tensor
  readonly graph: (proto: GraphProto) => Graph
}

type Decode = (proto: AttributeProto, context: AttributeContext) => Attribute | undefined

const kinds: Readonly<Partial<Record<Kind, Decode>>> = {
  [Kind.FLOAT]: ({ f }) => ({ type: 'float', value: f }),
  [Kind.INT]: ({ i }) => ({ type: 'int', value: integer(i) }),
  [Kind.STRING]: ({ s }) => {
    const value = text(s)
    return value === undefined ? undefined : { type: 'string', value }
  },
  [Kind.TENSOR]: ({ t }, { tensor }) => (t ? { type: 'tensor', value: tensor(t) } : undefined),
  [Kind.GRAPH]: ({ g }, { graph }) => (g ? { type: 'graph', value: graph(g) } : undefined),
  [Kind.FLOATS]: ({ floats }) => ({ type: 'floats', value: floats }),
  [Kind.INTS]: ({ ints }) => ({ type: 'ints', value: ints.map(integer) }),
  [Kind.STRINGS]: ({ strings }) => {
    const value = strings.map(text)
    return value.some((item) => item === undefined)
      ? undefined
      : { type: 'strings', value: value as string[] }
  },
  [Kind.GRAPHS]: ({ graphs }, { graph }) => ({ type: 'graphs', value: graphs.map(graph) }),
}

/** The attribute of a message. */
export function decodeAttribute(proto: AttributeProto, context: AttributeContext): Attribute {
  return kinds[kindOf(proto)]?.(proto, context) ?? { type: 'opaque', value: proto }
}

/** IR version 1 had no types: what is set says which it is. */
function kindOf(proto: AttributeProto): Kind {
  if (proto.type !== Kind.UNDEFINED || proto.refAttrName !== '') return proto.type
  const present: readonly (readonly [boolean, Kind])[] = [
    [proto.t !== undefined, Kind.TENSOR],
    [proto.g !== undefined, Kind.GRAPH],
    [proto.ints.length > 0, Kind.INTS],
    [proto.floats.length > 0, Kind.FLOATS],
    [proto.strings.length > 0, Kind.STRINGS],
    [proto.graphs.length > 0, Kind.GRAPHS],
    [Object.hasOwn(proto, 'f'), Kind.FLOAT],
    [Object.hasOwn(proto, 'i'), Kind.INT],
    [Object.hasOwn(proto, 's'), Kind.STRING],
  ]
  return present.find(([is]) => is)?.[1] ?? Kind.UNDEFINED
}

/** A number where it is exact. */
const integer = (value: bigint): number | bigint => {
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : value
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** The text of UTF-8 bytes; undefined for other bytes. */
function text(bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes)
  } catch {
    return undefined
  }
}
