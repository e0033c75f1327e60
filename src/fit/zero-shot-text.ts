/** Zero-shot classification over a labelled file: the labels are the candidates. */
import { argmax } from '../data/logits.ts'
import { evaluateMetrics } from '../data/metrics.ts'
import type { Example } from '../data/read-examples.ts'
import { type Column, readTable, type TableOptions } from '../data/read-table.ts'
import { LimbeckError } from '../errors.ts'
import type { PreparedText, PrepareSettings } from './prepared-text.ts'
import { zeroShotClassifier } from './zero-shot.ts'

/** More labels than that are a score or an id, not classes. */
const MOST_LABELS = 1000

/** The labels of a column, each once, by name. @throws LimbeckError for very many. */
export async function labelsOfColumn(
  file: string,
  label: Column,
  options: TableOptions,
): Promise<string[]> {
  const labels = new Set<string>()
  for await (const { cells } of readTable(file, { label }, options)) {
    labels.add(String(cells.label ?? '').trim())
    if (labels.size <= MOST_LABELS) continue
    throw new LimbeckError(
      'input',
      `${file}: more than ${MOST_LABELS} different labels in the column ${label}.`,
      { hint: 'Name the column of the label with --label, or the labels with --candidates.' },
    )
  }
  return [...labels].sort()
}

/** Encodes each text with the candidates, which are the classes of the examples' targets. */
export function zeroShotText(
  examples: readonly Example<'class'>[],
  settings: PrepareSettings,
): PreparedText {
  const classifier = zeroShotClassifier(settings)
  const { shared, perText } = classifier
  return {
    examples,
    encodings: [...shared, ...examples.flatMap(({ text }) => classifier.encode(text))],
    judge: (rows) => {
      const common = rows.slice(0, shared.length)
      const answers = examples.map((_, i) => {
        const start = shared.length + i * perText
        return argmax(classifier.score(rows.slice(start, start + perText), common))
      })
      const expected = examples.map(({ target }) => target)
      return evaluateMetrics('classification', answers, expected, settings.candidates!.length)
    },
  }
}
