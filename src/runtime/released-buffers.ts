/**
 * Gives memory back before the collector would.
 *
 * onnxruntime-node copies every output into a fresh ArrayBuffer, also where the output was written into
 * memory that it was given. Of a training step these copies are three times the model, and nobody reads
 * them: posted to a port that nobody listens to, a buffer is detached and its memory free at once.
 */
import { MessageChannel, type MessagePort } from 'node:worker_threads'
import type { Tensor } from 'onnxruntime-node'

export class ReleasedBuffers {
  readonly #port: MessagePort

  constructor() {
    const { port1, port2 } = new MessageChannel()
    port2.close()
    port1.unref()
    this.#port = port1
  }

  /** Frees the memory of tensors, whose values are gone afterwards. */
  free(tensors: readonly Tensor[]): void {
    const buffers = tensors.map(({ data }) => (data as Float32Array).buffer as ArrayBuffer)
    this.#port.postMessage(null, [...new Set(buffers)])
  }
}
