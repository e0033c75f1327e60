/** `limbeck optimize`. */
import {
  chosenOf,
  gainSentence,
  type Report,
  summaryCaption,
  summaryTable,
  verdictSentence,
} from '../report/index.ts'
import { simulationNotes } from '../report/simulation.ts'
import { explainText } from './explain-passes.ts'
import { dataOf, dataOptionNames, hubOptionNames, noData } from './options.ts'
import { folderText, proseText, tableText } from './show.ts'
import { defineVerb, type View } from './verb.ts'

export const optimizeVerb = defineVerb({
  arguments: [
    {
      name: '<model>',
      help: 'model folder (config.json, model.safetensors, tokenizer), any ONNX file, or org/name of the Hub',
    },
  ],
  options: [
    'data',
    ...dataOptionNames,
    'maxLength',
    'maxDrop',
    'strict',
    'threads',
    'shapes',
    'dim',
    'seconds',
    'batchSize',
    'seed',
    'output',
    'overwrite',
    'explain',
    ...hubOptionNames,
    'dequantize',
    'simulate',
  ],
  examples: [
    'optimize ./my-model --data dev.tsv --text sentence --label label --max-drop 1%',
    'optimize ./my-model --data texts.txt',
    'optimize ./model.onnx',
  ],
  async run({ args: [model], options, signal, progress, command }) {
    const { optimize } = await import('../jobs/optimize.ts')
    const {
      maxLength,
      maxDrop,
      strict,
      threads,
      shapes,
      seconds,
      batchSize,
      seed,
      simulate,
      ...others
    } = options
    const { output, overwrite, explain, revision, offline, data, dim: dims, ...more } = others
    const { dequantize, ...columns } = more
    const settings = { maxDrop, strict, threads, shapes, seconds, batchSize, seed, maxLength }
    const { report, folder } = await optimize({
      ...settings,
      simulate,
      dims,
      dequantize,
      revision,
      offline,
      output,
      overwrite,
      model,
      data: data === undefined ? noData(columns) : dataOf(data, columns),
      command,
      signal,
      progress,
    })
    return { json: { folder, report }, text: (view) => reportText(report, folder, explain, view) }
  },
})

function reportText(
  report: Report,
  folder: string,
  explain: boolean | undefined,
  view: View,
): string {
  const verdict = verdictSentence(report, chosenOf(report))
  const sentences = [
    `${gainSentence(report)} ${report.chosenWhy}`,
    ...(verdict ? [`Verdict ${verdict}.`] : []),
    ...simulationNotes(report),
    ...report.notes.map((note) => `Note: ${note}`),
  ]
  return [
    tableText(summaryTable(report), view),
    '',
    proseText(summaryCaption(report), view),
    ...sentences.map((sentence) => proseText(sentence, view)),
    '',
    folderText(folder, [...new Set([...report.files.map(({ path }) => path), 'report.html'])]),
    ...(explain ? ['', explainText(report.variants, view)] : []),
  ].join('\n')
}
