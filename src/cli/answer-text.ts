/** An answer of `run` as a table or a line: one row a kind. */
import type { Answer, LabelScore } from '../fit/answer.ts'
import { formatFour, formatPercent } from '../report/units.ts'
import { tableText } from './show.ts'
import type { View } from './verb.ts'

type AnswerTexts = {
  readonly [K in Answer['kind']]: (answer: Extract<Answer, { kind: K }>, view: View) => string
}

/** Labels that are printed; JSON has all. */
const shown = 5

const answerTexts: AnswerTexts = {
  labels: ({ labels }, view) => labelTable(labels, 'probability', formatPercent, view),
  similarities: ({ labels }, view) => labelTable(labels, 'cosine', formatFour, view),
  masks: ({ masks }, view) => {
    const several = masks.length > 1
    const rows = masks.flatMap((fills, i) =>
      fills.map(({ token, score }) => [
        ...(several ? [String(i + 1)] : []),
        token.trim(),
        formatPercent(score),
      ]),
    )
    const number = several ? [{ title: 'mask', align: 'right' as const }] : []
    return tableText({ columns: [...number, { title: 'word' }, right('probability')], rows }, view)
  },
  entities: ({ entities }, view) => {
    if (entities.length === 0) return 'no entities'
    const rows = entities.map(({ text, label, score, start, end }) => [
      text,
      label,
      formatPercent(score),
      start === undefined ? '–' : `${start}-${end}`,
    ])
    const titles = [{ title: 'entity' }, { title: 'label' }]
    const columns = [...titles, right('probability'), right('characters')]
    return tableText({ columns, rows }, view)
  },
  ranking: ({ documents }, view) => {
    const columns = [right('rank'), right('score'), { title: 'text' }]
    const rows = documents.map(({ rank, score, text }) => [
      String(rank),
      formatFour(score),
      clipped(text, view.width),
    ])
    return tableText({ columns, rows }, view)
  },
  span: ({ text, score }, view) => {
    const rows = [[text === '' ? '(no answer)' : text, formatPercent(score)]]
    return tableText({ columns: [{ title: 'answer' }, right('probability')], rows }, view)
  },
  value: ({ value }) => value.toPrecision(6),
  vector: ({ vector }) => {
    const first = vector.slice(0, 8).map((x) => x.toFixed(4))
    const more = vector.length > 8 ? `, … (${vector.length} values; --json prints all)` : ''
    return `[${first.join(', ')}${more}]`
  },
}

const right = (title: string) => ({ title, align: 'right' }) as const

function labelTable(
  labels: readonly LabelScore[],
  title: string,
  format: (score: number) => string,
  view: View,
): string {
  const rows = labels.slice(0, shown).map(({ label, score }) => [label, format(score)])
  return tableText({ columns: [{ title: 'label' }, right(title)], rows }, view)
}

/** What rank and score leave of the terminal's width. */
const clipped = (text: string, width: number): string => {
  const room = Math.max(20, Math.min(width, 120) - 24)
  const characters = Array.from(text.replace(/\s+/g, ' '))
  return characters.length <= room
    ? characters.join('')
    : `${characters.slice(0, room - 1).join('')}…`
}

/** The answer as text. */
export const answerText = (answer: Answer, view: View): string =>
  (answerTexts[answer.kind] as (answer: Answer, view: View) => string)(answer, view)
