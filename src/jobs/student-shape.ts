/**
 * The configuration of a student of another shape, `2x128` (layers × width), with the teacher's vocabulary.
 *
 * It has the teacher's number of heads where they can be 16 wide (TinyBERT, MiniLM), else heads as wide as the
 * teacher's or 64; its feed-forward network is as many times as wide as the teacher's (1,200 for 312, TinyBERT's).
 */
import { LimbeckError } from '../errors.ts'
import type { ModelFolder } from '../hub/model-folder.ts'
import { describeModel } from '../models/build-model.ts'
import type { ModelConfig } from '../models/config.ts'

/** Layers and width of a student. */
export interface Shape {
  readonly layers: number
  readonly width: number
}

/** A shape as users write it; undefined for what is none. */
export function shapeOf(text: string): Shape | undefined {
  const [, layers, width] = /^(\d+)[x×](\d+)$/.exec(text.trim()) ?? []
  return layers === undefined ? undefined : { layers: Number(layers), width: Number(width) }
}

/** Keys of `config.json` for each size; those are set that the teacher's has. */
const sizeKeys = {
  layers: ['num_hidden_layers', 'n_layers'],
  width: ['hidden_size', 'dim', 'embedding_size'],
  heads: ['num_attention_heads', 'n_heads'],
  inner: ['intermediate_size', 'hidden_dim'],
} as const

/** Families whose configuration says all of a student by these sizes. */
const plain = ['bert', 'roberta', 'xlm-roberta', 'distilbert', 'electra']

/** The teacher's configuration with other sizes. */
export function shapedConfig(teacher: ModelFolder, { layers, width }: Shape): ModelConfig {
  const { config, pooling } = teacher
  const { family, dims } = describeModel(config, pooling)
  if (!plain.includes(family.type)) {
    throw new LimbeckError(
      'usage',
      `--student ${layers}x${width}: a shape is made for teachers of ${plain.join(', ')}, and this is ${family.type}.`,
      { hint: 'Give --student a model folder, or layers such as every-second.' },
    )
  }
  const own = width % dims.heads === 0 && width / dims.heads >= 16
  const heads = own
    ? dims.heads
    : [dims.hidden / dims.heads, 64].map((size) => width / size).find(Number.isInteger)
  if (layers < 1 || !heads) {
    throw new LimbeckError(
      'usage',
      `--student ${layers}x${width}: expected a width that ${dims.heads} heads of 16 or more, or heads of ${dims.hidden / dims.heads} or 64, divide.`,
      { hint: 'Take 2x128, 4x312 or 6x384.' },
    )
  }
  const times = dims.intermediate / dims.hidden
  const inner = width === 312 && times === 4 ? 1200 : Math.round(times * width)
  const sizes = { layers, width, heads, inner }
  const json: Record<string, unknown> = { ...config.json }
  for (const [size, keys] of Object.entries(sizeKeys)) {
    for (const key of keys) {
      if (json[key] !== undefined) json[key] = sizes[size as keyof typeof sizes]
    }
  }
  return { file: config.file, json }
}
