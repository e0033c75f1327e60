/** The texts of a file: one a line, or the column `text` of a table. */
import { readExamples } from '../data/read-examples.ts'

/** @throws LimbeckError as `readExamples` does. */
export async function readDocuments(file: string): Promise<string[]> {
  const texts: string[] = []
  const columns = { text: /\.txt(\.gz)?$/.test(file) ? 1 : 'text' }
  for await (const { text } of readExamples(file, { columns, kind: 'none' })) texts.push(text)
  return texts
}
