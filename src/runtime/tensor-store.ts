/**
 * Tensors that stay where graphs run: a graph reads them by name and writes new values of them, and only
 * what is asked for leaves.
 *
 * A tensor that graphs write has a second memory of its size: a run reads the one and writes the other, and
 * the two change places when it has succeeded. ONNX Runtime may write an output before it has read an input
 * for the last time, so they are never the same memory.
 */
import type { InferenceSession, Tensor } from 'onnxruntime-node'
import { LimbeckError } from '../errors.ts'
import {
  byteLength,
  type DataType,
  elementCount,
  type HostTensor,
  hostArray,
} from '../graph/data-type.ts'
import type { Feeds, Port } from './engine.ts'
import { checkFeeds, checkOutputs } from './feeds.ts'
import { hardware } from './hardware.ts'
import type { Ort } from './ort.ts'
import { loadOrt } from './ort.ts'
import { fromOrt, portsOf, toOrt } from './ort-tensor.ts'
import { ReleasedBuffers } from './released-buffers.ts'
import { type SessionOptions, toOrtOptions } from './session-options.ts'

/** Which inputs and outputs of a graph are tensors of the store, by the names of both. */
export interface Bindings {
  readonly inputs: Readonly<Record<string, string>>
  readonly outputs: Readonly<Record<string, string>>
}

/** What a graph takes and gives besides the store's tensors. */
export interface GraphPorts {
  readonly inputs: readonly Port[]
  readonly outputs: readonly Port[]
}

export interface StoreRun {
  /** Outputs wanted besides the store's tensors; all by default. */
  readonly outputs?: readonly string[] | undefined
  /** A scalar output: where it is not finite, the store keeps the values from before the run. */
  readonly unless?: string | undefined
}

interface Held {
  now: Tensor
  spare: Tensor | undefined
}

interface Loaded extends GraphPorts {
  readonly session: InferenceSession
  readonly bindings: Bindings
  /** Shapes of the ports that are bound to the store's tensors. */
  readonly shapes: ReadonlyMap<string, Port['shape']>
  /** An output that ends the answer before outputs are copied (`onnx/sealed-outputs.ts`). */
  readonly seal: string | undefined
}

/** What onnxruntime-node says of an output that is no tensor, when the run itself is done. */
const SEALED = 'Non tensor type is temporarily not supported.'

/** Named tensors, and graphs over them. */
export class TensorStore {
  readonly #tensors = new Map<string, Held>()
  readonly #graphs = new Map<string, Loaded>()
  readonly #released = new ReleasedBuffers()
  #ort: Ort | undefined

  /** Sets a tensor; its memory is taken over. */
  async put(name: string, tensor: HostTensor): Promise<void> {
    const ort = await this.#runtime()
    this.#tensors.set(name, { now: toOrt(ort, tensor), spare: undefined })
  }

  /** Sets float32 tensors of these shapes to zero; those that are there keep their memory. */
  async zero(shapes: Readonly<Record<string, readonly number[]>>): Promise<void> {
    for (const [name, shape] of Object.entries(shapes)) {
      const held = this.#tensors.get(name)
      if (held) (held.now.data as Float32Array).fill(0)
      else {
        const data = new Float32Array(elementCount(shape))
        await this.put(name, { dtype: 'float32', shape, data })
      }
    }
  }

