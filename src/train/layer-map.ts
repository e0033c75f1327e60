/**
 * Which layer of the teacher each layer of the student learns from: by number from 0, for each student layer.
 *
 * `uniform` is TinyBERT's g(m) = m·N/M, so that for 12 and 4 layers attention is that of 2, 5, 8, 11 and hidden
 * states those behind 0, 3, 6, 9, 12; `last` takes the teacher's upper layers.
 */
import { LimbeckError } from '../errors.ts'

/** The map of a student of `student` layers. @throws LimbeckError `usage` for one that does not fit. */
export function layerMap(text: string, teacher: number, student: number): number[] {
  const each = Array.from({ length: student }, (_, i) => i)
  const said = text.trim()
  if (student > teacher) {
    throw new LimbeckError(
      'usage',
      `a student of ${student} layers cannot learn from the ${teacher} layers of its teacher, layer by layer.`,
      { hint: 'Take a student with as many layers at most, or --method logits.' },
    )
  }
  if (said === 'uniform') return each.map((i) => Math.round(((i + 1) * teacher) / student) - 1)
  if (said === 'last') return each.map((i) => teacher - student + i)
  const list = said.split(',').map((part) => part.trim())
  const layers = list.map(Number)
  const fits = (layer: number, i: number) =>
    /^\d+$/.test(list[i]!) && layer < teacher && (i === 0 || layer > layers[i - 1]!)
  if (layers.length === student && layers.every(fits)) return layers
  throw new LimbeckError(
    'usage',
    `--layer-map ${text}: expected uniform, last, or ${student} rising numbers from 0 to ${teacher - 1}, one for each layer of the student.`,
  )
}
