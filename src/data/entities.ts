/**
 * Entities of a tag sequence, and how two sequences agree, by seqeval's definition.
 *
 * seqeval's default mode follows conlleval: an entity begins at B, at an I (or E) that follows O, and
 * wherever the type changes, so that IOB1 and ill-formed IOB2 read as people mean them. E and S of
 * IOBES end an entity. Nakayama 2018, https://github.com/chakki-works/seqeval; Tjong Kim Sang and
 * Buchholz 2000.
 */
import type { Statistic } from '../stats/index.ts'

/** A run of words of one type: `start` up to, not including, `end`. */
export interface Entity {
  readonly type: string
  readonly start: number
  readonly end: number
}

interface Tag {
  readonly mark: string
  readonly type: string
}

/** `B-creative-work` is B of creative-work; a bare mark is of the type `_`. */
function parseTag(tag: string): Tag {
  const rest = tag.slice(1)
  const dash = rest.indexOf('-')
  return { mark: tag[0] ?? 'O', type: (dash < 0 ? rest : rest.slice(dash + 1)) || '_' }
}

const outside: Tag = { mark: 'O', type: '_' }

/** Marks after which an entity is over whatever comes, and those that need one of these next. */
const endsAlways = new Set(['E', 'S'])
const endsBefore: Readonly<Record<string, ReadonlySet<string>>> = {
  B: new Set(['B', 'S', 'O']),
  I: new Set(['B', 'S', 'O']),
}
const beginsAlways = new Set(['B', 'S'])
const beginsAfter: Readonly<Record<string, ReadonlySet<string>>> = {
  E: new Set(['E', 'I']),
  S: new Set(['E', 'I']),
  O: new Set(['E', 'I']),
}

const ends = (previous: Tag, tag: Tag): boolean =>
  endsAlways.has(previous.mark) ||
  endsBefore[previous.mark]?.has(tag.mark) === true ||
  (previous.mark !== 'O' && previous.mark !== '.' && previous.type !== tag.type)

const begins = (previous: Tag, tag: Tag): boolean =>
  beginsAlways.has(tag.mark) ||
  beginsAfter[previous.mark]?.has(tag.mark) === true ||
  (tag.mark !== 'O' && tag.mark !== '.' && previous.type !== tag.type)

/** Entities of the tags of one sentence, in order. */
export function entitiesOf(tags: readonly string[]): Entity[] {
  const entities: Entity[] = []
  let previous = { ...outside, type: '' }
  let start = 0
  for (let i = 0; i <= tags.length; i++) {
    const tag = i < tags.length ? parseTag(tags[i]!) : outside
    if (ends(previous, tag)) entities.push({ type: previous.type, start, end: i })
    if (begins(previous, tag)) start = i
    previous = tag
  }
  return entities
}

/** What the answer and the truth of one sentence count. */
interface Agreement {
  readonly hits: number
  readonly found: number
  readonly expected: number
  readonly rightTags: number
  readonly tags: number
}

/** The totals of some sentences. */
export type AgreementTotals = Readonly<Record<keyof Agreement, number>>

const key = ({ type, start, end }: Entity): string => `${start} ${end} ${type}`

/** The fields of an agreement, in the order of its numbers. */
const fields = ['hits', 'found', 'expected', 'rightTags', 'tags'] as const

/** What the answer and the truth of one sentence count, as the numbers that are kept of it. */
export function agreementOf(
  answer: readonly string[],
  expected: readonly string[],
): readonly number[] {
  const found = new Set(entitiesOf(answer).map(key))
  const wanted = entitiesOf(expected).map(key)
  const agreement: Agreement = {
    hits: wanted.filter((entity) => found.has(entity)).length,
    found: found.size,
    expected: wanted.length,
    rightTags: expected.filter((tag, i) => tag === answer[i]).length,
    tags: expected.length,
  }
  return fields.map((field) => agreement[field])
}

/**
 * A score of sentences together (micro average) as a statistic, a sentence being what is resampled:
 * the tags of one sentence depend on each other.
 * @param agreements a column for each number of `agreementOf`.
 */
export function agreementStatistic(
  agreements: readonly ArrayLike<number>[],
  score: (totals: AgreementTotals) => number,
): Statistic {
  return (counts) => {
    const totals = fields.map((_, field) => {
      const column = agreements[field]!
      let sum = 0
      for (let i = 0; i < counts.length; i++) sum += counts[i]! * column[i]!
      return sum
    })
    const [hits, found, expected, rightTags, tags] = totals as [
      number,
      number,
      number,
      number,
      number,
    ]
    return score({ hits, found, expected, rightTags, tags })
  }
}

/** A share that is 0 where there is nothing to share, as seqeval has it. */
const share = (part: number, whole: number): number => (whole === 0 ? 0 : part / whole)

/** Scores of the totals; the harmonic mean of precision and recall is 2·hits / (found + expected). */
export const agreementScores = {
  f1: ({ hits, found, expected }) => share(2 * hits, found + expected),
  precision: ({ hits, found }) => share(hits, found),
  recall: ({ hits, expected }) => share(hits, expected),
  accuracy: ({ rightTags, tags }) => share(rightTags, tags),
} as const satisfies Record<string, (totals: AgreementTotals) => number>
