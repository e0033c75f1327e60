/**
 * What a student is taught on beside the data: variants of its texts, and texts without labels. Only the teacher says
 * what they mean; the labels of the data do not count for them.
 */
import { wordTokens } from '../data/word-tokens.ts'
import { LimbeckError } from '../errors.ts'
import { augmented, NEIGHBOURS } from '../fit/augment.ts'
import { IGNORED } from '../fit/mask-tokens.ts'
import { openTextStream } from '../fit/measured-text.ts'
import type { TrainingExample } from '../fit/training-set.ts'
import { type TrainingTask, trainingTask } from '../fit/training-task.ts'
import { wordNeighbours } from '../fit/word-neighbours.ts'
import { opKey } from '../graph/rewrite.ts'
import type { Tensor } from '../graph/tensor.ts'
import type { Progress } from '../report/progress.ts'
import { formatCount } from '../report/units.ts'
import type { DistillMethod } from '../train/distill-methods.ts'
import type { LoadedModel } from './load.ts'
import { requireFile } from './require-file.ts'
import type { TrainData } from './train-data.ts'
import type { ModelForTask } from './train-model.ts'

export interface TaughtTextsOptions {
  /** Variants of each training text, with words replaced by near ones. */
  readonly augment?: number | undefined
  /** File of texts without labels. */
  readonly unlabelled?: string | undefined
  readonly signal?: AbortSignal | undefined
  readonly progress?: Progress | undefined
}

/** Targets that no label counts in, where a loss of labels can leave examples out. */
const withoutLabels: Partial<Record<TrainingTask, (target: unknown) => unknown>> = {
  'text-classification': () => IGNORED,
  'pair-classification': () => IGNORED,
  'token-classification': (tags) => (tags as readonly number[]).map(() => IGNORED),
  'question-answering': () => [IGNORED, IGNORED],
}

/** Tasks that take other files than tables of texts. */
const apart: readonly TrainingTask[] = ['token-classification', 'question-answering']

/** @throws LimbeckError `usage` where a method and a task cannot do with texts without labels. */
export function checkTaughtTexts(
  { augment, unlabelled }: TaughtTextsOptions,
  task: TrainingTask,
  name: string,
  method: DistillMethod,
): void {
  if (augment === undefined && unlabelled === undefined) return
  const option = augment === undefined ? '--unlabelled' : '--augment'
  const refuse = (why: string, hint: string) => {
    throw new LimbeckError('usage', `${option} and ${why}`, { hint })
  }
  if (augment !== undefined && !(Number.isInteger(augment) && augment > 0)) {
    throw new LimbeckError('usage', `--augment ${augment}: expected a positive integer.`)
  }
  if (task === 'fill-mask') {
    refuse(
      'fill-mask do not go together: other words are masked in every epoch, and no text has a label.',
      'Leave it out; more texts belong into --data.',
    )
  }
  if (unlabelled !== undefined && apart.includes(task)) {
    refuse(`${task} do not go together: it learns from no plain texts.`, 'Take --augment.')
  }
  if (method.labels > 0 && !withoutLabels[task]) {
    refuse(
      `--method ${name} do not go together for ${task}: it learns from labels, which the new texts do not have.`,
      'Take --method soft-labels, logit-error or tinybert.',
    )
  }
}

/** The examples of the data, those without labels, and the variants of all. */
export async function taughtTexts(
  teacher: LoadedModel,
  { training, tokenizer, maxLength }: TrainData,
  { task, model }: ModelForTask,
  seed: number,
  { augment, unlabelled, signal, progress }: TaughtTextsOptions,
): Promise<readonly TrainingExample[]> {
  const free = withoutLabels[task] ?? ((target: unknown) => target)
  const examples = [...training.examples]
  if (unlabelled !== undefined) {
    const step = progress?.step('Reading texts without labels')
    const file = { file: requireFile(unlabelled) }
    const stream = await openTextStream(file, model, tokenizer, maxLength)
    const { rows } = trainingTask(task)
    for await (const { texts } of stream.examples()) {
      const own = rows === 2 && texts.length === 1 ? [texts[0]!, texts[0]!] : texts
      examples.push({ texts: own, target: free(training.examples[0]!.target) })
      if (signal?.aborted) throw new LimbeckError('cancelled', 'cancelled.')
    }
    step?.done(`${formatCount(examples.length - training.examples.length)} examples`)
  }
  if (augment === undefined) return examples
  const step = progress?.step('Finding near words')
  const words = wordTokens(tokenizer)
  const met = new Set<number>()
  for (const { texts } of examples) {
    for (const { ids } of texts) {
      ids.forEach((id, at) => {
        if (words.isWord(id, ids[at + 1])) met.add(id)
      })
    }
  }
  const of = [...met].sort((a, b) => a - b)
  const asked = { count: NEIGHBOURS, of, among: words.all, signal }
  const neighbours = await wordNeighbours(wordTable(teacher), asked)
  step?.done(`${NEIGHBOURS} of each of ${formatCount(of.length)} words`)
  return augmented(examples, { variants: augment, seed, words, neighbours }, free)
}

/** The teacher's table of words: what token ids are looked up in. */
function wordTable({ graph, folder }: LoadedModel): Tensor {
  const ids = graph.inputs.find(({ name }) => name === 'input_ids')?.value
  const lookup = graph.nodes.find((node) => opKey(node) === 'Gather' && node.inputs[1] === ids)
  const table = lookup && graph.weights.get(lookup.inputs[0]!)
  if (table) return table.tensor
  throw new LimbeckError(
    'input',
    `${folder.path}: it has no table of words, which near words are found by.`,
    { hint: 'Leave --augment out.' },
  )
}
