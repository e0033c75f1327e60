/** `limbeck compare`. */
import { relative } from 'node:path'
import type { CompareResult } from '../jobs/compare.ts'
import {
  answersSentence,
  basisSentence,
  outputsTable,
  partingSentence,
  worstTable,
} from '../report/comparison-tables.ts'
import { formatSeconds } from '../report/units.ts'
import { dataOf, hubOptionNames, noData } from './options.ts'
import { proseText, tableText } from './show.ts'
import { defineVerb, type View } from './verb.ts'

const model = 'model folder, folder of ONNX files, ONNX file, or org/name of the Hub'

export const compareVerb = defineVerb({
  arguments: [
    { name: '<a>', help: model },
    { name: '<b>', help: 'what is compared with it, of the same kinds' },
  ],
  options: [
    'compareData',
    'text',
    'textPair',
    'task',
    'encoding',
    'noHeader',
    'compareLimit',
    'maxLength',
    'compareShapes',
    'dim',
    'tolerance',
    'variantA',
    'variantB',
    ...hubOptionNames,
    'runThreads',
    'comparePage',
  ],
  examples: [
    'compare ./my-model ./out --variant-b model_quantized --data dev.tsv',
    'compare torchscript.onnx dynamo.onnx',
    'compare ./base ./fine-tuned -o parting.html',
  ],
  async run({ args: [a, b], options, signal, progress }) {
    const { compare } = await import('../jobs/compare.ts')
    const { compareData, text, textPair, task, encoding, noHeader, compareLimit, ...others } =
      options
    const columns = { text, textPair, task, encoding, noHeader, limit: compareLimit }
    const data = compareData === undefined ? noData(columns) : dataOf(compareData, columns)
    const { compareShapes: shapes, dim: dims, runThreads: threads, ...rest } = others
    const { comparePage: output, ...settings } = rest
    const result = await compare({
      ...settings,
      ...{ a, b, data, shapes, dims, threads, output, signal, progress },
    })
    return { json: result, text: (view) => compareText(result, view) }
  },
})

function compareText(result: CompareResult, view: View): string {
  const outputs = outputsTable(result)
  const answers = answersSentence(result)
  const { notes, page, seconds, worst } = result
  return [
    proseText(partingSentence(result), view),
    ...(worst.length > 0 ? ['', tableText(worstTable(result), view)] : []),
    ...(outputs ? ['', tableText(outputs, view)] : []),
    '',
    ...(answers ? [proseText(answers, view)] : []),
    proseText(`${basisSentence(result)} ${formatSeconds(seconds)}.`, view),
    ...notes.map((note) => proseText(`Note: ${note}`, view)),
    ...(page === undefined ? [] : [`Written to ${shortPath(page)}`]),
  ].join('\n')
}

function shortPath(path: string): string {
  const here = relative(process.cwd(), path)
  return here.startsWith('..') ? path : here
}
