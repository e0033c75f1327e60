/**
 * The module path of a node, as exporters leave it: PyTorch's dynamo in the node's metadata, its older
 * exporter (and our writer) in the node's name, `/encoder/layer.0/attention/self/query/MatMul_1`.
 */
import type { NodeProto } from './generated/onnx-ml.ts'

/** Dots between modules; empty when the file does not say. */
export function originOf(node: NodeProto): string {
  for (const { key, value } of node.metadataProps) {
    // a Python list of the scopes from the outermost on; the last one is the operation itself
    if (key === 'pkg.torch.onnx.name_scopes') {
      const scopes = [...value.matchAll(/'([^']*)'/g)].map((match) => match[1]!)
      return scopes.at(-2) ?? ''
    }
  }
  const slash = node.name.lastIndexOf('/')
  return slash < 0 ? '' : node.name.slice(0, slash).split('/').filter(Boolean).join('.')
}
