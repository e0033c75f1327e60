/**
 * A graph and its loss become one graph of a whole training step: forward, loss, backward, update.
 *
 * Trained parameters become inputs, and outputs with their new values; so do the optimizer's moments, the
 * moving average of the weights and sums of gradients (`step-state.ts`). Frozen parameters stay
 * initializers. What varies from step to step are scalars, which `feeds` gives.
 */
import { LimbeckError } from '../errors.ts'
import { GraphBuilder } from '../graph/builder.ts'
import type { HostTensor } from '../graph/data-type.ts'
import { emptyGraph, type Graph, type Parameter, type Port, type Value } from '../graph/graph.ts'
import { pruneDead } from '../graph/liveness.ts'
import { newNode } from '../graph/new-node.ts'
import type { Tensor } from '../graph/tensor.ts'
import { backward } from './backward.ts'
import { withBatchStatistics } from './batch-statistics.ts'
import { type DropoutOptions, withDropout } from './dropout.ts'
import { extendGraph } from './extend-graph.ts'
import type { AveragedRange } from './fake-quantize.ts'
import { forKernels } from './for-kernels.ts'
import { blockShape, inBlocks } from './in-blocks.ts'
import { type LayerDropOptions, withLayerDrop } from './layer-drop.ts'
import type { Group, Optimizer } from './optimizer.ts'
import { averageRanges } from './range-state.ts'
import { recomputeLayers } from './recompute.ts'
import { type StateTensor, StepScalars, StepState } from './step-state.ts'
import { type Learning, type StepSettings, stepOutputs, writeUpdate } from './write-update.ts'

/** A loss, with the parts it is made of where curves of them are wanted. */
export interface LossParts {
  readonly loss: Value
  readonly parts?: Readonly<Record<string, Value>>
}

/** Writes a scalar loss behind the forward graph; labels are inputs that it declares. */
export type WriteLoss = (
  b: GraphBuilder,
  outputs: Readonly<Record<string, Value>>,
  graph: Graph,
) => Value | LossParts

/** A parameter as rules about it see it. */
export type ParameterShape = Parameter & { readonly shape: readonly number[] }

export interface TrainingStepOptions {
  /** The logical graph of the forward run. */
  readonly graph: Graph
  readonly loss: WriteLoss
  /** Which parameters learn; default all that are not frozen. One that the loss does not reach never does. */
  readonly trainable?: (parameter: ParameterShape) => boolean
  /** Default AdamW. */
  readonly optimizer?: Optimizer
  /** Default: matrices decay, vectors (biases and norms) do not; every rate is 1. */
  readonly groups?: (parameter: ParameterShape) => Partial<Group>
  /** Largest norm of all gradients together; a longer one is scaled down to it. */
  readonly clip?: number
  /** Gradients are summed over micro-batches by a graph of their own. */
  readonly accumulate?: boolean
  /** Keeps an exponential moving average of the weights, with the decay that `feeds` is given. */
  readonly ema?: boolean
  readonly dropout?: DropoutOptions
  readonly layerDrop?: LayerDropOptions
  /** Keeps what enters each layer alone, and computes layers again in the backward run: less memory, a third more time. */
  readonly recompute?: boolean
  /** How many it will run on: sizes of blocks follow from it, and no number. Default several. */
  readonly threads?: number
  /** Outputs of the forward graph to give as well. */
  readonly outputs?: readonly string[]
}

export interface TrainingStep {
  /** The whole step; with `accumulate`, the update from summed gradients alone. */
  readonly graph: Graph
  /** Forward, loss, backward: adds the gradients of one micro-batch to the sums, zero when a step begins. */
  readonly accumulate: Graph | undefined
  /** Every tensor that steps read and write; a graph has those among its ports that it takes or gives. */
  readonly state: readonly StateTensor[]
  /** Inputs of data: the model's own and the labels. */
  readonly data: readonly Port[]
  /** Trained parameters in the order of the output `gradient_squares`. */
  readonly gradients: readonly string[]
  /** Names of the loss's parts, outputs of their own. */
  readonly parts: readonly string[]
  /** Whose activations each row of the `range` state is of. */
  readonly ranges: readonly AveragedRange[]
  /** The inputs of both graphs that follow from where the step stands. */
  feeds(settings: StepSettings): Record<string, HostTensor>
}

