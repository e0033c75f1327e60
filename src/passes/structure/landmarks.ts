/**
 * The landmarks of any graph: inner values that mean the same in every spelling of a model, so that two models can
 * be compared there. Layers, norms, activations, sums of the residual stream, contexts of attention, tables.
 *
 * They are found in the graph as it would be raised from its float32 shadow, and are values of the graph itself:
 * rewriting keeps the identity of what it does not compute anew.
 */
import type { Graph, Node, Value } from '../../graph/graph.ts'
import type { ReadTensor } from '../../graph/tensor.ts'
import { inferTypes } from '../../ops/infer-types.ts'
import { layerOf } from '../../ops/layer-of.ts'
import { linearWeight } from '../linear-layer.ts'
import { runPasses } from '../pass.ts'
import { raise } from '../raise/raise.ts'
import { type EncoderLayer, encoderLayers } from './encoder-layers.ts'
import { floatShadow } from './float-shadow.ts'
import { type GraphLinks, graphLinks } from './graph-links.ts'
import { nameLayers, partsOf } from './name-layers.ts'
import { rowViews, unscaledRows } from './row-views.ts'

export type LandmarkKind =
  | 'table'
  | 'linear'
  | 'convolution'
  | 'product'
  | 'context'
  | 'activation'
  | 'norm'
  | 'sum'
  | 'output'

/** A value worth comparing. */
export interface Landmark {
  /** In the graph that was given. */
  readonly value: Value
  readonly kind: LandmarkKind
  /** Module path; where the file says none, the one that structure gives. Of an output, its name. */
  readonly path: string
  /** What it is in its layer; the same in every model. */
  readonly role: string | undefined
  /** The output of the graph that shows it. */
  readonly output: string | undefined
  /** Where it stands: before, between or behind the layers. */
  readonly zone: string
  /** Kind and sizes: what has another label is something else. */
  readonly label: string
  /** Numbers of the last axis, where they are known. */
  readonly width: number | undefined
  /** Of a table, how many it has. */
  readonly rows?: number | undefined
}

export interface Landmarks {
  /** In topological order. */
  readonly all: readonly Landmark[]
  readonly layers: number
}

/** Finds the landmarks; `read` gives the values of constants. */
export function landmarks(graph: Graph, read: ReadTensor): Landmarks {
  const reading = [...floatShadow, rowViews, ...raise(read), unscaledRows]
  const bare = runPasses(graph, reading).graph
  const named = bare.nodes.some(({ origin }) => /\d$/.test(layerOf(origin)))
  const raised = named ? bare : runPasses(bare, [nameLayers]).graph
  return new Finder(graph, raised).landmarks()
}

const kinds: Readonly<Record<string, LandmarkKind>> = {
  Conv: 'convolution',
  LayerNormalization: 'norm',
  RMSNormalization: 'norm',
  BatchNormalization: 'norm',
  GroupNormalization: 'norm',
  InstanceNormalization: 'norm',
  Gelu: 'activation',
  Relu: 'activation',
  Tanh: 'activation',
  Swish: 'activation',
  HardSwish: 'activation',
  QuickGelu: 'activation',
}

/** What shows the same numbers in the same order. */
const views: ReadonlySet<string> = new Set(['Reshape', 'Identity', 'Squeeze', 'Unsqueeze', 'Cast'])

class Finder {
  private readonly graph: Graph
  private readonly raised: Graph
  private readonly links: GraphLinks
  private readonly layers: readonly EncoderLayer[]
  private readonly own: ReadonlySet<Value>
  private readonly inLayers: ReadonlySet<Node>
  private readonly roles = new Map<Value, { role: string; kind?: LandmarkKind }>()

  constructor(graph: Graph, raised: Graph) {
    this.graph = graph
    this.raised = raised
    this.links = graphLinks(raised)
    this.layers = encoderLayers(raised)
    this.own = new Set(graph.nodes.flatMap(({ outputs }) => outputs.filter((value) => !!value)))
    this.inLayers = new Set(this.layers.flatMap(({ nodes }) => nodes))
    this.layers.forEach((layer, i) => {
      this.nameRoles(layer, i)
    })
  }

  landmarks(): Landmarks {
    const { raised } = this
    const types = inferTypes(raised)
    const outputs = new Map(raised.outputs.map(({ value }, i) => [value, this.graph.outputs[i]!]))
    const found = new Map<Value, Landmark>()
    raised.nodes.forEach((node, position) => {
      const [made] = node.outputs
      const kind = made && this.kindOf(node)
      if (!made || !kind) return
      const last = types.get(made)?.shape?.at(-1)
      const width = typeof last === 'number' ? last : undefined
      const known = this.roles.get(made)
      const port = outputs.get(made)
      const value = port?.value ?? this.ownValue(made)
      if (!value || found.has(value) || this.graph.weights.has(value)) return
      const role = known?.role
      found.set(value, {
        value,
        width,
        role,
        kind: port ? 'output' : (known?.kind ?? kind),
        path: port?.name ?? (node.origin || (role ?? '')),
        output: port?.name,
        zone: this.zone(position),
        label: `${known?.kind ?? kind} ${this.sizes(node, width)}`,
        ...(kind === 'table' && { rows: raised.weights.get(node.inputs[0]!)?.tensor.shape[0] }),
      })
    })
    for (const { name, value } of this.graph.outputs) {
      if (found.has(value) || !this.own.has(value)) continue
      const nothing = { role: undefined, width: undefined }
      found.set(value, {
        ...nothing,
        ...{ value, kind: 'output', path: name, output: name, zone: 'end', label: 'output' },
      })
    }
    return { all: [...found.values()], layers: this.layers.length }
  }

