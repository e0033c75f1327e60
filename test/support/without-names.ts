/** Files whose every name was taken out. */
import { fromBinary, toBinary } from '@bufbuild/protobuf'
import { type GraphProto, ModelProtoSchema } from '../../src/onnx/generated/onnx-ml.ts'

/** Every name replaced by a number; inputs and outputs keep theirs, for they are asked by name. */
export function withoutNames(bytes: Uint8Array): Uint8Array {
  const model = fromBinary(ModelProtoSchema, bytes)
  const graph = model.graph!
  const kept = new Set([...graph.input, ...graph.output].map(({ name }) => name))
  const names = new Map<string, string>()
  const rename = (name: string): string => {
    if (name === '' || kept.has(name)) return name
    if (!names.has(name)) names.set(name, `${names.size}`)
    return names.get(name)!
  }
  const visit = (inner: GraphProto): void => {
    for (const tensor of inner.initializer) tensor.name = rename(tensor.name)
    for (const port of [...inner.input, ...inner.output]) port.name = rename(port.name)
    inner.valueInfo = []
    inner.metadataProps = []
    for (const node of inner.node) {
      node.name = ''
      node.docString = ''
      node.metadataProps = []
      node.input = node.input.map(rename)
      node.output = node.output.map(rename)
      for (const { g } of node.attribute) if (g) visit(g)
    }
  }
  visit(graph)
  return toBinary(ModelProtoSchema, model)
}
