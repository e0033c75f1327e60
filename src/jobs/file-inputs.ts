/**
 * Inputs for any ONNX file, made from what the file says of them: names, types, dimensions, and the tables
 * that ids look rows up in. Symbols of a first dimension are the batch, of a second the tokens.
 */
import type { BenchShape } from '../bench/bench-shape.ts'
import { randomFeeds, type SizedInput } from '../bench/random-feeds.ts'
import { LimbeckError, nearest } from '../errors.ts'
import type { HostTensor } from '../graph/data-type.ts'
import type { Graph, Value } from '../graph/graph.ts'
import { type Bindings, evaluateShape } from '../graph/shape.ts'
import type { Feeds } from '../runtime/index.ts'

/** Sizes of dimensions by name, beside those that a shape gives. */
export type NamedSizes = Readonly<Record<string, number>>

/** @throws LimbeckError `usage` for a name that no dimension of an input has. */
export function checkDims({ inputs }: Graph, dims: NamedSizes): void {
  const shapes = inputs.flatMap(({ value }) => value.type?.shape ?? [])
  const known = shapes.flatMap((dim) => (typeof dim === 'string' ? symbolsOf(dim) : []))
  const unknown = Object.keys(dims).find((name) => !known.includes(name))
  if (unknown === undefined) return
  const near = nearest(unknown, known)
  const names = [...new Set(known)].filter((name) => /^\w+$/.test(name)).join(', ')
  throw new LimbeckError('usage', `--dim ${unknown}: no input has a dimension of that name.`, {
    hint: near
      ? `Did you mean ${near}?`
      : names !== ''
        ? `Names are ${names}.`
        : 'All its sizes are known.',
  })
}

/** Names in a dimension, which may be an expression. */
const symbolsOf = (dim: string): string[] =>
  [dim, ...dim.split(/[^\w.:]+/)].filter((name) => /[^\d\W]/.test(name))

/** Symbols of the inputs at a shape; names that were given win. */
export function bindingsAt(
  { inputs }: Graph,
  { batch, sequence }: BenchShape,
  dims: NamedSizes = {},
): Bindings {
  const bindings: Record<string, number> = { ...dims }
  for (const { value } of inputs) {
    value.type?.shape?.slice(0, 2).forEach((dim, axis) => {
      if (typeof dim === 'string') bindings[dim] ??= axis === 0 ? batch : sequence
    })
  }
  return bindings
}

/**
 * Random feeds of a shape.
 * @throws LimbeckError `usage` naming an input whose sizes are not known.
 */
export function fileFeeds(graph: Graph, shape: BenchShape, dims?: NamedSizes, seed = 1): Feeds {
  return randomFeeds(sizedInputs(graph, shape, bindingsAt(graph, shape, dims)), seed)
}

/** Which tokens of row `b` count: all, padded right, padded left, with holes; the first always does. */
const masks: readonly ((b: number, t: number, tokens: number) => boolean)[] = [
  () => true,
  (b, t, tokens) => t === 0 || t < tokens - b - 1,
  (b, t, tokens) => t >= Math.min(b + 1, tokens - 1),
  (_, t) => t % 3 !== 1,
]

/** Feeds to compare two files by: every shape under every kind of mask, each time with other values. */
export function comparedFeeds(
  graph: Graph,
  shapes: readonly BenchShape[],
  dims?: NamedSizes,
): Feeds[] {
  const masked = graph.inputs.some(({ name }) => isMask(name))
  const kinds = masked ? masks : masks.slice(0, 1)
  return shapes.flatMap((shape, i) =>
    kinds.map((mask, kind) => {
      const feeds = fileFeeds(graph, shape, dims, 1 + i * kinds.length + kind)
      return Object.fromEntries(
        Object.entries(feeds).map(([name, tensor]) => [name, withMask(name, tensor, mask)]),
      )
    }),
  )
}

const isMask = (name: string): boolean => /mask/.test(name)

function withMask(name: string, tensor: HostTensor, mask: (typeof masks)[number]): HostTensor {
  const [, tokens] = tensor.shape
  if (!isMask(name) || tensor.shape.length !== 2 || tokens === undefined) return tensor
  const counts = (i: number): boolean => mask(Math.floor(i / tokens), i % tokens, tokens)
  const { data } = tensor
  if (data instanceof BigInt64Array) {
    return { ...tensor, data: data.map((bit, i) => (counts(i) ? bit : 0n)) }
  }
  if (data instanceof BigUint64Array) return tensor
  return { ...tensor, data: data.map((bit, i) => (counts(i) ? bit : 0)) }
}

/** Inputs with every size known. */
function sizedInputs(graph: Graph, shape: BenchShape, bindings: Bindings): SizedInput[] {
  const { batch, sequence } = shape
  return graph.inputs.map(({ name, value }) => {
    const { dtype, shape: dims } = value.type ?? {}
    // a dimension without a name still has a place
    const placed = dims?.map((dim, axis) => dim ?? [batch, sequence][axis] ?? null)
    const sizes = evaluateShape(placed, bindings)
    if (dtype && sizes) return { name, dtype, shape: sizes, below: rowsBehind(graph, value) }
    const open = placed?.find((dim) => typeof dim === 'string' && !(dim in bindings))
    const shown = dims?.map((dim) => dim ?? '?').join(', ') ?? '?'
    throw new LimbeckError(
      'usage',
      `input '${name}' is ${dtype ?? 'of an unknown type'}[${shown}]: --shape does not give all its sizes.`,
      {
        hint:
          open === undefined
            ? 'Export the model with names for its dimensions.'
            : `Give the size with --dim ${open}=16.`,
      },
    )
  })
}

/** Rows of the smallest table that an input looks up, perhaps after a cast or reshape. */
function rowsBehind({ nodes, weights }: Graph, input: Value): number | undefined {
  const same = new Set([input])
  let rows: number | undefined
  for (const { op, domain, inputs, outputs } of nodes) {
    const [first, second] = inputs
    if (domain === '' && op === 'Gather' && second && same.has(second)) {
      const table = first && weights.get(first)?.tensor
      if (table?.shape.length === 2) rows = Math.min(rows ?? table.shape[0]!, table.shape[0]!)
    } else if (passing.has(op) && first && same.has(first) && outputs[0]) same.add(outputs[0])
  }
  return rows
}

/** Operators whose output has the values of their first input. */
const passing: ReadonlySet<string> = new Set(['Cast', 'Identity', 'Reshape', 'Flatten', 'Squeeze'])
