/**
 * What the labels of a data file mean to a model: as the user says, as the model names them, or, where
 * its names are mere numbers, as the file's labels tell. What was taken is kept, so that it can be shown.
 */
import { type GivenLabels, givenLabels } from '../data/given-labels.ts'
import { areNumbered, inferLabels, type LabelSource } from '../data/infer-labels.ts'
import { type LabelMap, labelMap } from '../data/label-map.ts'

/** A label map and where it comes from. */
export interface DataLabels {
  readonly map: LabelMap
  readonly source: LabelSource
}

/** A label as the data writes it, and what it was taken for. */
export interface TakenLabel {
  readonly label: string
  readonly class: number
  readonly name: string
}

/** The labels that were met, by class. */
export interface TakenLabels {
  readonly source: LabelSource
  readonly labels: readonly TakenLabel[]
}

export interface LabelQuestion {
  /** The model's labels. */
  readonly names: readonly string[]
  readonly given?: string | GivenLabels | undefined
  /** Names that the data itself gives to its class numbers. */
  readonly classNames?: readonly string[] | undefined
  /** Reads the labels of the data; asked only where the model's names say nothing. */
  readonly written: () => AsyncIterable<unknown>
}

/** The label map of a data file. */
export async function dataLabels({
  names,
  given,
  classNames,
  written,
}: LabelQuestion): Promise<DataLabels> {
  if (given !== undefined) {
    const classes = givenLabels(given, names)
    return { map: labelMap(names, { classes, namesOnly: true }), source: 'given' }
  }
  const own: DataLabels = { map: labelMap(names), source: 'model' }
  const told = classNames && labelsOfFile(classNames, names, own)
  if (told) return told
  if (!areNumbered(names)) return own
  const labels = await distinct(written(), names.length)
  if (!labels || labels.every((label) => own.map.find(label) !== undefined)) {
    return { ...own, map: labelMap(names) }
  }
  const inferred = inferLabels(labels, names.length)
  if (!inferred) return own
  const { classes, source } = inferred
  if (source === 'numeric order')
    return { map: labelMap(names, { classes, namesOnly: true }), source }
  return { map: labelMap([...classes.keys()], { classes, namesOnly: true }), source }
}

/** By the names in the file: the model's own in any order, or the file's where the model has none. */
function labelsOfFile(
  classNames: readonly string[],
  names: readonly string[],
  own: DataLabels,
): DataLabels | undefined {
  if (areNumbered(names)) {
    return classNames.length === names.length
      ? { map: labelMap(classNames), source: 'file' }
      : undefined
  }
  const ids = classNames.map((name) => labelMap(own.map.names).find(name))
  if (ids.some((id) => id === undefined)) return undefined
  const classes = new Map(ids.map((id, label) => [String(label), id!]))
  return { map: labelMap(names, { classes, namesOnly: true }), source: 'file' }
}

/** Different labels, as text; undefined when there are more than the model has classes. */
async function distinct(
  labels: AsyncIterable<unknown>,
  most: number,
): Promise<readonly string[] | undefined> {
  const found = new Set<string>()
  for await (const label of labels) {
    found.add(String(label ?? '').trim())
    if (found.size > most) return undefined
  }
  return [...found]
}

/** The labels that a map has met, in the order of their classes. */
export function takenLabels({ map, source }: DataLabels): TakenLabels {
  const met = [...map.found].map(([label, id]) => ({ label, class: id, name: map.names[id]! }))
  return { source, labels: met.sort((a, b) => a.class - b.class) }
}

const MOST_SHOWN = 12
/** Sources that are no guess. */
const told: readonly LabelSource[] = ['model', 'given', 'file']

/** Such as `0 → negative, 1 → positive`; inferred ones say how. */
export function labelsText({ source, labels }: TakenLabels): string {
  const shown = labels.slice(0, MOST_SHOWN).map(({ label, name, class: id }) => {
    if (label !== name) return `${label} → ${name}`
    return source === 'model' ? label : `${label} → ${id}`
  })
  const more = labels.length > MOST_SHOWN ? `, … (${labels.length})` : ''
  const how = told.includes(source) ? '' : ` (by ${source}; --label-map says otherwise)`
  return `${shown.join(', ')}${more}${how}`
}
