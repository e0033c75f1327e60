/** The texts of a file: one a line, or the column `text` of a table. */
import { readExamples } from '../data/read-examples.ts'
import { defaultText } from './measured-text.ts'

/** @throws LimbeckError as `readExamples` does. */
export async function readDocuments(file: string): Promise<string[]> {
  const texts: string[] = []
  const columns = { text: defaultText(file) }
  for await (const { text } of readExamples(file, { columns, kind: 'none' })) texts.push(text)
  return texts
}
