/**
 * `distill`: a teacher, a student and data in; the student, taught, out as `train` writes it. Teacher and
 * student run in one graph, so that every method can compare what is inside them.
 */
import { loadTokenizer } from '../data/tokenizer.ts'
import { LimbeckError } from '../errors.ts'
import { type TrainingTask, trainingTask } from '../fit/training-task.ts'
import { type ModelFolder, openModelFolder } from '../hub/model-folder.ts'
import { withScratchFolder } from '../hub/scratch-folder.ts'
import { describeModel } from '../models/build-model.ts'
import { checkDistillation, distillLoss, STAGE } from '../train/distill-loss.ts'
import {
  type DistillMethod,
  type DistillMethodName,
  distillMethods,
} from '../train/distill-methods.ts'
import { layerMap } from '../train/layer-map.ts'
import type { AnswerKind } from '../train/teacher-answers.ts'
import { findModel } from './find-model.ts'
import { sha256 } from './lineage.ts'
import { type LoadedModel, load } from './load.ts'
import { requireFile } from './require-file.ts'
import { studentFolder } from './student.ts'
import { type TrainOptions, type TrainResult, trainFolder } from './train.ts'
import type { ModelForTask } from './train-model.ts'
import type { Teaching } from './train-prepare.ts'
import { type TrainSettings, trainSettings } from './train-settings.ts'

export interface DistillOptions extends Omit<TrainOptions, 'model' | 'fromScratch'> {
  /** A model that has learned the task: folder with safetensors weights, or `org/name` of the Hub. */
  readonly teacher: string
  /** Layers of the teacher, a shape such as `2x128`, or a model folder; default `every-second`. */
  readonly student?: string | undefined
  /** Default `logits`. */
  readonly method?: DistillMethodName | undefined
  /** Which layer of the teacher each student layer learns from: `uniform` (default), `last`, or numbers. */
  readonly layerMap?: string | undefined
  /** Default as the method says. */
  readonly temperature?: number | undefined
}

const kinds: Readonly<Record<TrainingTask, AnswerKind>> = {
  'text-classification': 'classes',
  'pair-classification': 'classes',
  'multi-label-classification': 'independent',
  regression: 'numbers',
  'token-classification': 'tokens',
  'question-answering': 'spans',
  'fill-mask': 'masked',
  similarity: 'vectors',
  embeddings: 'vectors',
}

/**
 * Teaches a student what a teacher knows, and writes it as `train` does.
 * @throws LimbeckError for bad input, a student that cannot learn from this teacher, or cancellation.
 * @example
 * await distill({
 *   teacher: './my-classifier',
 *   student: '2x128',
 *   data: { file: 'train.tsv' },
 *   dev: 'dev.tsv',
 *   output: './my-small-classifier',
 * })
 */
export function distill(options: DistillOptions): Promise<TrainResult> {
  return withStudent(options, (student, asked, settings, teaching) =>
    trainFolder(student, asked, settings, teaching),
  )
}

/** What learns from what: the student's folder, all that training takes, and the teaching. */
type WithStudent<T> = (
  student: string,
  options: TrainOptions,
  settings: TrainSettings,
  teaching: Teaching,
) => Promise<T>

/** Makes the student in a folder that stands as long as `body` runs. @throws LimbeckError as `distill`. */
export async function withStudent<T>(options: DistillOptions, body: WithStudent<T>): Promise<T> {
  const { student = 'every-second', method: name = 'logits', temperature } = options
  const settings = trainSettings(options)
  for (const file of [options.data.file, options.dev]) if (file !== undefined) requireFile(file)
  const row: DistillMethod = distillMethods[name]
  if (row.twoStages && options.patience !== undefined) {
    throw new LimbeckError(
      'usage',
      `--patience and --method ${name} do not go together: its first half is not for the metric.`,
      {
        hint: 'Leave --patience out.',
      },
    )
  }
  const method = { ...row, answers: { ...row.answers, ...(temperature && { temperature }) } }
  const { path } = await findModel(options.teacher, options)
  const teacher = load(path)
  const folder = openModelFolder(path)
  return withScratchFolder(async (scratch) => {
    const own = await studentFolder(student, folder, settings.seed, scratch, options)
    await checkVocabulary(folder, openModelFolder(own), teacher)
    const recipe = {
      verb: 'distill',
      ...{ teacher: folder.name, teacherWeights: await sha256(folder.weightsFile), student },
      ...{
        method: name,
        layerMap: options.layerMap ?? 'uniform',
        temperature: method.answers.temperature,
      },
    }
    const teaching = teachingOf(teacher, method, options.layerMap ?? 'uniform', recipe)
    const base = `${options.teacher}, student ${student}, method ${name}`
    return body(own, { ...options, model: base }, settings, teaching)
  })
}

function teachingOf(
  teacher: LoadedModel,
  method: DistillMethod,
  map: string,
  recipe: Readonly<Record<string, unknown>>,
): Teaching {
  return {
    recipe,
    title: (name, task) => `${name}, distilled from ${teacher.folder.name} for ${task}`,
    inputs: teacher.graph.inputs.map((input) => input.name),
    loss(student, settings) {
      checkStudent(teacher, student)
      const { model, task } = student
      checkDistillation(method, teacher.dims, model.dims)
      const inner = Object.keys(method.inner).length > 0
      const layers = inner ? layerMap(map, teacher.dims.layers, model.dims.layers) : []
      return (b, outputs, graph) =>
        distillLoss(b, outputs, graph, {
          ...{ method, teacher, student: model.dims, kind: kinds[task], seed: settings.seed },
          map: layers,
          ownLoss: (own, answers) => trainingTask(task).loss(own, answers, settings),
        })
    },
    feeds(step, steps) {
      if (!method.twoStages) return {}
      const data = Float32Array.of(step < steps / 2 ? 1 : 0)
      return { [STAGE]: { dtype: 'float32', shape: [], data } }
    },
  }
}

/** @throws LimbeckError where both do not answer the same. */
function checkStudent(teacher: LoadedModel, { task, model }: ModelForTask): void {
  const wanted = trainingTask(task)
  if (teacher.task !== wanted.model) {
    throw new LimbeckError(
      'usage',
      `${teacher.folder.path} is a model for ${teacher.task}; it cannot teach ${task}.`,
      { hint: 'Train it for the task first: limbeck train.' },
    )
  }
  if (teacher.labels.join('\n') === model.labels.join('\n')) return
  throw new LimbeckError(
    'input',
    `teacher and student have different labels: ${teacher.labels.join(', ')} and ${model.labels.join(', ')}.`,
    { hint: 'Name the labels of the data as the teacher does, with --label-map.' },
  )
}

/** A text that tells vocabularies apart. */
const PROBE = 'The quick brown fox, 1234 jumped over Zoë’s naïve café — unbelievably!'

async function checkVocabulary(
  teacher: ModelFolder,
  student: ModelFolder,
  { dims }: LoadedModel,
): Promise<void> {
  const vocab = describeModel(student.config, student.pooling).dims.vocab
  const tokenizers = await Promise.all([
    loadTokenizer(teacher.path, dims.vocab),
    loadTokenizer(student.path, vocab),
  ])
  const [a, b] = tokenizers.map((tokenizer) => tokenizer.encode(PROBE).ids.join())
  if (a === b && vocab === dims.vocab) return
  throw new LimbeckError(
    'input',
    `teacher and student have different vocabularies (${dims.vocab} and ${vocab} tokens): the same text is not the same tokens to both.`,
    { hint: 'Take a student with the tokenizer of its teacher, such as every-second or 2x128.' },
  )
}
