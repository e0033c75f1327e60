/** `limbeck eval`. */
import type { EvaluationResult } from '../jobs/evaluate.ts'
import { metricCell } from '../report/detail-tables.ts'
import { formatCount, formatNumber, formatSeconds, metricTitle } from '../report/units.ts'
import { dataOf, dataOptionNames } from './options.ts'
import { tableText } from './show.ts'
import { defineVerb, type View } from './verb.ts'

export const evalVerb = defineVerb({
  arguments: [{ name: '<model>', help: 'model folder, folder that Limbeck wrote, or ONNX file' }],
  options: [
    'evalData',
    ...dataOptionNames,
    'stride',
    'noAnswerThreshold',
    'maxLength',
    'variant',
    'runThreads',
    'batchSize',
  ],
  required: ['evalData'],
  examples: [
    'eval ./my-model --data dev.tsv --text sentence --label label',
    'eval ./out --data sts.csv --text 6 --text-pair 7 --label 5 --no-header --variant model_quantized',
  ],
  async run({ args: [model], options, signal, progress }) {
    const { evaluate } = await import('../jobs/evaluate.ts')
    const { evalData, maxLength, variant, runThreads: threads, batchSize, ...rest } = options
    const { stride, noAnswerThreshold, ...columns } = rest
    const data = { ...dataOf(evalData, columns), stride, noAnswerThreshold }
    const settings = { maxLength, variant, threads, batchSize, signal, progress }
    const result = await evaluate({ model, data, ...settings })
    return { json: result, text: (view) => evaluationText(result, view) }
  },
})

function evaluationText(result: EvaluationResult, view: View): string {
  const table = {
    columns: [{ title: 'metric' }, { title: 'value (95 % interval)', align: 'right' as const }],
    rows: result.metrics.map((metric) => [metricTitle(metric.name), metricCell(metric)]),
  }
  const { n, task, truncated, maxLength, batchSize, seconds, examplesPerSecond, file } = result
  return [
    tableText(table, view),
    `${formatCount(n)} examples (${task}), ${truncated === 0 ? 'no text' : `${formatCount(truncated)} text${truncated === 1 ? '' : 's'}`} cut to ${maxLength} tokens, batch size ${batchSize}.`,
    `${formatSeconds(seconds)}, ${formatNumber(examplesPerSecond)} examples a second.`,
    file,
  ].join('\n')
}
