/** What lies inside a file: where its time goes by operator, and its bytes by layer. */
import { barDrawing } from './bar-chart.ts'
import type { DetailSection } from './detail-sections.ts'
import { keyOf, nameTint } from './name-tint.ts'
import { chosenOf, sourceOf } from './outcome.ts'
import type { Report } from './report.ts'
import type { Cell } from './table.ts'
import { formatBytes, formatCount, formatMs, formatPercent, unknown } from './units.ts'

const right = { align: 'right' } as const
/** Operators that are shown one by one; the rest is one row. */
const MOST_OPERATORS = 12
/** And those that take at least this share of one of the runs. */
const LEAST_SHARE = 0.005

/** The profiler counts whole microseconds. */
const timeText = (ms: number): string => (ms < 0.1 ? `${ms.toFixed(3)} ms` : formatMs(ms))

/** Time by operator, before and after. */
export function operatorsSection(report: Report): DetailSection | undefined {
  const times = report.details?.operators
  if (!times || times.variants.length === 0) return undefined
  const { shape, threads } = times
  const variants = times.variants.map(({ name, runMs, operators }) => ({
    name,
    runMs,
    total: operators.reduce((sum, { ms }) => sum + ms, 0),
    operators: new Map(operators.map((one) => [one.name, one])),
  }))
  const most = (name: string): number =>
    Math.max(...variants.map(({ operators }) => operators.get(name)?.ms ?? 0))
  const share = (name: string): number =>
    Math.max(...variants.map(({ operators, total }) => (operators.get(name)?.ms ?? 0) / total))
  const names = [...new Set(variants.flatMap(({ operators }) => [...operators.keys()]))]
  names.sort((a, b) => most(b) - most(a))
  const shown = names.slice(0, MOST_OPERATORS).filter((name) => share(name) >= LEAST_SHARE)
  const rest = names.filter((name) => !shown.includes(name))
  const timeOf = ({ operators }: (typeof variants)[number], of: readonly string[]) => {
    const parts = of.flatMap((name) => operators.get(name) ?? [])
    return {
      nodes: parts.reduce((sum, part) => sum + part.nodes, 0),
      ms: parts.reduce((sum, part) => sum + part.ms, 0),
    }
  }
  const rows = [
    ...shown.map((name) => ({ label: name, of: [name] })),
    ...(rest.length > 0
      ? [{ label: `${rest.length} other${rest.length === 1 ? '' : 's'}`, of: rest }]
      : []),
  ]
  return {
    title: 'Time by operator, before and after',
    captions: [
      `What ran, by ONNX Runtime's profiler, at ${shape} with ${threads} thread${threads === 1 ? '' : 's'}; medians, all nodes of an operator together: ${variants.map(({ name, total }) => `${formatMs(total)} in ${name}`).join(', ')}. The profiler itself takes some time of each node.`,
    ],
    table: {
      columns: [{ title: 'operator' }, ...variants.map(({ name }) => ({ title: name, ...right }))],
      rows: rows.map(({ label, of }) => [
        label,
        ...variants.map((variant): Cell => {
          const { nodes, ms } = timeOf(variant, of)
          if (nodes === 0) return unknown
          const share = formatPercent(ms / variant.total)
          return {
            text: timeText(ms),
            detail: `${share}, ${formatCount(nodes)} node${nodes === 1 ? '' : 's'}`,
          }
        }),
      ]),
    },
    key: keyOf(report, variants),
    drawing: barDrawing({
      id: 'operators',
      title: 'Time by operator, before and after',
      description: variants
        .map(
          (variant) =>
            `${variant.name}: ${rows
              .flatMap(({ label, of }) => {
                const { nodes, ms } = timeOf(variant, of)
                return nodes > 0 ? [`${label} ${timeText(ms)}`] : []
              })
              .join(', ')}`,
        )
        .join('; '),
      axis: 'ms in one run',
      format: String,
      groups: [
        {
          rows: rows.map(({ label, of }) => ({
            label,
            bars: variants.flatMap((variant) => {
              const { nodes, ms } = timeOf(variant, of)
              if (nodes === 0) return []
              return [{ tint: nameTint(report, variant.name), value: ms, text: timeText(ms) }]
            }),
          })),
        },
      ],
    }),
  }
}

/** Bytes of the weights by layer: all variants in the table, source and chosen one in the picture. */
export function layersSection(report: Report): DetailSection | undefined {
  const variants = report.details?.layers?.variants
  if (!variants || variants.length === 0) return undefined
  const graph = 'graph'
  const sizes = variants.map(({ name, layers, graphBytes }) => ({
    name,
    bytes: new Map([...layers.map((one) => [one.name, one.bytes] as const), [graph, graphBytes]]),
  }))
  const names = [...new Set(sizes.flatMap(({ bytes }) => [...bytes.keys()]))]
  const rows = [...names.filter((name) => name !== graph), graph]
  const ends = [sourceOf(report).name, chosenOf(report).name]
  const pair = sizes.filter(({ name }) => ends.includes(name))
  const sum = ({ bytes }: (typeof sizes)[number]): number =>
    [...bytes.values()].reduce((total, one) => total + one, 0)
  return {
    title: 'Bytes by layer',
    captions: [
      'Weights as they are stored in each file, by the layer that reads them first; graph is what the file holds beside them.',
    ],
    table: {
      columns: [{ title: 'layer' }, ...sizes.map(({ name }) => ({ title: name, ...right }))],
      rows: [
        ...rows.map((row) => [row, ...sizes.map(({ bytes }) => formatBytes(bytes.get(row)))]),
        [
          { text: 'all', tone: 'strong' as const },
          ...sizes.map((one): Cell => ({ text: formatBytes(sum(one)), tone: 'strong' })),
        ],
      ],
    },
    key: keyOf(report, pair),
    drawing:
      pair.length === 0
        ? undefined
        : barDrawing({
            id: 'layers',
            title: 'Bytes of the weights by layer',
            description: pair.map((one) => `${one.name}: ${formatBytes(sum(one))}`).join('; '),
            axis: 'MB in the file',
            format: (value) => String(Number((value / 1e6).toPrecision(6))),
            groups: [
              {
                rows: rows.map((row) => ({
                  label: row,
                  bars: pair.flatMap(({ name, bytes }) => {
                    const value = bytes.get(row)
                    if (value === undefined) return []
                    return [{ tint: nameTint(report, name), value, text: formatBytes(value) }]
                  }),
                })),
              },
            ],
          }),
  }
}
