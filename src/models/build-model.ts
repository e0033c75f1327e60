/**
 * From a configuration and a checkpoint to the logical graph: family by `model_type`, head by
 * `architectures`.
 */
import { LimbeckError, nearest, showValue } from '../errors.ts'
import type { Graph } from '../graph/graph.ts'
import { albert } from './albert.ts'
import { bert } from './bert.ts'
import { labelsOf, type ModelConfig, textOf } from './config.ts'
import { debertaV2 } from './deberta-v2.ts'
import { distilbert } from './distilbert.ts'
import { electra } from './electra.ts'
import { checkLayers, type Family, type Task, type TextDims } from './family.ts'
import { mobilebert } from './mobilebert.ts'
import { type Checkpoint, ModelBuilder } from './model-builder.ts'
import { modernbert } from './modernbert.ts'
import { mpnet } from './mpnet.ts'
import { type Pooling, sentenceEmbedding } from './pooling.ts'
import { roberta, xlmRoberta } from './roberta.ts'

/** Every family that Limbeck builds, by `model_type`: one line each. */
const known: readonly Family[] = [
  albert,
  bert,
  debertaV2,
  distilbert,
  electra,
  mobilebert,
  modernbert,
  mpnet,
  roberta,
  xlmRoberta,
]

export const families: ReadonlyMap<string, Family> = new Map(known.map((f) => [f.type, f]))

/** Tasks by the ending of the class in `architectures`. */
const taskOfEnding: readonly (readonly [string, Task])[] = [
  ['ForSequenceClassification', 'sequence-classification'],
  ['ForTokenClassification', 'token-classification'],
  ['ForQuestionAnswering', 'question-answering'],
  ['ForMaskedLM', 'masked-lm'],
  ['ForPreTraining', 'masked-lm'],
  ['Model', 'feature-extraction'],
]

/** What a configuration says of a model. */
export interface ModelInfo {
  readonly family: Family
  readonly dims: TextDims
  readonly task: Task
  /** Class labels in order; empty for tasks without classes. */
  readonly labels: readonly string[]
  /** `problem_type`: single_label_classification, multi_label_classification, regression. */
  readonly problemType: string | undefined
}

/** A built model: its logical graph, and what was read from the configuration. */
export interface BuiltModel extends ModelInfo {
  readonly graph: Graph
}

export interface BuildOptions {
  readonly config: ModelConfig
  readonly checkpoint: Checkpoint
  /** Adds `sentence_embedding` to the base model's outputs. */
  readonly pooling?: Pooling | undefined
}

/** The family that a configuration names; the error lists the known ones. */
export function familyOf(config: ModelConfig): Family {
  const type = textOf(config, 'model_type', '')
  const family = families.get(type)
  if (family) return family
  const types = [...families.keys()]
  const near = nearest(type, types)
  throw new LimbeckError(
    'input',
    `${config.file}: model_type ${showValue(type)} is not known; known are ${types.join(', ')}.`,
    {
      hint: near ? `Did you mean ${near}?` : 'Use a model of one of these families.',
    },
  )
}

function architectureOf(config: ModelConfig): string | undefined {
  const [name] = Array.isArray(config.json.architectures) ? config.json.architectures : []
  return name === undefined || name === null
    ? undefined
    : typeof name === 'string'
      ? name
      : showValue(name)
}

/** The task that `architectures[0]` names; the base model when it says nothing. */
export function taskOf(config: ModelConfig, own: Family['tasks'] = {}): Task {
  const name = architectureOf(config)
  if (name === undefined) return 'feature-extraction'
  const match = [...Object.entries(own), ...taskOfEnding].find(([ending]) => name.endsWith(ending))
  if (match) return match[1]
  const endings = taskOfEnding.map(([ending]) => ending).join(', ')
  throw new LimbeckError(
    'input',
    `${config.file}: architecture ${name} is not known; known endings are ${endings}.`,
  )
}

/**
 * Family, dimensions, task and labels of a configuration. With `pooling` (a sentence-transformers folder)
 * the task is the base model's: `architectures` then often names the pre-training head, which is not there.
 */
export function describeModel(config: ModelConfig, pooling?: Pooling): ModelInfo {
  const family = familyOf(config)
  const task = pooling ? 'feature-extraction' : taskOf(config, family.tasks)
  const dims = family.dims(config)
  // some families apply their layers more than once
  checkLayers(config, dims.layers)
  const hasClasses = task === 'sequence-classification' || task === 'token-classification'
  const problem = config.json.problem_type
  return {
    family,
    task,
    dims,
    labels: hasClasses ? labelsOf(config) : [],
    problemType: typeof problem === 'string' ? problem : undefined,
  }
}

/** Builds the logical graph of a model. Inputs int64 `[batch_size, sequence_length]`. */
export function buildModel({ config, checkpoint, pooling }: BuildOptions): BuiltModel {
  const info = describeModel(config, pooling)
  const { family, dims, task, labels } = info
  const b = new ModelBuilder(family.type, checkpoint, family)
  const encoded = family.encode(b, dims)
  const outputs = b.head(architectureOf(config) ?? `${family.type} (${task})`, () =>
    family.heads[task](b, encoded, labels.length),
  )
  for (const [name, value] of Object.entries(outputs)) b.output(name, value)
  if (pooling && task === 'feature-extraction') {
    b.output('sentence_embedding', sentenceEmbedding(b, encoded, pooling))
  }
  return { ...info, graph: b.build() }
}
