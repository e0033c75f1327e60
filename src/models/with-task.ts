/**
 * A model made ready for another task: the checkpoint's base model under the names that it has beside the
 * new head, and the configuration of the class that transformers would load.
 */
import type { Tensor } from '../graph/tensor.ts'
import type { ModelConfig } from './config.ts'
import type { Family, Task } from './family.ts'
import type { Checkpoint } from './model-builder.ts'

/** Endings of classes by task. */
const endings: Readonly<Record<Task, string>> = {
  'sequence-classification': 'ForSequenceClassification',
  'token-classification': 'ForTokenClassification',
  'question-answering': 'ForQuestionAnswering',
  'masked-lm': 'ForMaskedLM',
  'feature-extraction': 'Model',
}

/** What a model is to answer. */
export interface Answering {
  readonly task: Task
  /** Names of classes, in order; none for tasks without classes. */
  readonly labels: readonly string[]
  readonly problemType?: string | undefined
}

/** The configuration of the task's class: `architectures`, labels, `problem_type`. */
export function configFor(
  { file, json }: ModelConfig,
  { className }: Family,
  { task, labels, problemType }: Answering,
): ModelConfig {
  const { id2label: _, label2id: __, num_labels: ___, problem_type: ____, ...others } = json
  return {
    file,
    json: {
      ...others,
      architectures: [`${className}${endings[task]}`],
      ...(labels.length > 0 && {
        num_labels: labels.length,
        id2label: Object.fromEntries(labels.map((label, id) => [id, label])),
        label2id: Object.fromEntries(labels.map((label, id) => [label, id])),
      }),
      ...(problemType !== undefined && { problem_type: problemType }),
    },
  }
}

/**
 * The checkpoint under the names of the task's class: with the prefix of the base model beside a head,
 * without it in a base model alone. @param make gives parameters that a new head needs.
 */
export function checkpointFor(
  { file, tensors }: Checkpoint,
  { prefix }: Family,
  task: Task,
  make: NonNullable<Checkpoint['make']>,
): Checkpoint {
  const start = `${prefix}.`
  const isHeaded = [...tensors.keys()].some((name) => name.startsWith(start))
  const wantsHead = task !== 'feature-extraction'
  const renamed = (name: string): string => {
    if (wantsHead) return isHeaded ? name : start + name
    return name.startsWith(start) ? name.slice(start.length) : name
  }
  const own = new Map<string, Tensor>()
  for (const [name, tensor] of tensors) own.set(renamed(name), tensor)
  return { file, tensors: own, make }
}
