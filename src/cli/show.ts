/** Texts that several verbs print. */
import { join, relative } from 'node:path'
import { type Table, textTable } from '../report/index.ts'
import { printable, wrapText } from '../report/plain-text.ts'
import type { View } from './verb.ts'

/** A table for the terminal, and what did not fit. */
export function tableText(table: Table, view: View): string {
  const { text, dropped } = textTable(table, view)
  if (dropped.length === 0) return text
  return `${text}\n${proseText(`The terminal is narrow; left out: ${dropped.join(', ')}.`, view)}`
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
