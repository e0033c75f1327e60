/** How every verb ends that makes a model: the table of results, and where it was written. */
import {
  chosenOf,
  type Report,
  resultsCaptions,
  resultsTable,
  verdictSentence,
} from '../report/index.ts'
import { folderText, proseText, tableText } from './show.ts'
import type { View } from './verb.ts'

/** The model beside what it was made from. */
export function resultsText(report: Report, view: View): string {
  const table = resultsTable(report)
  const chosen = chosenOf(report)
  const verdict = verdictSentence(report, chosen)
  const sentences = [
    ...resultsCaptions(report),
    `✔ ${chosen.name}: ${report.chosenWhy}${verdict ? ` Against this model in fp32, verdict ${verdict}.` : ''}`,
  ]
  return [
    ...(table ? [tableText(table, view), ''] : []),
    ...sentences.map((sentence) => proseText(sentence, view)),
  ].join('\n')
}

/** The files of the folder. */
export const madeText = (folder: string, { files }: Report): string =>
  folderText(folder, ['model.safetensors', ...files.map(({ path }) => path), 'report.html'])
