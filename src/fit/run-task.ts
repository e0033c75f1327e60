/**
 * What `run` can do with one text: one table row a task, with the models it is for.
 */
import { sigmoid, softmax } from '../data/logits.ts'
import { LimbeckError, nearest } from '../errors.ts'
import type { ModelInfo } from '../models/build-model.ts'
import type { Task } from '../models/family.ts'
import type { Answer, Asked, Question, RunInput } from './answer.ts'
import { fillMasks } from './fill-mask.ts'
import { questioner } from './question-answering.ts'
import { rankDocuments } from './rank-documents.ts'
import { entitiesInText } from './token-classification.ts'
import { zeroShot } from './zero-shot.ts'

interface RunTaskRow {
  readonly models: readonly Task[]
  /** The part of a question that this task alone takes, and needs. */
  readonly needs?: 'candidates' | 'documents'
  readonly ask: (asked: Asked) => RunInput
}

/** The text, or pair, as one encoding. */
const one =
  (read: (row: Float32Array, model: ModelInfo) => Answer) =>
  ({ model, tokenizer, text, textPair, maxLength }: Asked): RunInput => ({
    encodings: [tokenizer.encode(text, textPair, { maxLength })],
    read: ([rows]) => read(rows![0]!, model),
  })

const runTasks = {
  'text-classification': { models: ['sequence-classification'], ask: one(classify) },
  'token-classification': { models: ['token-classification'], ask: findEntities },
  'question-answering': { models: ['question-answering'], ask: answerQuestion },
  'fill-mask': { models: ['masked-lm'], ask: fillMasks },
  embeddings: {
    models: ['feature-extraction'],
    ask: one((row) => ({ kind: 'vector', vector: Array.from(row) })),
  },
  'zero-shot': {
    models: ['sequence-classification', 'feature-extraction'],
    needs: 'candidates',
    ask: zeroShot,
  },
  // the documents given are all there are: to rank them is to search among them
  retrieval: { models: ['feature-extraction'], needs: 'documents', ask: rankDocuments },
  reranking: {
    models: ['sequence-classification', 'feature-extraction'],
    needs: 'documents',
    ask: rankDocuments,
  },
} as const satisfies Readonly<Record<string, RunTaskRow>>

/** Name of a task of `run`. */
export type RunTask = keyof typeof runTasks

/** Short names that people type. */
const shortNames: Readonly<Record<string, RunTask>> = {
  qa: 'question-answering',
  ner: 'token-classification',
  rerank: 'reranking',
}

/** What runs for a question. */
export const askModel = (task: RunTask, asked: Asked): RunInput => runTasks[task].ask(asked)

/**
 * The task of a question to a model: the given one, or what the question's parts and the model say.
 * @throws LimbeckError `usage` where they do not fit together.
 */
export function chooseRunTask(
  model: Pick<ModelInfo, 'task'>,
  question: Pick<Question, 'candidates' | 'documents'>,
  given?: string,
): RunTask {
  const rows = Object.entries(runTasks) as [RunTask, RunTaskRow][]
  const isFor = ([, row]: [RunTask, RunTaskRow]) => row.models.includes(model.task)
  const part = (['candidates', 'documents'] as const).find((name) => question[name] !== undefined)
  const named = given === undefined ? undefined : namedTask(given)
  const found = named ?? rows.find((row) => isFor(row) && row[1].needs === part)?.[0]
  if (found === undefined) {
    throw new LimbeckError('usage', `a ${model.task} model does not take --${part}.`)
  }
  const row: RunTaskRow = runTasks[found]
  if (!isFor([found, row])) {
    throw new LimbeckError('usage', `--task ${given} does not fit a ${model.task} model.`, {
      hint: `It is for ${row.models.join(' or ')} models.`,
    })
  }
  if (part !== undefined && row.needs !== part) {
    throw new LimbeckError('usage', `--${part} does not belong to the task ${found}.`)
  }
  return found
}

function namedTask(given: string): RunTask {
  const name = Object.hasOwn(shortNames, given) ? shortNames[given]! : given
  if (Object.hasOwn(runTasks, name)) return name as RunTask
  const known = Object.keys(runTasks)
  const near = nearest(given, known)
  throw new LimbeckError('usage', `--task ${given} is not known; known are ${known.join(', ')}.`, {
    ...(near && { hint: `Did you mean ${near}?` }),
  })
}

function classify(row: Float32Array, { problemType, labels }: ModelInfo): Answer {
  if (problemType === 'regression' || labels.length === 1) return { kind: 'value', value: row[0]! }
  const isMulti = problemType === 'multi_label_classification'
  const scores = isMulti ? Array.from(row, sigmoid) : Array.from(softmax(row))
  const named = scores.map((score, i) => ({ label: labels[i]!, score }))
  return { kind: 'labels', labels: named.sort((a, b) => b.score - a.score) }
}

function findEntities({ model, tokenizer, text, maxLength }: Asked): RunInput {
  const encoding = tokenizer.encodeWithOffsets(text, { maxLength })
  return {
    encodings: [encoding],
    read: ([rows]) => ({
      kind: 'entities',
      entities: entitiesInText(text, encoding, rows!, model.labels, tokenizer),
    }),
  }
}

function answerQuestion({ tokenizer, text, textPair, maxLength }: Asked): RunInput {
  if (textPair === undefined) {
    throw new LimbeckError('usage', 'a question is answered from a context, and none is given.', {
      hint: 'Give it as the second text, or with --context.',
    })
  }
  const { windows, answer } = questioner(tokenizer)(text, textPair, { maxLength })
  const encodings = windows.map(({ encoding }) => encoding)
  return { encodings, read: (rows) => ({ kind: 'span', ...answer(rows) }) }
}
