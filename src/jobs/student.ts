/**
 * The student of a distillation, as a model folder: some of the teacher's layers, a model that stands
 * somewhere, or a shape such as `2x128` (layers × width) with the teacher's vocabulary and drawn weights.
 *
 * A shape has the teacher's number of heads where they can be 16 wide (TinyBERT, MiniLM), else heads of 64; its
 * feed-forward network is four times as wide (1,200 for 312, TinyBERT's).
 */
import { join } from 'node:path'
import { LimbeckError } from '../errors.ts'
import type { ModelFolder } from '../hub/model-folder.ts'
import { describeModel } from '../models/build-model.ts'
import type { ModelConfig } from '../models/config.ts'
import { keptLayers, saysLayers } from '../models/kept-layers.ts'
import { writeDrawn } from './drawn-model.ts'
import { type FindOptions, findModel } from './find-model.ts'
import { writeWithLayers } from './prune.ts'

const shape = /^(\d+)[x×](\d+)$/

/** Keys of `config.json` for each size; those are set that the teacher's has. */
const sizeKeys = {
  layers: ['num_hidden_layers', 'n_layers'],
  width: ['hidden_size', 'dim', 'embedding_size'],
  heads: ['num_attention_heads', 'n_heads'],
  inner: ['intermediate_size', 'hidden_dim'],
} as const

/** Families whose configuration says all of a student by these sizes. */
const plain = ['bert', 'roberta', 'xlm-roberta', 'distilbert', 'electra']

/** Writes the student where it does not stand yet, and gives its folder. @param scratch for what is written. */
export async function studentFolder(
  student: string,
  teacher: ModelFolder,
  seed: number,
  scratch: string,
  options: FindOptions,
): Promise<string> {
  const target = join(scratch, `${teacher.name}-${student.replaceAll(/[,×\s]+/g, '-')}`)
  const { layers } = describeModel(teacher.config, teacher.pooling).dims
  if (saysLayers(student)) {
    writeWithLayers(teacher.path, keptLayers(student, layers), target)
    return target
  }
  const [, deep, wide] = shape.exec(student.trim()) ?? []
  if (deep === undefined) return (await findModel(student, options)).path
  const config = shapedConfig(teacher, Number(deep), Number(wide))
  writeDrawn({ ...teacher, config }, seed, target)
  return target
}

/** The teacher's configuration with other sizes. */
function shapedConfig(teacher: ModelFolder, layers: number, width: number): ModelConfig {
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
  const heads = own ? dims.heads : width / 64
  if (layers < 1 || !Number.isInteger(heads) || heads < 1) {
    throw new LimbeckError(
      'usage',
      `--student ${layers}x${width}: expected a width that ${dims.heads} heads of 16 or more, or heads of 64, divide.`,
      { hint: 'Take 2x128, 4x312 or 6x384.' },
    )
  }
  const sizes = { layers, width, heads, inner: width === 312 ? 1200 : 4 * width }
  const json: Record<string, unknown> = { ...config.json }
  for (const [size, keys] of Object.entries(sizeKeys)) {
    for (const key of keys) {
      if (json[key] !== undefined) json[key] = sizes[size as keyof typeof sizes]
    }
  }
  return { file: config.file, json }
}