  /** What a node makes, where that is a landmark. */
  private kindOf(node: Node): LandmarkKind | undefined {
    const [made] = node.outputs
    if (!made || node.domain !== '') return undefined
    const role = this.roles.get(made)
    if (role?.kind) return role.kind
    if (kinds[node.op]) return kinds[node.op]
    if (node.op === 'MatMul') {
      if (this.isWeight(node.inputs[0])) return undefined
      // within a layer the context, its heads merged, says the same
      if (!this.isWeight(node.inputs[1])) return this.inLayers.has(node) ? undefined : 'product'
      // the sum with its bias stands for it
      const readers = this.links.readers(made)
      return readers.length === 1 && this.addsBias(readers[0]!) ? undefined : 'linear'
    }
    if (node.op === 'Add') {
      if (this.addsBias(node)) return 'linear'
      return node.inputs.some((input) => this.isWeight(input)) ? undefined : this.sumOf(made)
    }
    const isTable = node.op === 'Gather' && this.isWeight(node.inputs[0])
    const table = isTable && this.raised.weights.get(node.inputs[0]!)?.tensor
    return table && table.shape.length === 2 && table.dtype.includes('float') ? 'table' : undefined
  }

  /** A sum of activations; those of masks and positions are of whole numbers. */
  private sumOf(value: Value): LandmarkKind | undefined {
    const type = inferTypes(this.raised).get(value)
    const rank = type?.shape?.length ?? 3
    return (type?.dtype ?? 'float32') === 'float32' && rank < 4 && rank > 1 ? 'sum' : undefined
  }

  private isWeight(value: Value | undefined): boolean {
    if (!value) return false
    if (this.raised.weights.has(value)) return true
    const node = this.links.producer(value)
    return node?.op === 'Transpose' && this.isWeight(node.inputs[0])
  }

  private addsBias(node: Node): boolean {
    if (node.op !== 'Add') return false
    const [left, right] = node.inputs
    const product = [left, right].find(
      (input) => input && this.links.producer(input)?.op === 'MatMul',
    )
    const bias = product === left ? right : left
    const matmul = product && this.links.producer(product)
    return (
      matmul !== undefined &&
      this.isWeight(matmul.inputs[1]) &&
      bias !== undefined &&
      this.raised.weights.get(bias)?.tensor.shape.length === 1
    )
  }

  /** Rows that go in, where a weight says so, and come out. */
  private sizes(node: Node, width: number | undefined): string {
    const { op } = node
    if (op === 'Conv') return this.raised.weights.get(node.inputs[1]!)?.tensor.shape.join('x') ?? ''
    const matmul =
      op === 'Add' ? node.inputs.map((input) => input && this.links.producer(input)) : [node]
    const context = {
      producer: (value: Value) => this.links.producer(value),
      weight: (value: Value) => this.raised.weights.get(value),
    }
    const weights = matmul.map((one) => one && linearWeight(one, context)?.weight.tensor.shape)
    const shape = weights.find((one) => one !== undefined)
    return shape ? `${shape[1]}>${shape[0]}` : `${op} ${width ?? '?'}`
  }

  /** The value of the graph itself that holds these numbers. */
  private ownValue(value: Value): Value | undefined {
    if (this.own.has(value)) return value
    const reader = this.links.readers(value)
    const next = reader.length === 1 && views.has(reader[0]!.op) ? reader[0]!.outputs[0] : undefined
    if (next && this.own.has(next)) return next
    const node = this.links.producer(value)
    const before = node && views.has(node.op) ? node.inputs[0] : undefined
    return before && this.own.has(before) ? before : undefined
  }

  private nameRoles(layer: EncoderLayer, i: number): void {
    const name = (value: Value | undefined, part: string, kind?: LandmarkKind): void => {
      const role = `encoder.layer.${i}.${part}`
      if (value && !this.roles.has(value)) this.roles.set(value, kind ? { role, kind } : { role })
    }
    if (i === 0 && !this.raised.inputs.some(({ value }) => value === layer.input)) {
      this.roles.set(layer.input, { role: 'embeddings' })
    }
    for (const [part, of] of partsOf(layer)) {
      if (!of) continue
      if ('matmul' in of) name(of.output, part, 'linear')
      else name(of.outputs[0], part, 'norm')
    }
    name(layer.attentionOutput.matmul.inputs[0], 'attention.self', 'context')
    name(this.sumAfter(layer.attentionOutput.output), 'attention.output', 'sum')
    if (layer.feedForwardOut) {
      name(layer.feedForwardOut.matmul.inputs[0], 'intermediate', 'activation')
      name(this.sumAfter(layer.feedForwardOut.output), 'output', 'sum')
    }
    name(layer.output, 'hidden')
  }

  /** The sum of a layer's part with the stream. */
  private sumAfter(value: Value): Value | undefined {
    let current: Value | undefined = value
    for (let steps = 0; current && steps < 4; steps++) {
      const [reader]: readonly Node[] = this.links.readers(current)
      if (reader?.op === 'Add' || !reader) return reader?.outputs[0]
      current = reader.outputs[0]
    }
    return undefined
  }

  /** The layer in which a node stands, by what was made before it. */
  private zone(position: number): string {
    const { links, layers } = this
    const ends = layers.map(({ output }) => links.position(links.producer(output)!))
    const last = ends.at(-1)
    if (last !== undefined && position > last) return 'end'
    return String(ends.filter((end) => end < position).length)
  }
}
