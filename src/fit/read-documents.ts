/** The texts of a file: one a line, or the column of a table that is known to hold texts. */
import { readExamples } from '../data/read-examples.ts'
import { dataColumns } from './data-columns.ts'

/** @throws LimbeckError as `dataColumns` and `readExamples` do. */
export async function readDocuments(file: string): Promise<string[]> {
  const model = { task: 'feature-extraction', labels: [], problemType: undefined } as const
  const { text, header } = await dataColumns({ file, task: 'embeddings' }, model)
  const texts: string[] = []
  const options = { columns: { text }, kind: 'none', header } as const
  for await (const example of readExamples(file, options)) texts.push(example.text)
  return texts
}
