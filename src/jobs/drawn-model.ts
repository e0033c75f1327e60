/** A model folder whose weights are all drawn by the seed: what a model that nobody has trained begins with. */
import { mkdirSync } from 'node:fs'
import { newHead } from '../fit/new-head.ts'
import type { ConfigFolder } from '../hub/model-folder.ts'
import { buildModel } from '../models/build-model.ts'
import type { Checkpoint } from '../models/model-builder.ts'
import { writeTrained } from './train-output.ts'

type Described = Pick<ConfigFolder, 'config' | 'pooling' | 'path'>

/** Writes the model that a configuration describes, with its tokenizer, into `target`. */
export function writeDrawn(described: Described, seed: number, target: string): void {
  const { config } = described
  const { make } = newHead(config, seed)
  const drawn = { file: config.file, tensors: new Map(), make, makesBase: true }
  writeModel(described, drawn, target)
}

/** The same with the weights of a checkpoint. */
export function writeModel(
  { config, pooling, path }: Described,
  checkpoint: Checkpoint,
  target: string,
): void {
  const built = buildModel({ config, checkpoint, pooling })
  mkdirSync(target, { recursive: true })
  writeTrained({ ...built, config, pooling, made: [] }, new Map(), path, target)
}
