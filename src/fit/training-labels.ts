/**
 * The classes of a data file that a new head is made for: as a label map says, as the file names them, or
 * as its labels tell. Numbers from 0 are classes without names (`LABEL_0`, as Hugging Face calls them);
 * other numbers keep their order, names are sorted.
 */
import { labelPairs } from '../data/given-labels.ts'
import { inferLabels } from '../data/infer-labels.ts'
import type { LabelMap } from '../data/label-map.ts'
import { readExamples } from '../data/read-examples.ts'
import { parseColumn, readClassNames } from '../data/read-table.ts'
import { isTaggedTable, readTagged } from '../data/read-tagged.ts'
import { taggedColumns } from '../data/tagged-rows.ts'
import { LimbeckError } from '../errors.ts'
import type { DataColumns } from './data-columns.ts'
import type { DataOptions } from './measured-text.ts'

/** How a row has its label: one class, several, or one a word. */
export type LabelKind = 'class' | 'classes' | 'tags'

/** More different labels than any task has: the column is none of labels. */
const MOST_LABELS = 10_000

/** What a file says of its classes. */
export interface FoundClasses {
  /** Names that the file itself gives to class numbers (Parquet). */
  readonly named: readonly string[] | undefined
  /** The labels as they are written, each once. */
  readonly written: readonly string[]
}

/** Reads the labels of a file. @throws LimbeckError for a file without labels, or with too many. */
export async function findClasses(
  kind: LabelKind,
  data: DataOptions,
  columns: DataColumns | undefined,
): Promise<FoundClasses> {
  const written = new Set<string>()
  const labels: LabelMap = {
    names: [],
    found: new Map(),
    find: () => undefined,
    classOf: (label, where) => {
      const text = String(label ?? '').trim()
      if (text === '') {
        throw new LimbeckError('input', `${where}: expected a label, got none.`, {
          hint: 'Name the column with --label, and check whether the file has a header.',
        })
      }
      written.add(text)
      if (written.size <= MOST_LABELS) return 0
      throw new LimbeckError('input', `${where}: more than ${MOST_LABELS} different labels.`, {
        hint: 'Name the column of the classes with --label, or train for numbers with --task regression.',
      })
    },
  }
  const { file, encoding, limit } = data
  if (kind === 'tags') {
    const asked = { text: columnOf(data.text), tag: columnOf(data.label), encoding }
    const named = isTaggedTable(file)
      ? await readClassNames(file, (await taggedColumns(file, asked)).tag)
      : undefined
    for await (const _ of readTagged(file, { ...asked, labels, limit }));
    return atLeastOne(file, { named, written: [...written] })
  }
  const { text, textPair, label: target } = columns!
  if (target === undefined) throw noLabel(file)
  const reading = { header: columns!.header ?? ('auto' as const), encoding }
  const options = { columns: { text, textPair, target }, kind, labels, limit, ...reading }
  for await (const _ of readExamples(file, options));
  const named = await readClassNames(file, target, reading)
  return atLeastOne(file, { named, written: [...written] })
}

const columnOf = (name: string | undefined) => (name === undefined ? undefined : parseColumn(name))

const noLabel = (file: string): LimbeckError =>
  new LimbeckError('usage', `${file}: cannot tell which column holds the label.`, {
    hint: 'Name it with --label, by name or number from 1.',
  })

function atLeastOne(file: string, found: FoundClasses): FoundClasses {
  if (found.written.length > 0) return found
  throw new LimbeckError('input', `${file}: expected examples with labels, found none.`)
}

/**
 * Names of the classes of a new head, in order.
 * @param given a label map: what the data's labels stand for.
 */
export function classNames(
  { named, written }: FoundClasses,
  given: DataOptions['labelMap'],
): readonly string[] {
  if (given !== undefined) return namesOfMap(given)
  if (named) return named
  const numbers = written.map(Number)
  if (written.every((label, i) => /^\d+(\.0+)?$/.test(label) && Number.isInteger(numbers[i]))) {
    const most = Math.max(...numbers)
    // classes 0 … n, of which some may be rare
    if (Math.min(...numbers) === 0 && most < 2 * written.length) {
      return Array.from({ length: most + 1 }, (_, id) => `LABEL_${id}`)
    }
  }
  const inferred = inferLabels(written, written.length)
  return inferred ? [...inferred.classes.keys()] : [...written].sort()
}

/** `0=negative,1=positive`: the names that stand there; `neg=0,pos=1`: the labels by their class. */
function namesOfMap(given: NonNullable<DataOptions['labelMap']>): readonly string[] {
  const pairs = Object.entries(labelPairs(given))
  const isNumber = (value: unknown): boolean => /^\d+$/.test(String(value))
  if (!pairs.every(([, value]) => isNumber(value))) {
    return [...new Set(pairs.map(([, value]) => String(value)))]
  }
  const names: string[] = []
  for (const [label, id] of pairs) names[Number(id)] ??= label
  return Array.from(names, (label, id) => label ?? `LABEL_${id}`)
}
