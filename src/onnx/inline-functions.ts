/**
 * Model-local functions written out where they are called, so that passes see inside. Works on the
 * file's messages, before values have identities.
 *
 * A function of another opset than the model's stays a call (lifting it would need two versions in one
 * graph). Source: https://github.com/onnx/onnx/blob/main/docs/IR.md, "Functions".
 */
import { create } from '@bufbuild/protobuf'
import { LimbeckError } from '../errors.ts'
import { copyMessage } from './copy-message.ts'
import {
  type AttributeProto,
  type FunctionProto,
  type GraphProto,
  type ModelProto,
  type NodeProto,
  NodeProtoSchema,
  type OperatorSetIdProto,
  type TensorProto,
} from './generated/onnx-ml.ts'

const MAX_DEPTH = 64
/** Functions that call functions can make a small file huge. */
const MAX_NODES = 500_000

const keyOf = (domain: string, name: string, overload: string): string =>
  JSON.stringify([domain, name, overload])

/**
 * Writes out the calls in `model`, in place, and drops the functions that are no longer called.
 * Tensors of function bodies hold their own data (not a place in the file): they are added to `whole`.
 * @throws LimbeckError `graph` when a function calls itself or the result has too many nodes.
 */
export function inlineFunctions(model: ModelProto, name: string, whole: Set<TensorProto>): void {
  if (model.functions.length === 0 || !model.graph) return
  const versionOf = (imports: readonly OperatorSetIdProto[]) =>
    imports.find(({ domain }) => domain === '' || domain === 'ai.onnx')?.version
  const version = versionOf(model.opsetImport)
  const functions = new Map<string, FunctionProto>()
  const kept: FunctionProto[] = []
  for (const fn of model.functions) {
    const own = versionOf(fn.opsetImport)
    if (own === undefined || own === version) {
      functions.set(keyOf(fn.domain, fn.name, fn.overload), fn)
    } else kept.push(fn)
    addImports(model, fn)
  }
  const inliner = new Inliner(functions, name, whole)
  model.graph = inliner.graph(model.graph, 0)
  // one that is kept may call any other
  if (kept.length === 0) model.functions = []
}

function addImports(model: ModelProto, fn: FunctionProto): void {
  const known = new Set(model.opsetImport.map(({ domain }) => domain))
  for (const entry of fn.opsetImport) {
    if (entry.domain !== 'ai.onnx' && !known.has(entry.domain)) model.opsetImport.push(entry)
  }
}

class Inliner {
  readonly #functions: ReadonlyMap<string, FunctionProto>
  readonly #name: string
  readonly #whole: Set<TensorProto>
  #calls = 0
  #nodes = 0

  constructor(
    functions: ReadonlyMap<string, FunctionProto>,
    name: string,
    whole: Set<TensorProto>,
  ) {
    this.#functions = functions
    this.#name = name
    this.#whole = whole
  }

  graph(graph: GraphProto, depth: number): GraphProto {
    return copyMessage(graph, {
      node: graph.node.flatMap((node) => this.#expand(node, depth)),
    })
  }

  #expand(node: NodeProto, depth: number): NodeProto[] {
    if (++this.#nodes > MAX_NODES) throw this.#bad(`its functions give over ${MAX_NODES} nodes`)
    const attribute = node.attribute.map((item) =>
      mapGraphs(item, (graph) => this.graph(graph, depth)),
    )
    const inside = copyMessage(node, { attribute })
    const fn = this.#functions.get(keyOf(node.domain, node.opType, node.overload))
    if (!fn) return [inside]
    if (depth >= MAX_DEPTH) throw this.#bad(`function '${fn.name}' calls itself, or nests too deep`)
    return this.#instance(fn, inside).flatMap((item) => this.#expand(item, depth + 1))
  }

  /** The body of a function with the names and attributes of one call. */
  #instance(fn: FunctionProto, call: NodeProto): NodeProto[] {
    const prefix = `${call.name || fn.name}.${this.#calls++}`
    const names = new Map<string, string>()
    fn.output.forEach((name, i) => {
      names.set(name, call.output[i] || `${prefix}/${name}`)
    })
    const passed: NodeProto[] = []
    fn.input.forEach((name, i) => {
      const given = call.input[i] ?? ''
      const output = names.get(name)
      // an output that is an input: no node of the body gives it
      if (output)
        passed.push(
          create(NodeProtoSchema, { opType: 'Identity', input: [given], output: [output] }),
        )
      names.set(name, given)
    })
    const attributes = new Map(fn.attributeProto.map((item) => [item.name, item]))
    for (const { t } of fn.attributeProto) if (t) this.#whole.add(t)
    for (const item of call.attribute) attributes.set(item.name, item)
    const body = new Body(prefix, names, attributes, this.#whole)
    return [...fn.node.map((node) => body.node(node, call.name)), ...passed]
  }

  #bad(what: string): LimbeckError {
    return new LimbeckError('graph', `${this.#name}: ${what}.`)
  }
}

/** Renames one instance of a function's body. */
class Body {
  readonly #prefix: string
  readonly #names: Map<string, string>
  readonly #attributes: ReadonlyMap<string, AttributeProto>
  readonly #whole: Set<TensorProto>

  constructor(
    prefix: string,
    names: Map<string, string>,
    attributes: ReadonlyMap<string, AttributeProto>,
    whole: Set<TensorProto>,
  ) {
    this.#prefix = prefix
    this.#names = names
    this.#attributes = attributes
    this.#whole = whole
  }

  node(node: NodeProto, callName: string): NodeProto {
    return copyMessage(node, {
      // the call is the module that its nodes belong to
      name: callName === '' ? node.name : `${callName}/${node.name || node.opType}`,
      input: node.input.map((name) => this.#rename(name)),
      output: node.output.map((name) => this.#rename(name)),
      attribute: node.attribute.flatMap((item) => this.#attribute(item)),
    })
  }

  #rename(name: string): string {
    if (name === '') return ''
    let renamed = this.#names.get(name)
    if (renamed === undefined) {
      renamed = `${this.#prefix}/${name}`
      this.#names.set(name, renamed)
    }
    return renamed
  }

  /** A reference becomes the attribute of the call; one that the call leaves out is left out. */
  #attribute(item: AttributeProto): AttributeProto[] {
    if (item.refAttrName !== '') {
      const given = this.#attributes.get(item.refAttrName)
      return given ? [copyMessage(given, { name: item.name })] : []
    }
    if (item.t) this.#whole.add(item.t)
    for (const tensor of item.tensors) this.#whole.add(tensor)
    return [mapGraphs(item, (graph) => this.#graph(graph))]
  }

  #graph(graph: GraphProto): GraphProto {
    const rename = <T extends { name: string }>(item: T): T =>
      copyMessage(item, { name: this.#rename(item.name) } as Partial<T>)
    const initializer = graph.initializer.map((tensor) => {
      const renamed = rename(tensor)
      this.#whole.add(renamed)
      return renamed
    })
    return copyMessage(graph, {
      initializer,
      input: graph.input.map(rename),
      output: graph.output.map(rename),
      valueInfo: graph.valueInfo.map(rename),
      node: graph.node.map((node) => this.node(node, '')),
    })
  }
}

function mapGraphs(item: AttributeProto, map: (graph: GraphProto) => GraphProto): AttributeProto {
  if (!item.g && item.graphs.length === 0) return item
  const graphs = item.graphs.map(map)
  return copyMessage(item, item.g ? { g: map(item.g), graphs } : { graphs })
}