/**
 * Builds the training step of a model.
 * @throws LimbeckError `graph` when the loss reaches no parameter that learns, or an operator on the way
 *   has no gradient.
 * @example
 * const step = trainingStep({
 *   graph: model.graph,
 *   loss: (b, { logits }) => crossEntropy(b, logits!, b.input('labels', 'int64', ['batch_size'])),
 *   clip: 1,
 * })
 */
export function trainingStep(options: TrainingStepOptions): TrainingStep {
  const { accumulate = false } = options
  const skipping = options.layerDrop && withLayerDrop(options.graph, options.layerDrop)
  const whole = skipping?.graph ?? options.graph
  const dropping = options.dropout && withDropout(whole, options.dropout)
  const state = new StepState()
  const scalars = new StepScalars<StepSettings>()
  const { graph: forward, moved } = moveStatistics(dropping?.graph ?? whole, state)
  const { graph: lossy, data, parts } = writeLoss(forward, options, scalars, moved)
  const { graph: written, ranges } = forKernels(lossy)
  averageRanges(ranges, state, scalars)
  const { graph: both, parameters } = differentiate(written, options)
  for (const parameter of parameters) state.add('parameter', parameter, parameter.blocks)
  const measured = both.outputs.filter(({ name }) => name !== OBJECTIVE)
  const learning = { ...withInputs(both, parameters, state), outputs: measured }
  const update = (b: GraphBuilder, from: readonly Learning[]): void =>
    writeUpdate(b, from, state, scalars, {
      optimizer: options.optimizer ?? { type: 'adamw' },
      clip: options.clip,
      ema: options.ema ?? false,
    })
  const sums = accumulate ? sumGradients(learning, parameters, state) : undefined
  const bare = withInputs(emptyGraph(forward.name), parameters, state)
  const { graph } = sums
    ? extendGraph(bare, (b) => update(b, sums.read(b)))
    : extendGraph(learning, (b) => update(b, parameters))
  return {
    graph: inBlocks(pruneDead(graph), options.threads),
    accumulate: sums && inBlocks(pruneDead(sums.graph), options.threads),
    state: state.tensors,
    data,
    gradients: parameters.map(({ name }) => name),
    parts,
    ranges,
    feeds: (settings) => ({
      ...scalars.feeds(settings),
      ...skipping?.feeds(settings.step, settings.micro ?? 0),
      ...dropping?.feeds(settings.step, settings.micro ?? 0),
    }),
  }
}

/** The graph with its running statistics as inputs, and the outputs that give their next values. */
function moveStatistics(graph: Graph, state: StepState): { graph: Graph; moved: readonly Port[] } {
  const { graph: trains, statistics } = withBatchStatistics(graph)
  const own = statistics.map(({ value, weight, after }) => {
    const { tensor, parameter } = weight
    const port = state.add('statistic', { name: parameter?.name ?? value.name, value, tensor })
    return { value, after, port }
  })
  const weights = new Map(trains.weights)
  for (const { value } of own) weights.delete(value)
  const inputs = own.map(({ value, port }) => ({ name: port.input, value }))
  return {
    graph: { ...trains, inputs: [...trains.inputs, ...inputs], weights },
    moved: own.map(({ after, port }) => ({ name: port.output, value: after })),
  }
}

/** The output that is differentiated; no output of the step. */
const OBJECTIVE = 'objective'

/** The forward graph with its loss; outputs are what the step reports, and the objective. */
function writeLoss(
  forward: Graph,
  options: TrainingStepOptions,
  scalars: StepScalars<StepSettings>,
  moved: readonly Port[],
) {
  const { accumulate } = options
  const kept = (options.outputs ?? []).map((name) => portNamed(forward, name))
  let data: readonly Port[] = []
  let names: readonly string[] = []
  const { graph } = extendGraph({ ...forward, outputs: [...kept, ...moved] }, (b) => {
    const written = options.loss(b, valuesOf(forward), forward)
    const { loss, parts = {} } = 'loss' in written ? written : { loss: written }
    data = [...options.graph.inputs, ...b.build().inputs]
    names = Object.keys(parts)
    b.output(stepOutputs.loss, loss)
    for (const [name, value] of Object.entries(parts)) b.output(name, value)
    const weight = accumulate && scalars.input(b, 'setting/weight', ({ weight = 1 }) => weight)
    b.output(OBJECTIVE, weight ? b.op('Mul', [loss, weight]) : loss)
  })
  return { graph, data, parts: names }
}

