/** `limbeck run`. */
import type { Answer, RunResult } from '../jobs/run.ts'
import { formatMs, formatPercent } from '../report/units.ts'
import { tableText } from './show.ts'
import { defineVerb, type View } from './verb.ts'

export const runVerb = defineVerb({
  arguments: [
    { name: '<model>', help: 'model folder, folder that Limbeck wrote, or ONNX file' },
    { name: '<text>', help: 'the text' },
    { name: '[second]', help: 'second text of a pair; the context of a question' },
  ],
  options: ['variant', 'runThreads'],
  examples: [
    'run ./out "where is my parcel?"',
    'run ./qa "Who wrote it?" "It was written by Ada."',
  ],
  async run({ args: [model, text, textPair], options, signal }) {
    const { run } = await import('../jobs/run.ts')
    const { variant, runThreads: threads } = options
    const result = await run({ model, text, textPair, variant, threads, signal })
    return { json: result, text: (view) => runText(result, view) }
  },
})

function runText(result: RunResult, view: View): string {
  const { answer, ms, tokens, truncated } = result
  const cut = truncated ? ', cut to the length of the model' : ''
  return [answerText(answer, view), `${formatMs(ms)}, ${tokens} tokens${cut}`].join('\n')
}

type AnswerTexts = {
  readonly [K in Answer['kind']]: (answer: Extract<Answer, { kind: K }>, view: View) => string
}

const shown = 5

const answerTexts: AnswerTexts = {
  labels: ({ labels }, view) => {
    const rows = labels.slice(0, shown).map(({ label, score }) => [label, formatPercent(score)])
    return tableText({ columns: [{ title: 'label' }, share], rows }, view)
  },
  entities: ({ entities }, view) => {
    if (entities.length === 0) return 'no entities'
    const rows = entities.map(({ text, label, score, start, end }) => [
      text,
      label,
      formatPercent(score),
      start === undefined ? '–' : `${start}-${end}`,
    ])
    const columns = [{ title: 'entity' }, { title: 'label' }, share, characters]
    return tableText({ columns, rows }, view)
  },
  span: ({ text, score }, view) =>
    tableText(
      { columns: [{ title: 'answer' }, share], rows: [[text, formatPercent(score)]] },
      view,
    ),
  value: ({ value }) => value.toPrecision(6),
  vector: ({ vector }) => {
    const first = vector.slice(0, 8).map((x) => x.toFixed(4))
    const more = vector.length > 8 ? `, … (${vector.length} values; --json prints all)` : ''
    return `[${first.join(', ')}${more}]`
  },
}

const characters = { title: 'characters', align: 'right' } as const
const share = { title: 'probability', align: 'right' } as const

const answerText = (answer: Answer, view: View): string =>
  (answerTexts[answer.kind] as (answer: Answer, view: View) => string)(answer, view)
