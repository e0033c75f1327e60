/**
 * First values of a new head, as Hugging Face's models have them: matrices normal(0, `initializer_range`),
 * norms one, biases nothing. A parameter's values depend on the seed and its name alone.
 */
import type { Tensor } from '../graph/tensor.ts'
import { float32Tensor, inlineTensor } from '../graph/tensor.ts'
import type { ModelConfig } from '../models/config.ts'
import { numberOf } from '../models/config.ts'
import { normalFrom, randomFrom, seedOf } from '../stats/random.ts'

/** What Hugging Face assumes where the configuration says nothing. */
const DEFAULT_RANGE = 0.02

/** A maker of parameters, which remembers the names that it was asked for. */
export interface NewHead {
  make(name: string, shape: readonly number[]): Tensor
  readonly names: readonly string[]
}

/** Makes the parameters of a head for a model of this configuration. */
export function newHead(config: ModelConfig, seed: number): NewHead {
  const range = numberOf(config, 'initializer_range', DEFAULT_RANGE)
  const names: string[] = []
  return {
    names,
    make(name, shape) {
      names.push(name)
      const size = shape.reduce((product, dim) => product * dim, 1)
      if (shape.length < 2) {
        const value = name.endsWith('.weight') ? 1 : 0
        return float32Tensor(new Array<number>(size).fill(value), [...shape])
      }
      const characters = Array.from(name, (character) => character.codePointAt(0)!)
      const normal = normalFrom(randomFrom(seedOf(seed, ...characters)))
      return inlineTensor(
        'float32',
        shape,
        Float32Array.from({ length: size }, () => range * normal()),
      )
    },
  }
}
