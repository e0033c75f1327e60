/** `limbeck eval`. */
import { columnsText } from '../fit/data-columns.ts'
import { labelsText } from '../fit/data-labels.ts'
import type { EvaluationResult, SimulatedEvaluation } from '../jobs/evaluate.ts'
import { metricCell } from '../report/detail-tables.ts'
import { changedMetric, simulationSentence } from '../report/simulation.ts'
import { formatCount, formatNumber, formatSeconds, metricTitle } from '../report/units.ts'
import { dataOf, dataOptionNames, hubOptionNames } from './options.ts'
import { proseText, tableText } from './show.ts'
import { defineVerb, type View } from './verb.ts'

export const evalVerb = defineVerb({
  arguments: [
    {
      name: '<model>',
      help: 'model folder, folder that Limbeck wrote, ONNX file, or org/name of the Hub',
    },
  ],
  options: [
    'evalData',
    ...dataOptionNames,
    ...hubOptionNames,
    'maxLength',
    'variant',
    'runThreads',
    'batchSize',
    'simulate',
  ],
  required: ['evalData'],
  examples: [
    'eval ./my-model --data dev.tsv --text sentence --label label',
    'eval ./out --data dev.tsv --variant model_cpu_quantized --simulate avx2',
    'eval ./out --data sts.csv --text 6 --text-pair 7 --label 5 --no-header --variant model_quantized',
  ],
  async run({ args: [model], options, signal, progress }) {
    const { evaluate } = await import('../jobs/evaluate.ts')
    const {
      evalData,
      maxLength,
      variant,
      runThreads: threads,
      batchSize,
      simulate,
      ...others
    } = options
    const { revision, offline, ...columns } = others
    const data = dataOf(evalData, columns)
    const settings = { revision, offline, maxLength, variant, threads, batchSize, simulate }
    const result = await evaluate({ model, data, ...settings, signal, progress })
    return { json: result, text: (view) => evaluationText(result, view) }
  },
})

function evaluationText(result: EvaluationResult, view: View): string {
  const table = {
    columns: [{ title: 'metric' }, { title: 'value (95 % interval)', align: 'right' as const }],
    rows: result.metrics.map((metric) => [metricTitle(metric.name), metricCell(metric)]),
  }
  const { columns, labels } = result
  const { n, task, truncated, maxLength, batchSize, seconds, examplesPerSecond, file } = result
  return [
    tableText(table, view),
    ...(columns ? [proseText(`columns: ${columnsText(columns)}`, view)] : []),
    ...(labels ? [proseText(`labels: ${labelsText(labels)}`, view)] : []),
    `${formatCount(n)} examples (${task}), ${truncated === 0 ? 'no text' : `${formatCount(truncated)} text${truncated === 1 ? '' : 's'}`} cut to ${maxLength} tokens, batch size ${batchSize}.`,
    `${formatSeconds(seconds)}, ${formatNumber(examplesPerSecond)} examples a second.`,
    `Model: ${file}`,
    ...(result.simulated ? [proseText(simulatedText(result.simulated), view)] : []),
  ].join('\n')
}

/** What the same file gives on another CPU. */
function simulatedText({ metrics, drop, ...layers }: SimulatedEvaluation): string {
  const [first] = metrics ?? []
  const figures = first && drop !== undefined && changedMetric(first.name, first.value, drop)
  return simulationSentence(layers, figures || undefined)
}
