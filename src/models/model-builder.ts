/**
 * A graph builder that knows a checkpoint: parameters by module path, with their shapes checked.
 *
 * Checkpoints name a parameter with or without the family's prefix (`bert.`), and old ones call a
 * norm's weight `gamma`; the builder tries what has been seen in the wild and says what it missed.
 */
import { LimbeckError } from '../errors.ts'
import { ints } from '../graph/attributes.ts'
import { GraphBuilder } from '../graph/builder.ts'
import type { Value } from '../graph/graph.ts'
import { casted, type Tensor } from '../graph/tensor.ts'

/** The tensors of a model folder and where they came from (for messages). */
export interface Checkpoint {
  readonly file: string
  readonly tensors: ReadonlyMap<string, Tensor>
  /** Makes a head's parameter that is not there in this shape; without it that is an error. */
  readonly make?: ((name: string, shape: readonly number[]) => Tensor) | undefined
  /** The base model's are made, too: a model that begins with nothing. */
  readonly makesBase?: boolean | undefined
}

/** What a builder knows of the base model in checkpoints with a head. */
export interface BaseNames {
  /** Its attribute (`bert`), without the dot. */
  readonly prefix: string
  /** Module of it that heads alone read. */
  readonly pooler?: string | undefined
}

const legacySuffixes = [
  ['.weight', '.gamma'],
  ['.bias', '.beta'],
] as const

export class ModelBuilder extends GraphBuilder {
  private readonly checkpoint: Checkpoint
  private readonly base: BaseNames
  private readonly transposes = new Map<Value, Value>()
  private shared: { readonly origin: string; readonly module: string } | undefined
  private headOf: string | undefined

  constructor(name: string, checkpoint: Checkpoint, base: BaseNames) {
    super(name)
    this.checkpoint = checkpoint
    this.base = base
  }

  /**
   * Runs `body` at the module path `part`, with the parameters of `module` (relative to the base model):
   * layers that share weights are nodes of their own.
   */
  sharing<T>(part: string, module: string, body: () => T): T {
    return this.scope(part, () => {
      const before = this.shared
      this.shared = { origin: `${this.origin}.`, module: `${module}.` }
      try {
        return body()
      } finally {
        this.shared = before
      }
    })
  }

  /** Runs `body`, which writes the head of this architecture: a missing tensor is a missing head. */
  head<T>(architecture: string, body: () => T): T {
    this.headOf = architecture
    try {
      return body()
    } finally {
      this.headOf = undefined
    }
  }

  /** The name under which the checkpoint stores a parameter; undefined when it does not. */
  storedName(asked: string): string | undefined {
    const path = this.storedPath(asked)
    const { prefix } = this.base
    const names = [`${prefix}.${path}`, path]
    for (const [modern, legacy] of legacySuffixes) {
      if (path.endsWith(modern)) {
        const old = path.slice(0, -modern.length) + legacy
        names.push(`${prefix}.${old}`, old)
      }
    }
    return names.find((name) => this.checkpoint.tensors.has(name))
  }

  /** The parameter at `path` (relative to the base model, or a head's own), of exactly this shape. */
  weight(path: string, shape: readonly number[], tie?: string): Value {
    const name = this.storedName(path)
    const { make, makesBase } = this.checkpoint
    if (make && (makesBase || this.headOf !== undefined) && !this.isStored(name, shape)) {
      const own = name ?? (this.headOf === undefined ? this.baseName(path) : this.headName(path))
      return this.parameter({ name: own, tie }, make(own, shape))
    }
    if (name === undefined) {
      throw this.headOf === undefined
        ? this.missing(this.storedPath(path), shape)
        : this.missingHead(this.headOf, path, shape)
    }
    const tensor = this.checkpoint.tensors.get(name)!
    if (!this.isStored(name, shape)) {
      throw new LimbeckError(
        'input',
        `${this.checkpoint.file}: tensor ${name} has shape [${tensor.shape}], expected [${shape}] by config.json.`,
        { hint: 'Use the config.json and the weights of one and the same model.' },
      )
    }
    return this.parameter({ name, tie }, casted(tensor, 'float32'))
  }

  /** `Transpose(matrix)`, made once however many layers share the parameter. */
  transposed(matrix: Value): Value {
    const known = this.transposes.get(matrix)
    if (known) return known
    const turned = this.op('Transpose', [matrix], { perm: ints([1, 0]) })
    this.transposes.set(matrix, turned)
    return turned
  }

  private isStored(name: string | undefined, shape: readonly number[]): boolean {
    const stored = name === undefined ? undefined : this.checkpoint.tensors.get(name)?.shape
    return stored?.length === shape.length && stored.every((dim, i) => dim === shape[i])
  }

  /** What a checkpoint with this head calls a parameter that the head asks for. */
  private headName(path: string): string {
    const { prefix, pooler } = this.base
    return pooler !== undefined && path.startsWith(`${pooler}.`) ? `${prefix}.${path}` : path
  }

  /** What a checkpoint with a head calls a parameter of the base model. */
  private baseName(path: string): string {
    return `${this.base.prefix}.${this.storedPath(path)}`
  }

  private storedPath(path: string): string {
    const { origin, module } = this.shared ?? {}
    return origin !== undefined && path.startsWith(origin)
      ? module + path.slice(origin.length)
      : path
  }

  private missingHead(architecture: string, path: string, shape: readonly number[]): LimbeckError {
    const base = architecture.replace(/For[A-Z]\w*$/, 'Model')
    return new LimbeckError(
      'input',
      `${this.checkpoint.file}: the head of ${architecture}, which config.json names in architectures, is missing: there is no tensor ${path} (shape [${shape}]).`,
      {
        hint: `Use a checkpoint that was trained for this task, or set architectures to ["${base}"] for the base model alone.`,
      },
    )
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
