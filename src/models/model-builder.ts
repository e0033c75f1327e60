/**
 * A graph builder that knows a checkpoint: parameters by module path, with their shapes checked.
 *
 * Checkpoints name a parameter with or without the family's prefix (`bert.`), and old ones call a
 * norm's weight `gamma`; the builder tries what has been seen in the wild and says what it missed.
 */
import { LimbeckError } from '../errors.ts'
import { GraphBuilder } from '../graph/builder.ts'
import type { Value } from '../graph/graph.ts'
import { casted, type Tensor } from '../graph/tensor.ts'

/** The tensors of a model folder and where they came from (for messages). */
export interface Checkpoint {
  readonly file: string
  readonly tensors: ReadonlyMap<string, Tensor>
}

const legacySuffixes = [
  ['.weight', '.gamma'],
  ['.bias', '.beta'],
] as const

export class ModelBuilder extends GraphBuilder {
  private readonly checkpoint: Checkpoint
  private readonly prefix: string

  /** `prefix` is the base model's attribute in headed checkpoints (`bert`), without the dot. */
  constructor(name: string, checkpoint: Checkpoint, prefix: string) {
    super(name)
    this.checkpoint = checkpoint
    this.prefix = prefix
  }

  /** The name under which the checkpoint stores a parameter; undefined when it does not. */
  storedName(path: string): string | undefined {
    const names = [`${this.prefix}.${path}`, path]
    for (const [modern, legacy] of legacySuffixes) {
      if (path.endsWith(modern)) {
        const old = path.slice(0, -modern.length) + legacy
        names.push(`${this.prefix}.${old}`, old)
      }
    }
    return names.find((name) => this.checkpoint.tensors.has(name))
  }

  /** The parameter at `path` (relative to the base model, or a head's own), of exactly this shape. */
  weight(path: string, shape: readonly number[], tie?: string): Value {
    const name = this.storedName(path)
    if (name === undefined) throw this.missing(path, shape)
    const tensor = this.checkpoint.tensors.get(name)!
    if (tensor.shape.length !== shape.length || tensor.shape.some((dim, i) => dim !== shape[i])) {
      throw new LimbeckError(
        'input',
        `${this.checkpoint.file}: tensor ${name} has shape [${tensor.shape}], expected [${shape}] by config.json.`,
        { hint: 'Use the config.json and the weights of one and the same model.' },
      )
    }
    return this.parameter({ name, tie }, casted(tensor, 'float32'))
  }

  private missing(path: string, shape: readonly number[]): LimbeckError {
    const base = path.split('.').at(-2) ?? path
    const near = [...this.checkpoint.tensors.keys()].find((name) => name.includes(base))
    return new LimbeckError(
      'input',
      `${this.checkpoint.file}: tensor ${path} (shape [${shape}]) is missing${near ? `; the nearest name is ${near}` : ''}.`,
      { hint: 'Check that architectures and model_type in config.json belong to these weights.' },
    )
  }
}
