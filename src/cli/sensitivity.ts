/** `limbeck sensitivity`. */
import type { MeasuredLoss, SensitivityResult } from '../jobs/sensitivity.ts'
import type { Table } from '../report/index.ts'
import {
  formatBytes,
  formatCount,
  formatInterval,
  formatNumber,
  formatSeconds,
  unknown,
} from '../report/units.ts'
import { dataOf, dataOptionNames, hubOptionNames } from './options.ts'
import { shellCommand } from './shell-command.ts'
import { proseText, tableText } from './show.ts'
import { defineVerb, type View } from './verb.ts'

export const sensitivityVerb = defineVerb({
  arguments: [{ name: '<model>', help: 'model folder, or org/name of the Hub' }],
  options: [
    'evalData',
    ...dataOptionNames,
    ...hubOptionNames,
    'maxLength',
    'scheme',
    'weightBits',
    'perToken',
    'exclude',
    'runThreads',
  ],
  required: ['evalData'],
  examples: ['sensitivity ./my-model --data dev.tsv --text sentence --limit 128'],
  async run({ args: [model], options, signal, progress }) {
    const { sensitivity } = await import('../jobs/sensitivity.ts')
    const { evalData, maxLength, runThreads: threads, scheme, weightBits, ...others } = options
    const { revision, offline, exclude, perToken, ...columns } = others
    const data = dataOf(evalData, columns)
    const settings = {
      revision,
      offline,
      exclude,
      maxLength,
      threads,
      scheme,
      weightBits,
      perToken,
    }
    const result = await sensitivity({ model, data, ...settings, signal, progress })
    return { json: result, text: (view) => sensitivityText(result, view) }
  },
})

const lossTitles = { kl: 'KL of the answers', cosine: '1 − cosine', squared: 'squared difference' }

/** Small numbers beside their interval. */
const lossText = ({ mean, interval }: MeasuredLoss): string =>
  `${small(mean)} (${formatInterval(interval, small)})`

const small = (value: number): string =>
  value !== 0 && Math.abs(value) < 1e-3 ? value.toExponential(1) : formatNumber(value)

function sensitivityText(result: SensitivityResult, view: View): string {
  const { all, advice, samples, tokens, seconds, loss } = result
  const verdict = advice
    ? `Left in fp32, ${advice.exclude.length === 1 ? 'this layer brings' : `these ${advice.exclude.length} layers bring`} it to ${lossText(advice.loss)}:`
    : 'Leaving the measured layers in fp32 does not halve it: the loss comes from many layers.'
  return [
    tableText(sensitivityTable(result), view),
    proseText(`All layers quantized: ${lossTitles[loss]} ${lossText(all)}. ${verdict}`, view),
    ...(advice ? [`  ${shellCommand(advice.exclude.flatMap((path) => ['--exclude', path]))}`] : []),
    `${formatCount(samples)} texts, ${formatCount(tokens)} tokens, ${formatSeconds(seconds)}.`,
  ].join('\n')
}

function sensitivityTable({ layers, loss }: SensitivityResult): Table {
  const right = { align: 'right' } as const
  return {
    columns: [
      { title: 'layer' },
      { title: 'kind', drop: 2 },
      { title: 'SQNR (dB)', ...right },
      { title: `${lossTitles[loss]} (95 % interval)`, ...right },
      { title: 'fp32 adds', ...right, drop: 1 },
    ],
    rows: layers.map((layer) => [
      layer.path,
      layer.kind,
      layer.sqnr === null ? '∞' : layer.sqnr.toFixed(1),
      layer.loss ? lossText(layer.loss) : unknown,
      formatBytes(layer.bytes),
    ]),
  }
}
