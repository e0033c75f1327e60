/**
 * What a killed run goes on from: one safetensors file with every tensor of the step's state, and how far
 * the run is in its metadata, so that both are always of the same step. The best weights so far have a file
 * of their own, named for its step and removed when a later checkpoint stands.
 */
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { LimbeckError, showValue } from '../errors.ts'
import { bytesOf, type HostTensor, hostArray } from '../graph/data-type.ts'
import type { Tensor } from '../graph/tensor.ts'
import { nodeFiles } from '../hub/node-files.ts'
import { writeFileWhole } from '../hub/write-file-whole.ts'
import { materialize } from '../onnx/materialize.ts'
import { parseJson } from '../onnx/parse-json.ts'
import { readSafetensors } from '../onnx/read-safetensors.ts'
import { safetensorsHeader, safetensorsOrder } from '../onnx/write-safetensors.ts'
import type { TrainingProgress } from './training-progress.ts'

/** What decides a run's trajectory, by name: a checkpoint is of a run with the same. */
export type RunIdentity = Readonly<Record<string, unknown>>

/** A tensor that a file keeps: its name there, its shape, and where its values are. */
export interface KeptTensor {
  readonly name: string
  readonly shape: readonly number[]
  /** Name in the store. */
  readonly stored: string
}

/** Gives the values of a tensor by its name in the store. */
export type GetTensor = (stored: string) => Promise<HostTensor>

const STATE = 'state.safetensors'
const KEY = 'limbeck'
const bestName = (step: number): string => `best-${step}.safetensors`

/** A run's checkpoint, read. */
export interface Checkpoint {
  readonly progress: TrainingProgress
  /** By name in the store. */
  readonly tensors: ReadonlyMap<string, Tensor>
  /** Values by name in the store. */
  values(stored: string): HostTensor
}

/** The folder of a run's checkpoints. */
export class Checkpoints {
  readonly folder: string
  readonly #identity: RunIdentity

  constructor(folder: string, identity: RunIdentity) {
    this.folder = folder
    this.#identity = identity
  }

  /** Whether a run has left something here. */
  get exist(): boolean {
    return existsSync(join(this.folder, STATE))
  }

  /**
   * The checkpoint of this run.
   * @throws LimbeckError `usage` for one of another run, naming what differs.
   */
  read(): Checkpoint {
    const file = join(this.folder, STATE)
    const { tensors, metadata } = readSafetensors(file, nodeFiles)
    const { identity, progress } = this.#parse(file, metadata.get(KEY))
    this.#checkIdentity(file, identity)
    return {
      progress,
      tensors,
      values(stored) {
        const tensor = tensors.get(stored)
        if (!tensor) {
          throw new LimbeckError('input', `${file}: the tensor ${stored} of the run is missing.`)
        }
        const { dtype, shape } = tensor
        return { dtype, shape, data: hostArray(dtype, materialize(tensor, nodeFiles)) }
      },
    }
  }

  /** Writes a checkpoint; the one before stands until this one does. */
  async save(
    tensors: readonly KeptTensor[],
    get: GetTensor,
    progress: TrainingProgress,
  ): Promise<void> {
    mkdirSync(this.folder, { recursive: true })
    const text = JSON.stringify({ version: 1, identity: this.#identity, progress })
    await writeTensors(join(this.folder, STATE), tensors, get, { [KEY]: text })
    const kept = progress.best && bestName(progress.best.step)
    for (const name of readdirSync(this.folder)) {
      if (name.startsWith('best-') && name !== kept) rmSync(join(this.folder, name))
    }
  }

  /** Writes the weights of the best evaluation so far; `save` follows. */
  async saveBest(tensors: readonly KeptTensor[], get: GetTensor, step: number): Promise<void> {
    mkdirSync(this.folder, { recursive: true })
    await writeTensors(join(this.folder, bestName(step)), tensors, get, { format: 'pt' })
  }

  /** The weights of the best evaluation, by name. */
  private best({ best }: TrainingProgress): ReadonlyMap<string, Tensor> | undefined {
    return best && readSafetensors(join(this.folder, bestName(best.step)), nodeFiles).tensors
  }

  /** What a run ends with: its best weights where something judged, else the last; by parameter. */
  learned(weights: readonly KeptTensor[]): ReadonlyMap<string, Tensor> {
    const { progress, tensors } = this.read()
    return this.best(progress) ?? new Map(weights.map((w) => [w.name, tensors.get(w.stored)!]))
  }

  /** Removes them all. */
  remove(): void {
    rmSync(this.folder, { recursive: true, force: true })
  }

  #parse(file: string, text: string | undefined) {
    try {
      const read = parseJson(text ?? '') as { identity: RunIdentity; progress: TrainingProgress }
      if (read.identity && Number.isInteger(read.progress.step)) return read
    } catch {
      // told below
    }
    throw new LimbeckError('input', `${file}: it is no checkpoint of a training run.`, {
      hint: 'Remove the folder to begin anew.',
    })
  }

  #checkIdentity(file: string, theirs: RunIdentity): void {
    const names = [...new Set([...Object.keys(theirs), ...Object.keys(this.#identity)])]
    const text = (identity: RunIdentity, name: string) => JSON.stringify(identity[name] ?? null)
    const other = names.find((name) => text(theirs, name) !== text(this.#identity, name))
    if (other === undefined) return
    const [was, is] = [theirs, this.#identity].map((identity) => showValue(identity[other] ?? null))
    throw new LimbeckError(
      'usage',
      `${file}: the checkpoint is of another run: ${other} was ${was}, is ${is}.`,
      {
        hint: 'Give the options of that run, another --output, or --overwrite to begin anew.',
      },
    )
  }
}

async function writeTensors(
  path: string,
  tensors: readonly KeptTensor[],
  get: GetTensor,
  metadata: Readonly<Record<string, string>>,
): Promise<void> {
  const described = tensors.map(({ name, shape, stored }) => {
    return [name, { dtype: 'float32', shape, stored }] as const
  })
  const ordered = safetensorsOrder(new Map(described))
  await writeFileWhole(path, async (append) => {
    await append(safetensorsHeader(ordered, metadata))
    // one at a time: what is held is a tensor, not the run's state
    for (const [, { stored }] of ordered) await append(bytesOf((await get(stored)).data))
  })
}
