/**
 * What a model's outputs say about each example, as rows of numbers: one table row a task.
 *
 * Classification gives one row of logits, an embedding one vector, token classification and masked LM one
 * row a token (padding left out), question answering the start and the end scores over the tokens.
 */

import type { RowKind } from '../data/fidelity.ts'
import { LimbeckError } from '../errors.ts'
import { elementCount, type HostTensor } from '../graph/data-type.ts'
import type { ModelInfo } from '../models/build-model.ts'
import type { Task } from '../models/family.ts'

export type Outputs = Readonly<Record<string, HostTensor>>

/** How one task's outputs are read. */
export interface RowReader {
  /** Graph outputs that are fetched, the first that the model has of each group. */
  readonly outputs: readonly (readonly string[])[]
  readonly kind: RowKind
  /** Rows of example `i` of a batch whose real tokens number `length`. */
  rows(outputs: readonly HostTensor[], i: number, length: number): Float32Array[]
}

const logits: readonly (readonly string[])[] = [['logits']]

const readers: Readonly<Record<Task, RowReader>> = {
  'sequence-classification': {
    outputs: logits,
    kind: 'softmax',
    rows: ([out], i) => [slice(out!, i)],
  },
  'token-classification': {
    outputs: logits,
    kind: 'softmax',
    rows: ([out], i, n) => tokens(out!, i, n),
  },
  'masked-lm': { outputs: logits, kind: 'softmax', rows: ([out], i, n) => tokens(out!, i, n) },
  'question-answering': {
    outputs: [['start_logits'], ['end_logits']],
    kind: 'softmax',
    rows: (outputs, i, n) => outputs.map((out) => slice(out, i).subarray(0, n)),
  },
  'feature-extraction': {
    outputs: [['sentence_embedding', 'last_hidden_state']],
    kind: 'values',
    rows: ([out], i, n) => [out!.shape.length === 2 ? slice(out!, i) : meanToken(out!, i, n)],
  },
}

/** The reader of a task; logits of independent labels are compared by sigmoid. */
export function rowReader({
  task,
  problemType,
}: Pick<ModelInfo, 'task' | 'problemType'>): RowReader {
  const reader = readers[task]
  if (task !== 'sequence-classification') return reader
  if (problemType === 'multi_label_classification') return { ...reader, kind: 'sigmoid' }
  return problemType === 'regression' ? { ...reader, kind: 'values' } : reader
}

/** The outputs that a reader wants of a model with these outputs. */
export function wantedOutputs(reader: RowReader, available: readonly string[]): string[] {
  return reader.outputs.map((group) => {
    const name = group.find((candidate) => available.includes(candidate))
    if (name) return name
    throw new LimbeckError(
      'input',
      `the model has no output ${group.join(' or ')}; it has ${available.join(', ')}.`,
      { hint: 'Check architectures in config.json.' },
    )
  })
}

function floats(tensor: HostTensor): Float32Array {
  if (tensor.data instanceof Float32Array) return tensor.data
  throw new LimbeckError('input', `expected a float32 output of the model, found ${tensor.dtype}.`)
}

/** Example `i` of `[B, …]`, copied so that the batch can be freed. */
function slice(tensor: HostTensor, i: number): Float32Array {
  const size = elementCount(tensor.shape.slice(1))
  return floats(tensor).slice(i * size, (i + 1) * size)
}

/** The first `n` rows of example `i` of `[B, S, W]`. */
function tokens(tensor: HostTensor, i: number, n: number): Float32Array[] {
  const width = tensor.shape[2]!
  const all = slice(tensor, i)
  return Array.from({ length: n }, (_, t) => all.subarray(t * width, (t + 1) * width))
}

/** Mean of the first `n` tokens of example `i` of `[B, S, W]`. */
function meanToken(tensor: HostTensor, i: number, n: number): Float32Array {
  const mean = new Float32Array(tensor.shape[2]!)
  for (const token of tokens(tensor, i, n)) {
    for (let j = 0; j < mean.length; j++) mean[j]! += token[j]! / n
  }
  return mean
}
