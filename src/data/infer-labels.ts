/**
 * What the labels of a data file mean to a model whose own names say nothing (LABEL_0, LABEL_1, …).
 *
 * Numbers keep their order; the names of language inference have the order of GLUE's copies on the
 * Hugging Face Hub; other names are sorted, as its `run_glue.py` does. Nothing is inferred unless the data
 * has as many labels as the model: a label more or less is for the user to place.
 */

/** Where the meaning of a label comes from. */
export type LabelSource =
  | 'model'
  | 'given'
  | 'file'
  | 'numeric order'
  | 'usual order'
  | 'sorted names'

/** Labels as written, and the class numbers they stand for. */
export interface InferredLabels {
  readonly source: LabelSource
  readonly classes: ReadonlyMap<string, number>
}

const usualOrders: readonly (readonly string[])[] = [['entailment', 'neutral', 'contradiction']]

/** Whether a model's labels are no names: `LABEL_0`, `0`. */
export const areNumbered = (names: readonly string[]): boolean =>
  names.length > 0 && names.every((name, i) => name === `LABEL_${i}` || name === String(i))

/**
 * The classes of the labels that a file holds, for a model of `count` classes; undefined where that is a
 * guess. @param written every label of the file, once.
 */
export function inferLabels(written: Iterable<string>, count: number): InferredLabels | undefined {
  const labels = [...new Set(written)]
  const numbers = labels.map(Number)
  const inOrder = (ordered: readonly string[], source: LabelSource): InferredLabels => ({
    source,
    classes: new Map(ordered.map((label, id) => [label, id])),
  })
  if (labels.every((label, i) => label.trim() !== '' && Number.isInteger(numbers[i]))) {
    const ascending = [...labels].sort((a, b) => Number(a) - Number(b))
    const [low, high] = [Number(ascending[0]), Number(ascending.at(-1))]
    if (labels.length === count) return inOrder(ascending, 'numeric order')
    // one of the classes 1, 2, … may be missing
    if (low < 1 || high !== count) return undefined
    const classes = new Map(labels.map((label) => [label, Number(label) - 1]))
    return { source: 'numeric order', classes }
  }
  if (labels.length !== count) return undefined
  const usual = usualOrders.find(
    (order) =>
      order.length === count && labels.every((label) => order.includes(label.toLowerCase())),
  )
  if (!usual) return inOrder([...labels].sort(), 'sorted names')
  const place = (label: string) => usual.indexOf(label.toLowerCase())
  return inOrder(
    [...labels].sort((a, b) => place(a) - place(b)),
    'usual order',
  )
}
