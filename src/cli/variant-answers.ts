/** What every variant of a model says to one text, one row each. */
import type { Answer, LabelScore } from '../fit/answer.ts'
import type { VariantRun } from '../jobs/run-variants.ts'
import { formatFour, formatMs, formatPercent, unknown } from '../report/units.ts'
import { tableText } from './show.ts'
import type { View } from './verb.ts'

/** The answer in a few words, and its probability where it has one. */
type Brief = readonly [answer: string, probability: string]

type BriefTexts = {
  readonly [K in Answer['kind']]: (answer: Extract<Answer, { kind: K }>) => Brief
}

const likeliest = ({ label, score }: LabelScore): Brief => [label, formatPercent(score)]

const briefs: BriefTexts = {
  labels: ({ labels }) => likeliest(labels[0]!),
  span: ({ text, score }) => [text === '' ? '(no answer)' : text, formatPercent(score)],
  similarities: ({ labels: [first] }) => [first!.label, formatFour(first!.score)],
  masks: ({ masks }) => [
    masks.map(([first]) => first!.token.trim()).join(', '),
    masks.map(([first]) => formatPercent(first!.score)).join(', '),
  ],
  ranking: ({ documents: [first] }) => [clipped(first!.text), unknown],
  entities: ({ entities }) => [
    entities.map(({ text, label }) => `${text} (${label})`).join(', ') || 'no entities',
    unknown,
  ],
  value: ({ value }) => [value.toPrecision(6), unknown],
  vector: ({ vector }) => [`[${vector.slice(0, 3).map(fourDigits).join(', ')}, …]`, unknown],
}

const clipped = (text: string): string =>
  text.length <= 60 ? text : `${Array.from(text).slice(0, 59).join('')}…`

const fourDigits = (value: number): string => value.toFixed(4)

/** What stands beside an answer where it is no probability; rankings are compared as wholes. */
const scoreTitles: Readonly<Partial<Record<Answer['kind'], string>>> = {
  ranking: "order (Kendall's tau)",
  similarities: 'cosine',
}

const briefOf = (answer: Answer): Brief =>
  (briefs[answer.kind] as (answer: Answer) => Brief)(answer)

/** A table of variants, and whether they agree. */
export function variantsText(runs: readonly VariantRun[], view: View): string {
  const right = { align: 'right' } as const
  const answers = runs.map(({ answer }) => briefOf(answer))
  const { kind } = runs[0]!.answer
  const ranked = kind === 'ranking'
  const table = {
    columns: [
      { title: 'variant' },
      { title: ranked ? 'first document' : 'answer' },
      { title: scoreTitles[kind] ?? 'probability', ...right },
      { title: 'latency', ...right },
    ],
    rows: runs.map(({ variant, ms, order }, i) => {
      const [answer, probability] = answers[i]!
      return [variant, answer, order ? formatFour(order.tau) : probability, formatMs(ms)]
    }),
  }
  const [first, ...others] = answers.map(([text]) => text)
  const same = others.filter((text) => text === first).length
  const said =
    same === others.length
      ? `Every variant gives the same ${ranked ? 'first document' : 'answer'}.`
      : `${others.length - same} of ${runs.length} variants answer otherwise than ${runs[0]!.variant}.`
  const { tokens, truncated } = runs[0]!
  const cut = truncated ? ', cut to the length of the model' : ''
  return [tableText(table, view), said, `${tokens} tokens${cut}; medians of single runs.`].join(
    '\n',
  )
}
