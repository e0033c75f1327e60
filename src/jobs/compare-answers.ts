/** The answers of two models to the same texts, where both answer the same task. */
import { type Fidelity, fidelityMeter } from '../data/fidelity.ts'
import type { CompareBatch, Outputs } from '../fit/compare-values.ts'
import { rowReader, wantedOutputs } from '../fit/model-rows.ts'
import type { CompareInputs } from './compare-inputs.ts'
import type { ComparedModel } from './compared-model.ts'

export interface AnswerMeter {
  /** Outputs that answers are read from. */
  readonly outputs: readonly string[]
  add(batch: CompareBatch, a: Outputs, b: Outputs): void
  result(): Fidelity | undefined
}

/** Undefined where the inputs are made up, or the models answer otherwise. */
export function answerMeter(
  a: ComparedModel,
  b: ComparedModel,
  inputs: CompareInputs,
): AnswerMeter | undefined {
  const { lengthsOf } = inputs
  const model = a.model ?? b.model
  if (!lengthsOf || !model) return undefined
  if (a.model && b.model && a.model.task !== b.model.task) return undefined
  const reader = rowReader(model)
  const namesOf = ({ graph }: ComparedModel) => graph.outputs.map(({ name }) => name)
  const both = namesOf(a).filter((name) => namesOf(b).includes(name))
  const known = reader.outputs.every((group) => group.some((name) => both.includes(name)))
  if (!known) return undefined
  const outputs = wantedOutputs(reader, both)
  const meter = fidelityMeter(reader.kind)
  let texts = 0
  return {
    outputs,
    add(batch, ofA, ofB) {
      const [tensorsA, tensorsB] = [ofA, ofB].map((of) => outputs.map((name) => of[name]!))
      const readable = [...tensorsA!, ...tensorsB!].every(({ dtype }) => dtype === 'float32')
      if (!readable) return
      for (const [i, length] of lengthsOf(batch).entries()) {
        const rows = reader.rows(tensorsA!, i, length)
        const others = reader.rows(tensorsB!, i, length)
        rows.forEach((row, j) => {
          // heads of other sizes answer something else
          if (others[j]?.length !== row.length) return
          meter.add(row, others[j])
          texts++
        })
      }
    },
    result: () => (texts > 0 ? meter.result() : undefined),
  }
}
