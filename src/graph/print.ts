/**
 * A graph as text: one line a node, stable under renaming of values, for golden tests and `--diff`.
 *
 *   graph bert (input_ids: int64[batch_size,sequence_length]) -> logits
 *   %1 = Gather(bert.embeddings.word_embeddings.weight, input_ids)  # embeddings
 */
import type { Attribute, Graph, TensorType, Value } from './graph.ts'
import { opKey } from './rewrite.ts'

/** Text of a type: `float32[batch,128]`. */
export function typeText(type: TensorType | undefined): string {
  if (!type) return '?'
  return type.shape ? `${type.dtype}[${type.shape.map((dim) => dim ?? '?').join(',')}]` : type.dtype
}

/** The whole graph as text. */
export function printGraph(graph: Graph): string {
  return printWith(graph, new Map(), '').join('\n')
}

function printWith(graph: Graph, names: Map<Value, string>, indent: string): string[] {
  for (const port of graph.inputs) names.set(port.value, port.name)
  for (const [value, weight] of graph.weights) {
    const { tensor, parameter } = weight
    names.set(value, parameter?.name ?? `${typeText(tensor)}${inlineText(tensor)}`)
  }
  const inputs = graph.inputs.map((port) => `${port.name}: ${typeText(port.value.type)}`)
  const lines = [
    `${indent}graph ${graph.name} (${inputs.join(', ')}) -> ${graph.outputs.map((p) => p.name).join(', ')}`,
  ]
  for (const node of graph.nodes) {
    for (const output of node.outputs) if (output) names.set(output, `%${names.size}`)
    const outputs = node.outputs.map((output) => (output ? names.get(output) : '_'))
    const reads = node.inputs.map((input) => (input ? (names.get(input) ?? '<undefined>') : '_'))
    const attributes = Object.entries(node.attributes)
      .filter(([, attribute]) => attribute.type !== 'graph' && attribute.type !== 'graphs')
      .map(([name, attribute]) => `${name}=${attributeText(attribute)}`)
    const note = node.quantization
      ? ` @${node.quantization.scheme}-${node.quantization.weightBits}`
      : ''
    const origin = node.origin ? `  # ${node.origin}` : ''
    lines.push(
      `${indent}${outputs.join(', ')} = ${opKey(node)}(${[...reads, ...attributes].join(', ')})${note}${origin}`,
    )
    for (const attribute of Object.values(node.attributes)) {
      if (attribute.type === 'graph') {
        lines.push(...printWith(attribute.value, names, `${indent}  `))
      }
    }
  }
  lines.push(
    `${indent}return ${graph.outputs.map((p) => names.get(p.value) ?? '<undefined>').join(', ')}`,
  )
  return lines
}

function attributeText(attribute: Attribute): string {
  if (attribute.type === 'tensor') return typeText(attribute.value)
  if (attribute.type === 'opaque') return '<opaque>'
  return Array.isArray(attribute.value) ? `[${attribute.value.join(',')}]` : String(attribute.value)
}

function inlineText(tensor: {
  source: { kind: string; bytes?: Uint8Array }
  dtype: string
}): string {
  if (tensor.source.kind !== 'inline' || tensor.source.bytes!.byteLength > 64) return ''
  const { bytes } = tensor.source
  const view = new DataView(bytes!.buffer, bytes!.byteOffset, bytes!.byteLength)
  const readers: Record<string, [number, (at: number) => number | bigint]> = {
    int64: [8, (at) => view.getBigInt64(at, true)],
    float32: [4, (at) => view.getFloat32(at, true)],
    int32: [4, (at) => view.getInt32(at, true)],
    bool: [1, (at) => view.getUint8(at)],
  }
  const reader = readers[tensor.dtype]
  if (!reader) return ''
  const values = Array.from({ length: bytes!.byteLength / reader[0] }, (_, i) =>
    String(reader[1](i * reader[0])),
  )
  return `{${values.join(',')}}`
}
