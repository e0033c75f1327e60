/** `limbeck run`. */
import { LimbeckError } from '../errors.ts'
import type { Answer, RunResult } from '../jobs/run.ts'
import { formatMs, formatPercent } from '../report/units.ts'
import { tableText } from './show.ts'
import { variantsText } from './variant-answers.ts'
import { defineVerb, type View } from './verb.ts'

export const runVerb = defineVerb({
  arguments: [
    { name: '<model>', help: 'model folder, folder that Limbeck wrote, or ONNX file' },
    { name: '[text]', help: 'the text, or the question' },
    { name: '[second]', help: 'second text of a pair; the context of a question' },
  ],
  options: ['question', 'context', 'variant', 'allVariants', 'runThreads'],
  examples: [
    'run ./out "where is my parcel?"',
    'run ./qa --question "Who wrote it?" --context "It was written by Ada." --all-variants',
  ],
  async run({ args: [model, first, second], options, signal }) {
    const { variant, allVariants, runThreads: threads, question, context } = options
    const [text, textPair] = textsOf([first, second], [question, context])
    if (allVariants) {
      if (variant !== undefined) throw twice('--variant', '--all-variants')
      const { runVariants } = await import('../jobs/run-variants.ts')
      const variants = await runVariants({ model, text, textPair, threads, signal })
      return { json: { variants }, text: (view) => variantsText(variants, view) }
    }
    const { run } = await import('../jobs/run.ts')
    const result = await run({ model, text, textPair, variant, threads, signal })
    return { json: result, text: (view) => runText(result, view) }
  },
})

type Texts = readonly [string | undefined, string | undefined]

/** The texts to run: given in order, or by name. */
function textsOf([first, second]: Texts, [question, context]: Texts) {
  if (question !== undefined && first !== undefined) throw twice('--question', 'a text')
  if (context !== undefined && second !== undefined) throw twice('--context', 'a second text')
  const text = question ?? first
  const textPair = context ?? second
  if (text !== undefined) return [text, textPair] as const
  throw new LimbeckError('usage', 'expected a text, got none.', {
    hint: 'Write it after the model, or give --question and --context.',
  })
}

const twice = (one: string, other: string): LimbeckError =>
  new LimbeckError('usage', `${one} and ${other} cannot both be given.`)

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
      {
        columns: [{ title: 'answer' }, share],
        rows: [[text === '' ? '(no answer)' : text, formatPercent(score)]],
      },
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
