/** `limbeck run`. */
import { LimbeckError } from '../errors.ts'
import type { RunResult } from '../jobs/run.ts'
import { formatMs } from '../report/units.ts'
import { answerText } from './answer-text.ts'
import { hubOptionNames } from './options.ts'
import { variantsText } from './variant-answers.ts'
import { defineVerb, type View } from './verb.ts'

export const runVerb = defineVerb({
  arguments: [
    {
      name: '<model>',
      help: 'model folder, folder that Limbeck wrote, ONNX file, or org/name of the Hub',
    },
    { name: '[text]', help: 'the text, the question, or the query' },
    { name: '[second]', help: 'second text of a pair; the context of a question' },
  ],
  options: [
    'runTask',
    'question',
    'context',
    'candidates',
    'hypothesis',
    'multiLabel',
    'query',
    'documents',
    'top',
    ...hubOptionNames,
    'variant',
    'allVariants',
    'runThreads',
  ],
  examples: [
    'run ./out "where is my parcel?"',
    'run ./qa --question "Who wrote it?" --context "It was written by Ada." --all-variants',
    'run ./nli "the keeper saved it" --candidates "sport,politics"',
    'run ./ranker --query "how do I return it?" --documents answers.txt --top 3',
  ],
  async run({ args: [model, first, second], options, signal, progress }) {
    const { variant, allVariants, runTask: task, runThreads: threads, ...rest } = options
    const { question, query, context, candidates, hypothesis, multiLabel, documents, top } = rest
    const { revision, offline } = rest
    if (question !== undefined && query !== undefined) throw twice('--question', '--query')
    const [text, textPair] = textsOf([first, second], [question ?? query, context])
    const asked = {
      ...{ model, task, text, textPair, candidates, hypothesis, multiLabel, documents, top },
      ...{ threads, signal, progress, revision, offline },
    }
    if (allVariants) {
      if (variant !== undefined) throw twice('--variant', '--all-variants')
      const { runVariants } = await import('../jobs/run-variants.ts')
      const variants = await runVariants(asked)
      return { json: { variants }, text: (view) => variantsText(variants, view) }
    }
    const { run } = await import('../jobs/run.ts')
    const result = await run({ ...asked, variant })
    return { json: result, text: (view) => runText(result, view) }
  },
})

type Texts = readonly [string | undefined, string | undefined]

/** The texts to run: given in order, or by name. */
export function textsOf([first, second]: Texts, [question, context]: Texts) {
  if (question !== undefined && first !== undefined) throw twice('--question or --query', 'a text')
  if (context !== undefined && second !== undefined) throw twice('--context', 'a second text')
  const text = question ?? first
  const textPair = context ?? second
  if (text !== undefined) return [text, textPair] as const
  throw new LimbeckError('usage', 'expected a text, got none.', {
    hint: 'Write it after the model, or give --question and --context, or --query.',
  })
}

const twice = (one: string, other: string): LimbeckError =>
  new LimbeckError('usage', `${one} and ${other} cannot both be given.`)

function runText(result: RunResult, view: View): string {
  const { answer, ms, tokens, truncated } = result
  const cut = truncated ? ', cut to the length of the model' : ''
  return [answerText(answer, view), `${formatMs(ms)}, ${tokens} tokens${cut}`].join('\n')
}
