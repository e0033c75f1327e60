/**
 * The program of an executor process: one model, or graphs over tensors that it keeps; one request at a
 * time, over file descriptor 3.
 *
 * It lives as long as its host: when the stream closes, for whatever reason, it ends. Ctrl-C is the
 * host's affair (a terminal sends it to both).
 */
import { Socket } from 'node:net'
import { invariant } from '../errors.ts'
import type { TimedEngine } from './engine.ts'
import { type Ask, type Operation, type Operations, toPlainError } from './executor-protocol.ts'
import { encodeFrame, type Frame, FrameReader, packTensors, unpackTensors } from './frames.ts'
import { openInline } from './open-inline.ts'
import { loadOrt } from './ort.ts'
import { residentMemory } from './resident-memory.ts'
import { TensorStore } from './tensor-store.ts'

interface Answer<O extends Operation> {
  readonly header: Operations[O]['answer']
  readonly parts?: readonly Uint8Array[]
}

let engine: TimedEngine | undefined
const store = new TensorStore()
let baseline = 0
let afterLoad = 0

const loaded = (): TimedEngine => {
  invariant(engine, 'an executor process was asked to run before it was given a model')
  return engine
}

const answers: {
  readonly [O in Operation]: (ask: Ask<O>, body: Uint8Array) => Promise<Answer<O>>
} = {
  open: async ({ model, options }) => {
    await loadOrt()
    baseline = residentMemory().rss
    engine = await openInline(model, options)
    afterLoad = residentMemory().rss
    return { header: { inputs: engine.inputs, outputs: engine.outputs } }
  },
  run: async ({ tensors, outputs }, body) => {
    const feeds = unpackTensors(tensors, body)
    const result = await loaded().runTimed(feeds, outputs ? { outputs } : {})
    const packed = packTensors(result.outputs)
    return { header: { tensors: packed.tensors, ms: result.ms }, parts: packed.parts }
  },
  time: async ({ tensors, outputs, runs }, body) => {
    const feeds = unpackTensors(tensors, body)
    return { header: { times: await loaded().time(feeds, runs, outputs ? { outputs } : {}) } }
  },
  put: async ({ name, tensors }, body) => {
    await store.put(name, Object.values(unpackTensors(tensors, body))[0]!)
    return { header: {} }
  },
  zero: async ({ zeros }) => {
    await store.zero(zeros)
    return { header: {} }
  },
  get: async ({ name }) => {
    const { tensors, parts } = packTensors({ [name]: store.get(name) })
    return { header: { tensors }, parts }
  },
  load: async ({ name, model, bindings, options }) => {
    await loadOrt()
    baseline ||= residentMemory().rss
    const header = await store.load(name, model, bindings, options)
    afterLoad = residentMemory().rss
    return { header }
  },
  step: async ({ graph, tensors, outputs, unless }, body) => {
    const feeds = unpackTensors(tensors, body)
    const result = await store.run(graph, feeds, { outputs, unless })
    const packed = packTensors(result.outputs)
    return { header: { tensors: packed.tensors, ms: result.ms }, parts: packed.parts }
  },
  memory: async () => ({ header: { baseline, afterLoad, ...residentMemory() } }),
  release: async () => {
    await engine?.release()
    await store.release()
    return { header: {} }
  },
}

async function answer({ header, body }: Frame): Promise<Uint8Array[]> {
  try {
    const ask = header as Ask
    const reply = await answers[ask.op](ask as never, body)
    return encodeFrame(reply.header, reply.parts)
  } catch (error) {
    return encodeFrame({ error: toPlainError(error) })
  }
}

/** Writes in one go and waits until the stream wants more. */
async function send(chunks: readonly Uint8Array[]): Promise<void> {
  socket.cork()
  for (const chunk of chunks) socket.write(chunk)
  socket.uncork()
  if (socket.writableNeedDrain) await new Promise((resolve) => socket.once('drain', resolve))
}

process.on('SIGINT', () => {})
const socket = new Socket({ fd: 3, readable: true, writable: true })
const reader = new FrameReader()
let turn: Promise<void> = Promise.resolve()
socket.on('data', (chunk) => {
  for (const frame of reader.push(chunk)) turn = turn.then(async () => send(await answer(frame)))
})
socket.on('error', () => {})
socket.on('close', () => process.exit(0))
