/** Texts that several verbs print. */
import { join, relative } from 'node:path'
import type { WriteResult } from '../jobs/export-model.ts'
import { type Table, textTable } from '../report/index.ts'
import { printable, wrapText } from '../report/plain-text.ts'
import { formatBytes, formatCount, formatNumber, formatSeconds, unknown } from '../report/units.ts'
import type { View } from './verb.ts'

/** A table for the terminal, and what did not fit. */
export function tableText(table: Table, view: View): string {
  const { text, dropped } = textTable(table, view)
  if (dropped.length === 0) return text
  return `${text}\nThe terminal is narrow; left out: ${dropped.join(', ')}.`
}

/** Sentences, broken at the width of the terminal. */
export const proseText = (text: string, { width }: View): string =>
  wrapText(printable(text), Math.min(width, 120)).join('\n')

/** Where files were written, from here. */
export function folderText(folder: string, files: readonly string[]): string {
  const here = relative(process.cwd(), folder)
  const shown = here.startsWith('..') || here === '' ? folder : here
  return [`Written to ${shown}`, ...files.map((file) => `  ${join(shown, file)}`)].join('\n')
}

/** What `export` and `quantize` wrote. */
export function writtenText(
  { variants, verified, folder, seconds }: WriteResult,
  view: View,
): string {
  const right = { align: 'right' } as const
  const table: Table = {
    columns: [
      { title: 'variant' },
      { title: 'file' },
      { title: 'size', ...right },
      { title: 'nodes', ...right, drop: 2 },
      { title: 'largest difference', ...right },
      { title: 'cosine', ...right, drop: 1 },
    ],
    rows: variants.map(({ name, file, bytes, nodes }) => {
      const check = verified.find((one) => one.name === name)
      return [
        name,
        file,
        formatBytes(bytes),
        formatCount(nodes),
        check ? formatNumber(check.maxAbsError) : unknown,
        check ? check.cosine.toFixed(6) : unknown,
      ]
    }),
  }
  const compared = verified.length > 0 ? ', each compared with its source' : ''
  const done = `${variants.length} file${variants.length === 1 ? '' : 's'} in ${formatSeconds(seconds)}${compared}.`
  return [tableText(table, view), done, folderText(folder, [])].join('\n')
}
