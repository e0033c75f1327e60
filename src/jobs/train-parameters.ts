/** Which parameters learn, and at which share of the learning rate. */
import { LimbeckError } from '../errors.ts'
import { globPattern, matchesNothing } from '../passes/name-patterns.ts'
import type { Group } from '../train/optimizer.ts'
import type { ParameterShape } from '../train/training-step.ts'
import type { TrainedModel } from './train-model.ts'

/** Names of a parameter: with the base model's prefix and without. */
const namesOf = (name: string, prefix: string): string[] =>
  name.startsWith(`${prefix}.`) ? [name, name.slice(prefix.length + 1)] : [name]

/**
 * Which parameters learn: all that no pattern of `freeze` matches.
 * @throws LimbeckError `usage` for a pattern that matches none, or where nothing is left to learn.
 */
export function parametersThatLearn(
  { graph, family: { prefix } }: TrainedModel,
  freeze: readonly string[],
): (parameter: ParameterShape) => boolean {
  const patterns = freeze.map(globPattern)
  const frozen = (name: string) =>
    namesOf(name, prefix).some((one) => patterns.some((pattern) => pattern.test(one)))
  const names = [...graph.weights.values()].flatMap(({ parameter }) => parameter?.name ?? [])
  const all = names.flatMap((name) => namesOf(name, prefix))
  const idle = patterns.findIndex((pattern) => !all.some((name) => pattern.test(name)))
  if (idle >= 0) throw matchesNothing(freeze[idle]!, names, '--freeze')
  if (names.every(frozen)) {
    throw new LimbeckError('usage', `--freeze ${freeze.join(',')}: nothing is left to learn.`)
  }
  return ({ name }) => !frozen(name)
}

/** The number of a layer in a parameter's name. */
const layerOf = (name: string): number | undefined => {
  const [, index] = /\blayers?\.(\d+)\./.exec(name) ?? []
  return index === undefined ? undefined : Number(index)
}

/**
 * Learning rates that fall from layer to layer towards the input (Howard and Ruder 2018): decay to the power
 * of the layers above; the head has all of it, embeddings less than the first layer.
 */
export function parameterGroups(
  { dims, family: { prefix } }: TrainedModel,
  decay: number,
): (parameter: ParameterShape) => Partial<Group> {
  return ({ name }) => {
    if (decay === 1) return {}
    const layer = layerOf(name)
    if (layer !== undefined) return { rate: decay ** (dims.layers - layer) }
    const isEmbedding = name.startsWith(`${prefix}.`) ? name.includes('embed') : /^embed/.test(name)
    return { rate: isEmbedding ? decay ** (dims.layers + 1) : 1 }
  }
}
