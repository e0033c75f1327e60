/** `limbeck sensitivity`. */
import type { SensitivityResult } from '../jobs/sensitivity.ts'
import { sensitivityTable, sensitivityVerdict } from '../report/sensitivity-section.ts'
import { formatCount, formatSeconds } from '../report/units.ts'
import { dataOf, dataOptionNames, hubOptionNames, noData } from './options.ts'
import { shellCommand } from './shell-command.ts'
import { proseText, tableText } from './show.ts'
import { defineVerb, type View } from './verb.ts'

export const sensitivityVerb = defineVerb({
  arguments: [{ name: '<model>', help: 'model folder, any ONNX file, or org/name of the Hub' }],
  options: [
    'evalData',
    ...dataOptionNames,
    ...hubOptionNames,
    'maxLength',
    'scheme',
    'weightBits',
    'perToken',
    'calibrate',
    'block',
    'symmetric',
    'method',
    'accuracyLevel',
    'exclude',
    'override',
    'dim',
    'dequantize',
    'runThreads',
    'pageOutput',
  ],
  examples: [
    'sensitivity ./my-model --data dev.tsv --text sentence --limit 128',
    'sensitivity ./my-model --data dev.tsv --scheme int4 --method gptq -o sensitivity.html',
    'sensitivity exported.onnx --scheme static-int8',
  ],
  async run({ args: [model], options, signal, progress, command }) {
    const { sensitivity } = await import('../jobs/sensitivity.ts')
    const { evalData, runThreads: threads, pageOutput: output, ...others } = options
    const {
      override: overrides,
      dim: dims,
      dequantize,
      exclude,
      revision,
      offline,
      maxLength,
      ...more
    } = others
    const { scheme, weightBits, perToken, calibrate, block, symmetric, ...rest } = more
    const { method, accuracyLevel, ...columns } = rest
    const data = evalData === undefined ? noData(columns) : dataOf(evalData, columns)
    const schemes = { scheme, weightBits, perToken, calibrate, block, symmetric }
    const settings = { ...schemes, method, accuracyLevel, exclude, overrides, maxLength, threads }
    const from = { model, revision, offline, dims, dequantize, data, output, command }
    const result = await sensitivity({ ...settings, ...from, signal, progress })
    return { json: result, text: (view) => sensitivityText(result, view) }
  },
})

function sensitivityText(result: SensitivityResult, view: View): string {
  const { advice, samples, tokens, seconds, madeUp, page } = result
  const what = madeUp ? 'made-up inputs' : 'texts'
  return [
    tableText(sensitivityTable(result), view),
    proseText(sensitivityVerdict(result), view),
    ...(advice ? [`  ${shellCommand(advice.exclude.flatMap((path) => ['--exclude', path]))}`] : []),
    ...(madeUp
      ? [proseText(`Inputs were made up, since ${madeUp}: real ones say more.`, view)]
      : []),
    `${formatCount(samples)} ${what}, ${formatCount(tokens)} tokens, ${formatSeconds(seconds)}.`,
    ...(page ? [`Written to ${page}`] : []),
  ].join('\n')
}
