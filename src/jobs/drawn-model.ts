/** A model folder whose weights are all drawn by the seed: what a model that nobody has trained begins with. */
import { mkdirSync } from 'node:fs'
import { newHead } from '../fit/new-head.ts'
import type { ConfigFolder } from '../hub/model-folder.ts'
import { buildModel } from '../models/build-model.ts'
import { writeTrained } from './train-output.ts'

/** Writes the model that a configuration describes, with its tokenizer, into `target`. */
export function writeDrawn(
  { config, pooling, path }: Pick<ConfigFolder, 'config' | 'pooling' | 'path'>,
  seed: number,
  target: string,
): void {
  const { make } = newHead(config, seed)
  const checkpoint = { file: config.file, tensors: new Map(), make, makesBase: true }
  const built = buildModel({ config, checkpoint, pooling })
  mkdirSync(target, { recursive: true })
  writeTrained({ ...built, config, pooling, made: [] }, new Map(), path, target)
}
