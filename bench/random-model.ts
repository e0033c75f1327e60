/**
 * A model of any family without a checkpoint: the family asks for its parameters, and each that it asks for
 * is drawn. Times depend on the sizes alone.
 */
import type { Graph, Value } from '../src/graph/graph.ts'
import { inlineTensor, type Tensor } from '../src/graph/tensor.ts'
import { familyOf } from '../src/models/build-model.ts'
import type { ModelConfig } from '../src/models/config.ts'
import type { Task } from '../src/models/family.ts'
import { ModelBuilder } from '../src/models/model-builder.ts'
import { randomFrom } from '../src/stats/index.ts'

/** Holds whatever it is asked for. */
class EveryTensor extends Map<string, Tensor> {
  override has(): boolean {
    return true
  }
}

class RandomBuilder extends ModelBuilder {
  private readonly random = randomFrom(1)

  constructor(name: string, prefix: string) {
    super(name, { file: 'random weights', tensors: new EveryTensor() }, { prefix })
  }

  override weight(path: string, shape: readonly number[], tie?: string): Value {
    return this.parameter({ name: this.storedName(path)!, tie }, this.draw(path, shape))
  }

  /** Norms scale by about one, so that no layer drowns its input; the rest is as small as trained weights. */
  private draw(path: string, shape: readonly number[]): Tensor {
    const size = shape.reduce((product, dim) => product * dim, 1)
    const middle = shape.length === 1 && path.endsWith('.weight') ? 1 : 0
    const values = new Float32Array(size).map(() => middle + (this.random.uniform() - 0.5) * 0.08)
    return inlineTensor('float32', shape, values)
  }
}

/** The logical graph of the model that `json` describes, with random weights. @param classes of the head. */
export function randomModel(
  json: Readonly<Record<string, unknown>>,
  head: Task = 'feature-extraction',
  classes = 0,
): Graph {
  const config: ModelConfig = { file: 'config.json', json }
  const family = familyOf(config)
  const b = new RandomBuilder(family.type, family.prefix)
  const outputs = family.heads[head](b, family.encode(b, family.dims(config)), classes)
  for (const [name, value] of Object.entries(outputs)) b.output(name, value)
  return b.build()
}
