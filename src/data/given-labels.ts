/**
 * A label map as a user gives it: `neg=0,pos=1`, a JSON file with such an object, or the object itself.
 */
import { LimbeckError } from '../errors.ts'
import { parseJson } from '../onnx/parse-json.ts'
import { readSmallText } from './regular-file.ts'

/** The class, by number or name, of each label as the data writes it. */
export type GivenLabels = Readonly<Record<string, number | string>>

const hint = 'Give pairs such as \'neg=0,pos=1\', or a JSON file such as { "neg": 0, "pos": 1 }.'

/** The class numbers of given labels. @throws LimbeckError for what is no map, or no class. */
export function givenLabels(
  given: string | GivenLabels,
  names: readonly string[],
): ReadonlyMap<string, number> {
  const map = labelPairs(given)
  const entries = Object.entries(map).map(([label, value]) => {
    const id = classOf(value, names)
    if (id !== undefined) return [label, id] as const
    const shown = names.slice(0, 20).join(', ') + (names.length > 20 ? ', …' : '')
    throw new LimbeckError(
      'usage',
      `label map: '${label}' is said to be ${JSON.stringify(value)}, which is none of the model's classes: ${shown} (or 0-${names.length - 1}).`,
      { hint },
    )
  })
  if (entries.length > 0) return new Map(entries)
  throw new LimbeckError('usage', 'label map: expected labels and classes, got none.', { hint })
}

/** Labels and what they are said to be, before anybody asks which classes there are. */
export const labelPairs = (given: string | GivenLabels): GivenLabels =>
  typeof given === 'string' ? parse(given) : given

function classOf(value: unknown, names: readonly string[]): number | undefined {
  const named = names.indexOf(String(value))
  if (named >= 0) return named
  const id = /^\d+$/.test(String(value)) ? Number(value) : Number.NaN
  return id < names.length ? id : undefined
}

const parse = (text: string): GivenLabels =>
  /\.json$/i.test(text) ? parseFile(text) : Object.fromEntries(text.split(',').map(pairOf))

function pairOf(text: string): [string, string] {
  // a label may hold '=', a class does not
  const at = text.lastIndexOf('=')
  const [label, value] = [text.slice(0, at).trim(), text.slice(at + 1).trim()]
  if (at >= 0 && label !== '' && value !== '') return [label, value]
  throw new LimbeckError('usage', `label map: expected label=class, got '${text}'.`, { hint })
}

/** Bytes of a label map's file; a thousand classes take a few kilobytes. */
const LARGEST_MAP = 10_000_000

function parseFile(path: string): GivenLabels {
  let map: unknown
  try {
    map = parseJson(readSmallText(path, LARGEST_MAP).replace(/^\ufeff/, ''))
  } catch (cause) {
    const reason = (cause as Error).message.replace(/\s+/g, ' ')
    throw new LimbeckError('file', `cannot read label map ${path}: ${reason}.`, { hint, cause })
  }
  if (typeof map === 'object' && map !== null && !Array.isArray(map)) return map as GivenLabels
  throw new LimbeckError('input', `${path}: expected an object of labels and classes.`, { hint })
}
