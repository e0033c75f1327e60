/** How one model teaches another: what is learned, and whether its answers are made once or in every step. */
import { LimbeckError } from '../errors.ts'
import { secondStage } from '../fit/schedule.ts'
import type { TrainingSet } from '../fit/training-set.ts'
import { type TrainingTask, trainingTask } from '../fit/training-task.ts'
import type { Graph } from '../graph/graph.ts'
import type { BuiltModel } from '../models/build-model.ts'
import { inferTypes } from '../ops/infer-types.ts'
import { checkDistillation, distillLoss, STAGE } from '../train/distill-loss.ts'
import type { DistillMethod, DistillMethodName } from '../train/distill-methods.ts'
import { layerMap } from '../train/layer-map.ts'
import { type AnswerKind, type AnswerRows, answerRows } from '../train/teacher-answers.ts'
import { checkLabels, checkTeacher } from './check-student.ts'
import type { LoadedModel } from './load.ts'
import { checkTaughtTexts, type TaughtTextsOptions, taughtTexts } from './taught-texts.ts'
import { teacherCache } from './teacher-cache.ts'
import type { JudgeLoss } from './train-judge.ts'
import type { ModelForTask } from './train-model.ts'
import type { Teaching } from './train-prepare.ts'

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
  'sentence-vectors': 'vectors',
}

interface LessonOptions extends TaughtTextsOptions {
  /** Folder that keeps the teacher's answers for other runs. */
  readonly teacherCache?: string | undefined
}

export interface Lesson {
  readonly teacher: LoadedModel
  readonly method: DistillMethod
  readonly name: DistillMethodName
  readonly map: string
  readonly recipe: Readonly<Record<string, unknown>>
  readonly options: LessonOptions
}

/** @throws LimbeckError where a task cannot be taught so, whoever learns. */
export function checkLesson(
  { teacher, method, name, options }: Pick<Lesson, 'teacher' | 'method' | 'name' | 'options'>,
  task: TrainingTask,
): void {
  checkMethod(name, method, task)
  checkTeacher(teacher, task)
  if (options.teacherCache !== undefined) checkCache(name, method, task)
  checkTaughtTexts(options, task, name, method)
}

/** @throws LimbeckError, from `check`, where the student cannot learn from the teacher. */
export function teachingOf({ teacher, method, name, map, recipe, options }: Lesson): Teaching {
  const inner = Object.keys(method.inner).length > 0
  const layersOf = ({ model }: ModelForTask) =>
    inner ? layerMap(map, teacher.dims.layers, model.dims.layers) : []
  const { teacherCache: shared, signal, progress } = options
  const shares = shared !== undefined
  return {
    recipe,
    origin: { role: 'teacher', name: teacher.folder.name, model: teacher },
    twoStages: method.twoStages ?? false,
    title: (student, task) => `${student}, distilled from ${teacher.folder.name} for ${task}`,
    check(student) {
      checkLesson({ teacher, method, name, options }, student.task)
      checkLabels(teacher, student)
      checkDistillation(method, teacher.dims, student.model.dims)
      layersOf(student)
    },
    ...((options.augment ?? options.unlabelled) !== undefined && {
      texts: (data, student, { seed }) => taughtTexts(teacher, data, student, seed, options),
    }),
    async begin({ task, model, columns, settings, data, plan }) {
      const kind = kinds[task]
      const rows = inner ? undefined : answerRows[kind]
      const made = rows && { rows, width: answerWidth(teacher, rows) }
      // who sees each text once asks the teacher once anyway
      const given = shares || plan.epochs > 1 ? made : undefined
      const widths = kind === 'vectors' ? vectorWidths(teacher, model) : undefined
      const lossOf =
        (answers: typeof made): JudgeLoss =>
        (b, outputs, graph) =>
          distillLoss(b, outputs, graph, {
            ...{ method, teacher, student: model.dims, kind, widths, seed: settings.seed },
            given: answers,
            map: layersOf({ task, model, columns }),
            ownLoss: (own, all) => trainingTask(task).loss(own, all, settings),
          })
      const cacheOf = (
        answers: NonNullable<typeof made>,
        { examples }: TrainingSet,
        title: string,
      ) =>
        teacherCache({
          ...{ ...answers, teacher, examples, title, padId: data.feeds.padId },
          ...{ shared, threads: settings.threads, signal, progress },
          temperature: hasRest(kind, method) ? method.answers.temperature : undefined,
        })
      const dev = task === 'sentence-vectors' ? (data.dev as TrainingSet | undefined) : undefined
      return {
        inputs: given ? [] : teacher.graph.inputs.map((input) => input.name),
        loss: lossOf(given),
        answers: given && (await cacheOf(given, data.training, 'Asking the teacher')),
        judged: made &&
          dev && {
            loss: lossOf(made),
            answers: await cacheOf(made, dev, 'Asking it about dev texts'),
          },
        feeds(step, steps) {
          if (!method.twoStages) return {}
          const stage = Float32Array.of(step < secondStage(steps) ? 1 : 0)
          return { [STAGE]: { dtype: 'float32', shape: [], data: stage } }
        },
      }
    },
  }
}

/** What data without answers is, where a method says it. */
export const taskOf = ({ answers }: DistillMethod, task: string | undefined): string | undefined =>
  answers.loss === 'cosine' && (task === undefined || task === 'embeddings')
    ? 'sentence-vectors'
    : task

/** Whether the probabilities of the highest classes and the rest of them say what is learned. */
const hasRest = (kind: AnswerKind, { answers }: DistillMethod): boolean =>
  (kind === 'classes' || kind === 'tokens') && answers.loss !== 'error'

/** Numbers that the teacher answers a text or token with. */
function answerWidth({ graph, labels }: LoadedModel, { outputs: [name, other] }: AnswerRows) {
  if (name === 'logits') return labels.length
  return other === undefined ? widthOf(graph, name!) : 2
}

const vectorWidths = (teacher: Pick<BuiltModel, 'graph'>, student: Pick<BuiltModel, 'graph'>) => ({
  student: widthOf(student.graph, 'sentence_embedding'),
  teacher: widthOf(teacher.graph, 'sentence_embedding'),
})

function widthOf(graph: Graph, output: string): number {
  const { value } = graph.outputs.find(({ name }) => name === output)!
  return inferTypes(graph).get(value)!.shape!.at(-1) as number
}

/** @throws LimbeckError where a method learns what a task has not. */
function checkMethod(name: string, { answers }: DistillMethod, task: TrainingTask): void {
  if (answers.loss !== 'cosine' || kinds[task] === 'vectors') return
  throw new LimbeckError(
    'usage',
    `--method ${name} learns sentence vectors, and ${task} has none.`,
    { hint: 'Take --method logits, or a teacher of sentence-transformers.' },
  )
}

/** @throws LimbeckError where a run has no answers to share. */
function checkCache(name: string, { inner }: DistillMethod, task: TrainingTask): void {
  const reads = Object.keys(inner).length > 0
  if (!reads && answerRows[kinds[task]]) return
  throw new LimbeckError(
    'usage',
    reads
      ? `--teacher-cache and --method ${name} do not go together: it learns from inner layers, which are too large to keep.`
      : `--teacher-cache and ${task} do not go together: other tokens are masked in every epoch.`,
    { hint: 'Leave --teacher-cache out: the teacher then runs in every step.' },
  )
}