const valuesOf = ({ outputs }: Graph): Record<string, Value> =>
  Object.fromEntries(outputs.map(({ name, value }) => [name, value]))

function portNamed({ name: graph, outputs }: Graph, name: string): Port {
  const port = outputs.find((output) => output.name === name)
  if (port) return port
  const names = outputs.map((output) => output.name).join(', ')
  throw new LimbeckError('graph', `${graph} has no output '${name}': it gives ${names}.`)
}

/** The graph with its gradients, and the parameters that have one. */
function differentiate(
  graph: Graph,
  options: TrainingStepOptions,
): { graph: Graph; parameters: Learning[] } {
  const { trainable = ({ frozen }) => !frozen, groups } = options
  const asked = [...graph.weights].flatMap(([value, { parameter, tensor }]) => {
    const shaped = parameter && { ...parameter, shape: tensor.shape }
    return shaped && isFloat(tensor) && trainable(shaped) ? [{ value, tensor, shaped }] : []
  })
  const objective = portNamed(graph, OBJECTIVE).value
  const { graph: whole, gradients } = backward(
    graph,
    objective,
    asked.map(({ value }) => value),
  )
  const both = options.recompute ? recomputeLayers(whole, graph.nodes.length) : whole
  const parameters = asked.flatMap(({ value, tensor, shaped }) => {
    const gradient = gradients.get(value)
    if (!gradient) return []
    const group = { decay: shaped.shape.length > 1, rate: 1, ...groups?.(shaped) }
    const blocks = blockShape(tensor.shape, options.threads)
    const type = { dtype: 'float32' as const, shape: blocks }
    const port = blocks ? { name: `${shaped.name}.blocks`, type } : value
    return [{ name: shaped.name, value, tensor, gradient, group, blocks, port }]
  })
  if (parameters.length > 0) return { graph: both, parameters }
  throw new LimbeckError('graph', `The loss of ${graph.name} reaches no parameter that learns.`)
}

const isFloat = ({ dtype }: Tensor): boolean => dtype === 'float32'

/** The graph with these parameters as inputs. */
function withInputs(graph: Graph, parameters: readonly Learning[], state: StepState): Graph {
  const values = new Set(parameters.map(({ value }) => value))
  const ports = parameters.map((parameter) => ({
    name: state.add('parameter', parameter, parameter.blocks).input,
    value: parameter.port,
  }))
  const b = new GraphBuilder(graph.name)
  for (const { value, port, tensor } of parameters) {
    if (port === value) continue
    const whole = newNode('Reshape', [port, b.int64s(tensor.shape)], 1)
    b.add({ ...whole, outputs: [value] })
  }
  const first = b.build()
  const kept = [...graph.weights].filter(([value]) => !values.has(value))
  return {
    ...graph,
    inputs: [...graph.inputs, ...ports],
    nodes: [...first.nodes, ...graph.nodes],
    weights: new Map([...kept, ...first.weights]),
  }
}

/** The graph that adds gradients to sums, and how the update reads them. */
function sumGradients(graph: Graph, parameters: readonly Learning[], state: StepState) {
  const added = extendGraph(graph, (b) => {
    for (const parameter of parameters) {
      const { before, give } = state.read(b, 'sum', parameter)
      give(b.op('Add', [before, parameter.gradient]))
    }
  })
  const read = (b: GraphBuilder): Learning[] =>
    parameters.map((parameter) => {
      const { input, shape } = state.add('sum', parameter)
      return { ...parameter, gradient: b.input(input, 'float32', shape) }
    })
  return { graph: added.graph, read }
}
