/**
 * `--explain`: what every pass and rule did to a file's graph, and why rules left what they left.
 *
 * A table of what fired, then sentences: the nearest miss of each rule, and those that saw nothing alike.
 */
import type { PassRecord, RuleRecord } from '../passes/index.ts'
import type { Cell, Table } from '../report/index.ts'
import { formatCount, formatMs, unknown } from '../report/units.ts'
import { proseText, tableText } from './show.ts'
import type { View } from './verb.ts'

/** A file and the passes that made it. */
export interface ExplainedVariant {
  readonly name: string
  readonly passes: readonly PassRecord[]
}

/** Every variant under its name; those that no pass touched say so. */
export const explainText = (variants: readonly ExplainedVariant[], view: View): string =>
  variants
    .map(({ name, passes }) =>
      passes.length === 0
        ? `Passes, ${name}: none`
        : [
            `Passes, ${name}\n${tableText(passesTable(passes), view)}`,
            '',
            ...missTexts(passes).map((text) => proseText(text, view)),
          ].join('\n'),
    )
    .join('\n\n')

const right = { align: 'right' } as const

function passesTable(passes: readonly PassRecord[]): Table {
  return {
    columns: [
      { title: 'pass, rule' },
      { title: 'fired', ...right },
      { title: 'nodes', ...right, drop: 1 },
      { title: 'time', ...right, drop: 2 },
    ],
    rows: passes.flatMap((pass) => [
      [
        { text: pass.pass, tone: 'strong' as const },
        '',
        { text: `${formatCount(pass.nodesBefore)} → ${formatCount(pass.nodesAfter)}` },
        formatMs(pass.ms),
      ],
      ...pass.rules.map(ruleRow),
    ]),
  }
}

function ruleRow({ rule, hits, nodes, ms, anchors }: RuleRecord): Cell[] {
  const tone = hits === 0 ? ('weak' as const) : undefined
  return [
    { text: `  ${rule}`, tone },
    { text: formatCount(hits), tone },
    { text: hits === 0 ? unknown : signed(nodes), tone },
    // what is counted without a rule is timed with its pass
    { text: anchors.length === 0 || ms === 0 ? unknown : formatMs(ms), tone },
  ]
}

const signed = (nodes: number): string =>
  nodes > 0 ? `+${formatCount(nodes)}` : formatCount(nodes).replace('-', '−')

/** Near misses, a sentence each; then the rules that found nothing alike, in one. */
function missTexts(passes: readonly PassRecord[]): string[] {
  const rules = passes.flatMap((pass) => pass.rules)
  const near = rules.filter(({ nearest }) => nearest)
  const unlike = rules.filter(({ hits, nearest }) => hits === 0 && !nearest)
  const names = (some: readonly RuleRecord[], count: (rule: RuleRecord) => string) =>
    some.map((one) => `${one.rule} (${count(one)} ${operators(one.anchors, one.left)})`).join(', ')
  const seen = names(
    unlike.filter(({ left }) => left > 0),
    ({ left }) => formatCount(left),
  )
  const absent = names(
    unlike.filter(({ left }) => left === 0),
    () => 'no',
  )
  return [
    ...near.map(nearText),
    ...(seen === '' ? [] : [`Found nothing alike: ${seen}.`]),
    ...(absent === '' ? [] : [`Had nothing to look at: ${absent}.`]),
  ]
}

function nearText({ rule, near, left, anchors, nearest }: RuleRecord): string {
  const { op, origin, value, reason } = nearest!
  const some = near < left ? formatCount(near) : left === 1 ? 'it' : 'all'
  const place = origin === '' ? op : `${origin} (${op})`
  const at = value === undefined ? place : `${place}, value ${value}`
  return `${rule} left ${formatCount(left)} ${operators(anchors, left)}; ${some} came near. Nearest: ${at}: ${reason}.`
}

/** A few names; a rule for many operators is one for nodes. */
const operators = (anchors: readonly string[], count: number): string =>
  anchors.length <= 4 ? anchors.join('/') : count === 1 ? 'node' : 'nodes'
