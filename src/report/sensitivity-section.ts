/** Which layers quantization hurts: heat maps of what it costs the answers and of noise, and the table of both. */
import type { DetailSection } from './detail-sections.ts'
import { type HeatMap, logHeats } from './heat-map.ts'
import { moduleGrid } from './module-grid.ts'
import type { Report } from './report.ts'
import type { LayerSensitivity, MeasuredLoss, SensitivityReport } from './sensitivity.ts'
import type { Table } from './table.ts'
import { formatBytes, formatCount, formatInterval, formatNumber, unknown } from './units.ts'

/** What losses are, as a title. */
export const lossTitles = {
  kl: 'KL of the answers',
  cosine: '1 − cosine',
  squared: 'squared difference',
} as const

/** Small numbers beside their interval. */
export const lossText = ({ mean, interval }: MeasuredLoss): string =>
  `${smallNumber(mean)} (${formatInterval(interval, smallNumber)})`

/** Losses reach over many decades. */
export const smallNumber = (value: number): string =>
  value !== 0 && Math.abs(value) < 1e-3 ? value.toExponential(1) : formatNumber(value)

const decibels = (value: number | null): string => (value === null ? '∞' : value.toFixed(1))

const partsText = ({ weights, input }: NonNullable<LayerSensitivity['parts']>): string =>
  `weights ${decibels(weights)}, input ${decibels(input)}`

/** Every layer, most sensitive first. */
export function sensitivityTable({ layers, loss }: SensitivityReport): Table {
  const right = { align: 'right' } as const
  return {
    columns: [
      { title: 'layer' },
      { title: 'kind', drop: 4 },
      { title: 'SQNR (dB)', ...right },
      { title: `${lossTitles[loss]}: estimated`, ...right, drop: 2 },
      { title: 'measured', ...right },
      { title: 'fp32 adds', ...right, drop: 1 },
    ],
    rows: layers.map((layer) => [
      layer.path,
      layer.kind,
      { text: decibels(layer.sqnr), detail: layer.parts && partsText(layer.parts) },
      layer.estimate === undefined ? unknown : smallNumber(layer.estimate),
      layer.loss
        ? {
            text: smallNumber(layer.loss.mean),
            detail: formatInterval(layer.loss.interval, smallNumber),
          }
        : unknown,
      formatBytes(layer.bytes),
    ]),
  }
}

/** What all layers together lose, and what to leave in fp32, in words. */
export function sensitivityVerdict({ all, advice, loss }: SensitivityReport): string {
  const verdict = advice
    ? `Left in fp32, ${advice.exclude.length === 1 ? 'this layer brings' : `these ${advice.exclude.length} layers bring`} it to ${lossText(advice.loss)}:`
    : 'Leaving the measured layers in fp32 does not halve it: the loss comes from many layers.'
  return `All layers quantized: ${lossTitles[loss]} ${lossText(all)}. ${verdict}`
}

/** The section of a page; undefined where nothing was measured. */
export function sensitivitySection(found: SensitivityReport): DetailSection {
  const { layers, loss, samples, scheme, advice, madeUp } = found
  const excluded = advice ? ` ${advice.exclude.join(', ')}.` : ''
  return {
    title: 'Sensitivity to quantization',
    captions: [
      `What ${scheme} does to each layer alone, over ${formatCount(samples)} ${madeUp ? `made-up inputs (${madeUp})` : 'texts'}. ${sensitivityVerdict(found)}${excluded}`,
    ],
    heat: [
      ...mapsOf(layers, `${lossTitles[loss]}, measured where marked *, else estimated`, lossCell),
      ...mapsOf(layers, 'Signal over noise (dB)', noiseCell),
    ],
    table: sensitivityTable(found),
  }
}

/** Of a report that has it. */
export const sensitivityOfReport = ({ details }: Report): DetailSection | undefined =>
  details?.sensitivity && sensitivitySection(details.sensitivity)

/** What a map shows of a layer: a quantity of which more is worse, and its text. */
type CellOf = (
  layer: LayerSensitivity,
) => { readonly value: number; readonly text: string } | undefined

const lossCell: CellOf = ({ loss, estimate }) => {
  if (loss) return { value: loss.mean, text: `${smallNumber(loss.mean)} *` }
  return estimate === undefined ? undefined : { value: estimate, text: smallNumber(estimate) }
}

// as noise over signal: more is worse
const noiseCell: CellOf = ({ sqnr }) => ({
  value: sqnr === null ? 0 : 10 ** (-sqnr / 10),
  text: decibels(sqnr),
})

/** A map of the layers, and one of what stands outside of them; none where there is nothing to show. */
function mapsOf(layers: readonly LayerSensitivity[], title: string, cellOf: CellOf): HeatMap[] {
  const grid = moduleGrid(layers.map(({ path }) => path))
  const byPath = new Map(layers.map((layer) => [layer.path, layer]))
  const shown = layers.flatMap((layer) => cellOf(layer)?.value ?? [])
  if (shown.length === 0) return []
  const heatOf = logHeats(shown)
  const cell = (path: string | undefined) => {
    const layer = path === undefined ? undefined : byPath.get(path)
    const found = layer && cellOf(layer)
    return layer && found
      ? { text: found.text, heat: heatOf(found.value), detail: detailOf(layer) }
      : undefined
  }
  const inside = grid.layers.map((name) => ({
    name,
    cells: grid.columns.map((column) =>
      cell(grid.cells.find((place) => place.layer === name && place.column === column)?.path),
    ),
  }))
  const outside = grid.cells.filter(({ layer }) => layer === undefined)
  const others = {
    title: `${title}: outside of the layers`,
    columns: outside.map(({ path }) => path),
    rows: [{ name: '', cells: outside.map(({ path }) => cell(path)) }],
  }
  return [
    ...(inside.length > 0 ? [{ title, columns: grid.columns, rows: inside }] : []),
    ...(outside.length > 0 ? [others] : []),
  ]
}

/** All figures of a layer. */
function detailOf({ path, sqnr, parts, estimate, loss }: LayerSensitivity): string {
  return [
    path,
    `SQNR ${decibels(sqnr)} dB`,
    parts && `${partsText(parts)} dB`,
    estimate !== undefined && `estimated ${smallNumber(estimate)}`,
    loss && `measured ${lossText(loss)}`,
  ]
    .filter(Boolean)
    .join('; ')
}
