/**
 * The student of a distillation, as a model folder: some of the teacher's layers, a model that stands
 * somewhere, or a shape such as `2x128`, which begins with the teacher's weights made narrower.
 */
import { join } from 'node:path'
import type { ModelFolder } from '../hub/model-folder.ts'
import { describeModel } from '../models/build-model.ts'
import { keptLayers, saysLayers } from '../models/kept-layers.ts'
import { writeDrawn, writeModel } from './drawn-model.ts'
import { type FindOptions, findModel } from './find-model.ts'
import { writeWithLayers } from './prune.ts'
import { shapedConfig, shapeOf } from './student-shape.ts'
import { type StudentWeightsOptions, studentWeights } from './student-weights.ts'

export interface StudentOptions extends StudentWeightsOptions, FindOptions {
  readonly seed: number
  /** What is written lies there. */
  readonly scratch: string
}

/** Writes the student where it does not stand yet, and gives its folder. */
export async function studentFolder(
  student: string,
  teacher: ModelFolder,
  options: StudentOptions,
): Promise<string> {
  const target = join(options.scratch, `${teacher.name}-${student.replaceAll(/[,×\s]+/g, '-')}`)
  if (saysLayers(student)) {
    const { layers } = describeModel(teacher.config, teacher.pooling).dims
    writeWithLayers(teacher.path, keptLayers(student, layers), target)
    return target
  }
  const shape = shapeOf(student)
  if (!shape) return (await findModel(student, options)).path
  const config = shapedConfig(teacher, shape)
  const tensors = await studentWeights(teacher.path, config, options)
  if (tensors) writeModel({ ...teacher, config }, { file: student, tensors }, target)
  else writeDrawn({ ...teacher, config }, options.seed, target)
  return target
}
