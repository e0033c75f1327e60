/** How one model teaches another: what is learned, and whether its answers are made once or in every step. */
import { LimbeckError } from '../errors.ts'
import { type TrainingTask, trainingTask } from '../fit/training-task.ts'
import { inferTypes } from '../ops/infer-types.ts'
import { checkDistillation, distillLoss, STAGE } from '../train/distill-loss.ts'
import type { DistillMethod, DistillMethodName } from '../train/distill-methods.ts'
import { layerMap } from '../train/layer-map.ts'
import { type AnswerKind, type AnswerRows, answerRows } from '../train/teacher-answers.ts'
import { checkStudent } from './check-student.ts'
import type { LoadedModel } from './load.ts'
import { checkTaughtTexts, type TaughtTextsOptions, taughtTexts } from './taught-texts.ts'
import { teacherCache } from './teacher-cache.ts'
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
    title: (student, task) => `${student}, distilled from ${teacher.folder.name} for ${task}`,
    check(student) {
      checkStudent(teacher, student)
      checkDistillation(method, teacher.dims, student.model.dims)
      layersOf(student)
      if (shares) checkCache(name, method, student.task)
      checkTaughtTexts(options, student.task, name, method)
    },
    ...((options.augment ?? options.unlabelled) !== undefined && {
      texts: (data, student, { seed }) => taughtTexts(teacher, data, student, seed, options),
    }),
    async begin({ task, model, columns, settings, data, plan }) {
      const kind = kinds[task]
      const rows = inner ? undefined : answerRows[kind]
      // who sees each text once asks the teacher once anyway
      const given =
        rows && (shares || plan.epochs > 1)
          ? { rows, width: answerWidth(teacher, rows) }
          : undefined
      const { training, feeds } = data
      return {
        inputs: given ? [] : teacher.graph.inputs.map((input) => input.name),
        loss: (b, outputs, graph) =>
          distillLoss(b, outputs, graph, {
            ...{ method, teacher, student: model.dims, kind, given, seed: settings.seed },
            map: layersOf({ task, model, columns }),
            ownLoss: (own, answers) => trainingTask(task).loss(own, answers, settings),
          }),
        answers:
          given &&
          (await teacherCache({
            ...{ ...given, teacher, examples: training.examples, padId: feeds.padId },
            ...{ shared, threads: settings.threads, signal, progress },
            temperature: hasRest(kind, method) ? method.answers.temperature : undefined,
          })),
        feeds(step, steps) {
          if (!method.twoStages) return {}
          const stage = Float32Array.of(step < steps / 2 ? 1 : 0)
          return { [STAGE]: { dtype: 'float32', shape: [], data: stage } }
        },
      }
    },
  }
}

/** Whether the probabilities of the highest classes and the rest of them say what is learned. */
const hasRest = (kind: AnswerKind, { answers }: DistillMethod): boolean =>
  (kind === 'classes' || kind === 'tokens') && answers.loss !== 'error'

/** Numbers that the teacher answers a text or token with. */
function answerWidth({ graph, labels }: LoadedModel, { outputs: [name, other] }: AnswerRows) {
  if (name === 'logits') return labels.length
  if (other !== undefined) return 2
  const { value } = graph.outputs.find((output) => output.name === name)!
  return inferTypes(graph).get(value)!.shape!.at(-1) as number
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
