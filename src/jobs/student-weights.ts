/** The first weights of a student of another shape: its teacher's, narrower. */
import { LimbeckError } from '../errors.ts'
import { calibrationBatches } from '../fit/calibration-batches.ts'
import { chooseTrainingTask } from '../fit/choose-training-task.ts'
import type { DataOptions } from '../fit/measured-text.ts'
import { narrowTeacher } from '../fit/narrow-teacher.ts'
import type { StudentInit } from '../fit/student-inits.ts'
import { teacherMoments } from '../fit/teacher-moments.ts'
import { trainingTask } from '../fit/training-task.ts'
import type { Tensor } from '../graph/tensor.ts'
import { nodeFiles } from '../hub/node-files.ts'
import { describeModel } from '../models/build-model.ts'
import type { ModelConfig } from '../models/config.ts'
import type { TextDims } from '../models/family.ts'
import { tensorReader } from '../onnx/materialize.ts'
import type { Progress } from '../report/progress.ts'
import { formatCount } from '../report/units.ts'
import { layerMap } from '../train/layer-map.ts'
import { load, tokenizerOf } from './load.ts'
import { maxLengthOf } from './model-limits.ts'

export interface StudentWeightsOptions {
  /** Default `svd` where the teacher is wider and has as many layers at least, else `random`. */
  readonly init?: StudentInit | undefined
  /** Which layer of the teacher each layer of the student begins as, and learns from; default `uniform`. */
  readonly layerMap?: string | undefined
  /** Texts by which directions, heads and neurons are chosen. */
  readonly data?: DataOptions | undefined
  readonly maxLength?: number | undefined
  readonly threads?: number | undefined
  readonly signal?: AbortSignal | undefined
  readonly progress?: Progress | undefined
}

/** Texts that the teacher is looked at on. */
const SAMPLES = 128

/** The teacher's weights (a model folder) for a student of this configuration; undefined where they are to be drawn. */
export async function studentWeights(
  path: string,
  config: ModelConfig,
  options: StudentWeightsOptions,
): Promise<ReadonlyMap<string, Tensor> | undefined> {
  const teacher = load(path)
  const { dims } = describeModel(config)
  const { data } = options
  const reason = data ? whyNot(teacher.dims, dims) : 'there are no texts'
  const { init = reason === undefined ? 'svd' : 'random', signal, progress, threads } = options
  if (init === 'random') return undefined
  if (reason !== undefined || !data) {
    throw new LimbeckError('usage', `--init ${init}: ${reason}.`, {
      hint: 'Take another --student, or --init random.',
    })
  }
  const layers = layerMap(options.layerMap ?? 'uniform', teacher.dims.layers, dims.layers)
  const { read } = tensorReader(nodeFiles)
  const step = progress?.step('Narrowing the teacher')
  try {
    const tokenizer = await tokenizerOf(teacher)
    const length = maxLengthOf(teacher, tokenizer, options.maxLength)
    const embeds = teacher.folder.pooling !== undefined
    const { task } = await chooseTrainingTask({ ...teacher, embeds }, data)
    const texts = { ...data, task: trainingTask(task).data }
    const text = await calibrationBatches(texts, teacher, tokenizer, length, SAMPLES)
    const moments = await teacherMoments(teacher.graph, text.batches, {
      ...{ layers, tokens: text.tokens, read, threads, signal },
      onBatch: (done) => step?.update(done, `text ${formatCount(done)} of ${text.batches.length}`),
    })
    const tensors = await narrowTeacher(teacher.graph, {
      ...{ how: init, layers, teacher: teacher.dims, student: dims, moments, read },
      signal,
    })
    step?.done(`layers ${layers.join(', ')}, by ${formatCount(text.samples)} texts`)
    return tensors
  } catch (error) {
    step?.fail()
    throw error
  }
}

/** Why a teacher cannot be made narrower to these sizes. */
function whyNot(teacher: TextDims, student: TextDims): string | undefined {
  const headWidth = ({ hidden, heads }: TextDims) => hidden / heads
  if (teacher.embedding !== teacher.hidden) return 'the teacher has embeddings of another width'
  if (student.layers > teacher.layers) return `the teacher has ${teacher.layers} layers`
  if (student.hidden > teacher.hidden) return `the teacher is ${teacher.hidden} wide`
  if (headWidth(student) > headWidth(teacher) || student.heads > teacher.heads) {
    return `the teacher has ${teacher.heads} heads of ${headWidth(teacher)}, the student ${student.heads} of ${headWidth(student)}`
  }
  return undefined
}
