/** Whether a student can learn from its teacher: both read the same tokens and answer the same. */
import { loadTokenizer } from '../data/tokenizer.ts'
import { LimbeckError } from '../errors.ts'
import { type TrainingTask, trainingTask } from '../fit/training-task.ts'
import type { ModelFolder } from '../hub/model-folder.ts'
import { describeModel } from '../models/build-model.ts'
import type { LoadedModel } from './load.ts'
import type { ModelForTask } from './train-model.ts'

/** @throws LimbeckError where a teacher does not answer a task. */
export function checkTeacher(teacher: LoadedModel, task: TrainingTask): void {
  const wanted = trainingTask(task)
  if (teacher.task !== wanted.model) {
    throw new LimbeckError(
      'usage',
      `${teacher.folder.path} is a model for ${teacher.task}; it cannot teach ${task}.`,
      { hint: 'Train it for the task first: limbeck train.' },
    )
  }
  if (wanted.model === 'feature-extraction' && !teacher.folder.pooling) {
    throw new LimbeckError(
      'input',
      `${teacher.folder.path} does not say how its tokens become one vector; it cannot teach ${task}.`,
      { hint: 'Take a folder of sentence-transformers, with modules.json.' },
    )
  }
}

/** @throws LimbeckError where both do not answer with the same labels. */
export function checkLabels(teacher: LoadedModel, { model }: ModelForTask): void {
  if (teacher.labels.join('\n') === model.labels.join('\n')) return
  throw new LimbeckError(
    'input',
    `teacher and student have different labels: ${teacher.labels.join(', ')} and ${model.labels.join(', ')}.`,
    { hint: 'Name the labels of the data as the teacher does, with --label-map.' },
  )
}

/** A text that tells vocabularies apart. */
const PROBE = 'The quick brown fox, 1234 jumped over Zoë’s naïve café — unbelievably!'

/** @throws LimbeckError where the same text is not the same tokens to both. */
export async function checkVocabulary(
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
