/** What `export` and `quantize` print. */
import type { WriteResult } from '../jobs/export-model.ts'
import type { Table } from '../report/index.ts'
import { portabilityText } from '../report/kernel-report.ts'
import { type MixSearch, raisedTable, triedTable, valueText } from '../report/mix-search.ts'
import { formatBytes, formatCount, formatNumber, formatSeconds, unknown } from '../report/units.ts'
import { explainText } from './explain-passes.ts'
import { folderText, proseText, tableText } from './show.ts'
import type { View } from './verb.ts'

/** The files written, and what passes did to them when that was asked for. */
export function writtenText(
  { variants, verified, folder, seconds, notes, search }: WriteResult,
  explain: boolean | undefined,
  view: View,
): string {
  const right = { align: 'right' } as const
  const checked = verified.some(({ kernels }) => kernels)
  const table: Table = {
    columns: [
      { title: 'variant' },
      { title: 'file' },
      { title: 'size', ...right },
      { title: 'nodes', ...right, drop: 2 },
      { title: 'largest difference', ...right },
      { title: 'cosine', ...right, drop: 3 },
      ...(checked ? [{ title: 'integer products', drop: 1 }] : []),
    ],
    rows: variants.map(({ name, file, bytes, nodes }) => {
      const check = verified.find((one) => one.name === name)
      return [
        name,
        file,
        formatBytes(bytes),
        formatCount(nodes),
        check ? formatNumber(check.maxAbsError) : unknown,
        check ? check.cosine.toFixed(6) : unknown,
        ...(checked ? [check?.kernels ? portabilityText(check.kernels.portability) : unknown] : []),
      ]
    }),
  }
  const compared = verified.length > 0 ? ', each compared with its source' : ''
  const done = `${variants.length} file${variants.length === 1 ? '' : 's'} in ${formatSeconds(seconds)}${compared}.`
  return [
    ...(search ? [searchText(search, view), ''] : []),
    tableText(table, view),
    done,
    ...notes.map((note) => proseText(`Note: ${note}`, view)),
    folderText(folder, []),
    ...(explain ? ['', explainText(variants, view)] : []),
  ].join('\n')
}

/** What was tried, and which layers have more bits. */
function searchText(search: MixSearch, view: View): string {
  const { by, raised, why, source, examples } = search
  return [
    `${formatCount(examples)} examples, fp32 ${valueText(by, source)}:`,
    tableText(triedTable(search), view),
    ...(raised.length > 0 ? ['', tableText(raisedTable(search), view)] : []),
    '',
    proseText(why, view),
  ].join('\n')
}
