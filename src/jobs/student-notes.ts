/** What a report tells of the student beside its figures: what it is, and why it was not chosen. */
import { basename } from 'node:path'
import { headlineLatency, verdictSentence } from '../report/outcome.ts'
import type { Report, VariantReport } from '../report/report.ts'
import { formatCount, formatParameters, formatSeconds } from '../report/units.ts'
import { refusal } from './choose-variant.ts'
import type { Taught } from './optimize-student.ts'
import { isOfStudent } from './variants.ts'

/** Sentences, the most important first. */
export function studentNotes(
  report: Report,
  { student, model, training }: Pick<Taught, 'student' | 'training'> & { readonly model: Sized },
): string[] {
  const { layers, hidden } = model.dims
  const { steps, seconds, data } = training
  const size = `${layers} layer${layers === 1 ? '' : 's'} of width ${hidden}, ${formatParameters(model.parameters)} parameters`
  const source = `the source ${report.model.layers} of ${report.model.hidden}, ${formatParameters(report.model.parameters)}`
  const learned = `learned from the source in ${formatCount(steps)} steps (${formatSeconds(seconds)}) on ${basename(data)}`
  return [...notChosen(report), `The student (${student}: ${size}; ${source}) ${learned}.`]
}

interface Sized {
  readonly parameters: number
  readonly dims: { readonly layers: number; readonly hidden: number }
}

/** Why no file of the student was chosen. */
function notChosen(report: Report): string[] {
  const own = report.variants.filter(isOfStudent)
  if (own.some(({ name }) => name === report.chosen)) return []
  const { strict } = report.settings
  const p50 = (variant: VariantReport) => headlineLatency(report, variant)?.p50 ?? Infinity
  const byTime = [...own].sort((a, b) => p50(a) - p50(b))
  const refused = byTime.find((variant) => refusal(variant, strict))
  const slower = byTime.some((variant) => !refusal(variant, strict))
  if (!refused)
    return ['The student is not chosen: its files that may be chosen are not the fastest.']
  const verdict = verdictSentence(report, refused)
  const why = verdict ? `is ${verdict}` : `may not be, since ${refusal(refused, strict)}`
  const others = slower ? ' Its other files that may be chosen are not the fastest.' : ''
  return [`The student is not chosen: ${refused.name} ${why}.${others}`]
}
