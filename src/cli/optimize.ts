/** `limbeck optimize`. */
import { LimbeckError } from '../errors.ts'
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
import {
  dataOf,
  dataOptionNames,
  hubOptionNames,
  noData,
  type OptionValues,
  optionTable,
  picked,
} from './options.ts'
import { folderText, proseText, tableText } from './show.ts'
import { studentOptionNames } from './student-options.ts'
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
    ...studentOptionNames,
    'output',
    'overwrite',
    'explain',
    ...hubOptionNames,
    'dequantize',
    'simulate',
  ],
  examples: [
    'optimize ./my-model --data dev.tsv --text sentence --label label --max-drop 1%',
    'optimize ./my-model --data dev.tsv --distill every-second --train-data train.tsv',
    'optimize ./my-model --data texts.txt',
    'optimize ./model.onnx',
  ],
  async run({ args: [model], options, signal, progress, command }) {
    const { optimize } = await import('../jobs/optimize.ts')
    const columns = picked(options, dataOptionNames)
    const { maxDrop, strict, threads, shapes, seconds, batchSize, seed, maxLength } = options
    const { simulate, output, overwrite, revision, offline, dequantize } = options
    const { data, dim: dims, explain } = options
    const { report, folder } = await optimize({
      ...{ maxDrop, strict, threads, shapes, seconds, batchSize, seed, maxLength },
      ...{ simulate, output, overwrite, revision, offline, dequantize, dims },
      ...{ model, command, signal, progress },
      data: data === undefined ? noData(columns) : dataOf(data, columns),
      distill: studentOf(picked(options, studentOptionNames)),
    })
    return { json: { folder, report }, text: (view) => reportText(report, folder, explain, view) }
  },
})

/** The student to teach; undefined without. @throws LimbeckError `usage` for half of what it needs. */
function studentOf(values: OptionValues<(typeof studentOptionNames)[number]>) {
  const { distill: student, distillData, distillEpochs, distillSteps, ...more } = values
  const { distillRate, distillResume } = more
  if (student === undefined) {
    const given = studentOptionNames.find((name) => values[name] !== undefined)
    if (given === undefined) return undefined
    const flag = optionTable[given].flags.split(' ')[0]
    throw new LimbeckError('usage', `${flag} is for a student, and there is no --distill.`, {
      hint: 'Say who learns with --distill, such as every-second.',
    })
  }
  if (student === 'none') return undefined
  if (distillData === undefined) {
    throw new LimbeckError('usage', '--distill needs data to learn from.', {
      hint: 'Name it with --train-data.',
    })
  }
  return {
    ...{ student, data: distillData, epochs: distillEpochs, steps: distillSteps },
    ...{ learningRate: distillRate, resume: distillResume },
  }
}

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
