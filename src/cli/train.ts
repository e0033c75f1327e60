/** `limbeck train`. */
import type { TrainResult } from '../jobs/train.ts'
import type { Table } from '../report/index.ts'
import { trainingRows } from '../report/training-sections.ts'
import { dataOf, hubOptionNames, type OptionValues } from './options.ts'
import { madeText, resultsText } from './results-text.ts'
import { tableText } from './show.ts'
import { defineVerb, type View } from './verb.ts'

/** Options of every verb that trains. */
export const trainOptionNames = [
  'trainData',
  'dev',
  'text',
  'textPair',
  'label',
  'labelMap',
  'trainTask',
  'encoding',
  'noHeader',
  'limit',
  'stride',
  'maxLength',
  'epochs',
  'steps',
  'batch',
  'maxTokens',
  'learningRate',
  'warmup',
  'schedule',
  'weightDecay',
  'dropout',
  'clip',
  'accumulate',
  'ema',
  'labelSmoothing',
  'freeze',
  'lora',
  'recompute',
  'quantize',
  'layerDrop',
  'layerDecay',
  'evaluateEvery',
  'patience',
  'resume',
  'maxMinutes',
  'trainThreads',
  'trainSeed',
  'trainSeconds',
  'weightType',
  ...hubOptionNames,
  'output',
  'overwrite',
] as const

export const trainVerb = defineVerb({
  arguments: [
    {
      name: '<model>',
      help: 'model folder with model.safetensors and tokenizer, or org/name of the Hub; its head may be missing',
    },
  ],
  options: [...trainOptionNames, 'fromScratch'],
  required: ['trainData'],
  examples: [
    'train ./MiniLM-L6 --data train.tsv --dev dev.tsv -o ./my-classifier',
    'train ./bert-base --data train.conll --dev dev.conll --task token-classification -o ./my-tagger',
    'train ./MiniLM-L6 --data train.tsv --dev dev.tsv -o ./my-classifier --resume',
  ],
  async run({ args: [model], options, signal, progress, command }) {
    const { train } = await import('../jobs/train.ts')
    const { fromScratch, ...rest } = options
    const own = { fromScratch, model, command, signal, progress }
    const result = await train({ ...trainedWith(rest), ...own })
    return { json: result, text: (view) => trainedText(result, view) }
  },
})

/** Options as the jobs that train take them. */
export function trainedWith(options: OptionValues<(typeof trainOptionNames)[number], 'trainData'>) {
  const { trainData, trainTask, trainThreads, trainSeed, trainSeconds, ...others } = options
  const { weightType: dtype, ...given } = others
  const { text, textPair, label, labelMap, encoding, noHeader, limit, stride, ...rest } = given
  const columns = { text, textPair, label, labelMap, encoding, noHeader, limit, stride }
  return {
    ...rest,
    data: dataOf(trainData, { ...columns, task: trainTask }),
    threads: trainThreads,
    seed: trainSeed,
    seconds: trainSeconds,
    dtype,
  }
}

/** What a run printed. */
export function trainedText({ folder, report, training }: TrainResult, view: View): string {
  const facts: Table = {
    columns: [{ title: 'training' }, { title: '' }],
    rows: trainingRows(training, report.variants),
  }
  return [tableText(facts, view), '', resultsText(report, view), '', madeText(folder, report)].join(
    '\n',
  )
}
