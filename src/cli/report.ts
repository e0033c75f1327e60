/** `limbeck report`. */
import { relative } from 'node:path'
import type { ReportResult } from '../jobs/report.ts'
import { detailSections } from '../report/detail-sections.ts'
import { gainSentence, summaryCaption, summaryTable } from '../report/index.ts'
import { dataOf, dataOptionNames, noData } from './options.ts'
import { proseText, tableText } from './show.ts'
import { defineVerb, type View } from './verb.ts'

export const reportVerb = defineVerb({
  arguments: [{ name: '<folder>', help: 'folder that optimize wrote' }],
  options: [
    'reportData',
    ...dataOptionNames,
    'maxLength',
    'sensitivity',
    'source',
    'price',
    'currency',
    'power',
    'threadCounts',
    'lengths',
    'reportSeconds',
    'batchSize',
    'seed',
    'reportOutput',
    'format',
  ],
  examples: [
    'report ./out',
    'report ./out --price 0.10 --currency € --power 45',
    'report ./out --threads 1,2 --lengths 16,64,256 -o report.html',
  ],
  async run({ args: [folder], options, signal, progress, command }) {
    const { report } = await import('../jobs/report.ts')
    const {
      maxLength,
      source,
      price,
      currency,
      power,
      threadCounts,
      lengths,
      sensitivity,
      ...others
    } = options
    const { reportSeconds, batchSize, seed, reportOutput, format, reportData, ...columns } = others
    const result = await report({
      folder,
      source,
      data: reportData === undefined ? noData(columns) : dataOf(reportData, columns),
      maxLength,
      sensitivity,
      batchSize,
      threads: threadCounts,
      lengths,
      seconds: reportSeconds,
      seed,
      price,
      currency,
      power,
      output: reportOutput,
      format,
      command,
      signal,
      progress,
    })
    return { json: result, text: (view) => reportText(result, view) }
  },
})

function reportText({ report, files }: ReportResult, view: View): string {
  const shown = files.map((file) => {
    const here = relative(process.cwd(), file)
    return here.startsWith('..') ? file : here
  })
  return [
    tableText(summaryTable(report), view),
    '',
    proseText(summaryCaption(report), view),
    proseText(gainSentence(report), view),
    ...detailSections(report).flatMap(({ title, captions, table }) => [
      '',
      title,
      tableText(table, view),
      ...captions.map((caption) => proseText(caption, view)),
    ]),
    ...report.notes.map((note) => `\n${proseText(`Note: ${note}`, view)}`),
    '',
    'Written',
    ...shown.map((file) => `  ${file}`),
  ].join('\n')
}