  /** The values of a tensor now, not copied. */
  get(name: string): HostTensor {
    return fromOrt(this.#held(name).now)
  }

  /** Loads a graph under a name, in place of one that had it. @throws LimbeckError as `openInline` does. */
  async load(
    name: string,
    path: string,
    bindings: Bindings,
    options: SessionOptions,
  ): Promise<GraphPorts> {
    const ort = await this.#runtime()
    const { arch, threads } = hardware()
    await this.#graphs.get(name)?.session.release()
    this.#graphs.delete(name)
    const session = await ort.InferenceSession.create(
      path,
      toOrtOptions(options, { arch, cores: threads }),
    ).catch((error: Error) => {
      throw new LimbeckError('input', `${name}: ONNX Runtime cannot load it: ${error.message}`, {
        cause: error,
      })
    })
    const free = (ports: readonly Port[], bound: Readonly<Record<string, string>>) =>
      ports.filter((port) => !Object.hasOwn(bound, port.name))
    const [first, ...rest] = session.outputMetadata
    const isSealed = first?.isTensor === false
    const answers = isSealed ? rest : session.outputMetadata
    const [inputs, outputs] = [portsOf(name, session.inputMetadata), portsOf(name, answers)]
    const loaded = {
      session,
      bindings,
      shapes: new Map([...inputs, ...outputs].map((port) => [port.name, port.shape])),
      inputs: free(inputs, bindings.inputs),
      outputs: free(outputs, bindings.outputs),
      seal: isSealed ? first.name : undefined,
    }
    this.#graphs.set(name, loaded)
    return { inputs: loaded.inputs, outputs: loaded.outputs }
  }

  /** Runs a graph; tensors that it writes have their new values afterwards. */
  async run(
    name: string,
    feeds: Feeds,
    { outputs, unless }: StoreRun = {},
  ): Promise<{ readonly outputs: Record<string, HostTensor>; readonly ms: number }> {
    const graph = this.#graphs.get(name)
    if (!graph) throw new LimbeckError('runtime', `${name}: no such graph has been loaded.`)
    const ort = await this.#runtime()
    const wanted = checkOutputs(name, graph.outputs, outputs)
    const given = Object.entries(checkFeeds(name, graph.inputs, feeds))
    const tensors = Object.fromEntries(given.map(([key, tensor]) => [key, toOrt(ort, tensor)]))
    for (const [input, tensor] of Object.entries(graph.bindings.inputs)) {
      tensors[input] = inShapeOf(ort, graph, input, this.#held(tensor).now)
    }
    const written = Object.entries(graph.bindings.outputs)
    const fetches: Record<string, Tensor | null> = {}
    for (const output of wanted) fetches[output] = ownMemory(ort, graph, output)
    for (const [output, tensor] of written)
      fetches[output] = inShapeOf(ort, graph, output, this.#spare(ort, tensor))
    const isSealed = graph.seal !== undefined && !Object.values(fetches).includes(null)
    if (isSealed) fetches[graph.seal] = null
    const start = performance.now()
    const copies = await graph.session.run(tensors, fetches).catch((error: Error) => {
      if (isSealed && error.message === SEALED) return undefined
      const text = error.message.replace(/\s*\n\s*/g, ' ').trim()
      throw new LimbeckError('runtime', `${name}: the run failed: ${text}`, { cause: error })
    })
    const ms = performance.now() - start
    const result = copies ?? (fetches as Record<string, Tensor>)
    if (copies) this.#released.free(written.map(([output]) => copies[output]!))
    const answer = wanted.map((output) => [output, fromOrt(result[output]!)] as const)
    const keeps = unless !== undefined && !Number.isFinite(Number(result[unless]!.data[0]))
    for (const [, tensor] of keeps ? [] : written) {
      const held = this.#held(tensor)
      ;[held.now, held.spare] = [held.spare!, held.now]
    }
    return { outputs: Object.fromEntries(answer), ms }
  }

  async release(): Promise<void> {
    for (const { session } of this.#graphs.values()) await session.release()
    this.#graphs.clear()
    this.#tensors.clear()
  }

  async #runtime(): Promise<Ort> {
    this.#ort ??= await loadOrt()
    return this.#ort
  }

  #held(name: string): Held {
    const held = this.#tensors.get(name)
    if (held) return held
    throw new LimbeckError('runtime', `${name}: no such tensor has been put into the store.`)
  }

  #spare(ort: Ort, name: string): Tensor {
    const held = this.#held(name)
    if (!held.spare) {
      const { dtype, shape } = fromOrt(held.now)
      held.spare = toOrt(ort, zeros(dtype, shape))
    }
    return held.spare
  }
}

/** A tensor's memory in the shape of a port, which may cut it otherwise. */
function inShapeOf(ort: Ort, { shapes }: Loaded, port: string, tensor: Tensor): Tensor {
  const shape = shapes.get(port)!
  const isOther =
    shape.every((dim) => typeof dim === 'number') && shape.join() !== tensor.dims.join()
  return isOther ? toOrt(ort, { ...fromOrt(tensor), shape }) : tensor
}

/** Memory that a sealed graph writes an output of known size into; null where the answer is to bring it. */
function ownMemory(ort: Ort, { outputs, seal }: Loaded, name: string): Tensor | null {
  const { dtype, shape } = outputs.find((output) => output.name === name)!
  const sizes = shape.filter((dim) => typeof dim === 'number')
  return seal === undefined || sizes.length < shape.length ? null : toOrt(ort, zeros(dtype, sizes))
}

const zeros = (dtype: DataType, shape: readonly number[]): HostTensor => {
  const memory = new Uint8Array(byteLength(dtype, elementCount(shape)))
  return { dtype, shape, data: hostArray(dtype, memory) }
}
