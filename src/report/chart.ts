/**
 * The report's picture: latency against quality, the mark's area the size of the file, bars for both
 * intervals. Drawn on the server to SVG by ECharts, which is imported only here and only when needed;
 * colours are the page's variables, so that one drawing serves light and dark.
 */
import { type ChartData, type ChartPoint, chartData, type PointRole } from './chart-points.ts'
import { escapeHtml, Html } from './html-template.ts'
import { gainSentence, headlineText } from './outcome.ts'
import { type Box, placeLabels } from './place-labels.ts'
import { displayWidth, printable } from './plain-text.ts'
import type { Report } from './report.ts'

export interface ChartSize {
  readonly width: number
  readonly height: number
}

const colors: Readonly<Record<PointRole, string>> = {
  source: 'var(--source)',
  chosen: 'var(--chosen)',
  rejected: 'var(--bad)',
  other: 'var(--variant)',
}

const importance: readonly PointRole[] = ['chosen', 'source', 'other', 'rejected']

/** The chart as SVG elements, one a size; none where latency or quality was not measured. */
export async function reportCharts(report: Report, sizes: readonly ChartSize[]): Promise<Html[]> {
  const data = chartData(report)
  if (!data) return []
  const echarts = await import('echarts/core')
  const [{ CustomChart }, { GridComponent }, { SVGRenderer }] = await Promise.all([
    import('echarts/charts'),
    import('echarts/components'),
    import('echarts/renderers'),
  ])
  echarts.use([CustomChart, GridComponent, SVGRenderer])
  return sizes.map((size, index) => {
    const chart = echarts.init(null, null, { ssr: true, renderer: 'svg', ...size })
    try {
      chart.setOption(chartOption(report, data, size))
      return accessible(chart.renderToSVGString(), report, data, index)
    } finally {
      // its timer would keep the process alive
      chart.dispose()
    }
  })
}

function chartOption(report: Report, data: ChartData, size: ChartSize): Shape {
  const narrow = size.width < 500
  const { x, y } = data
  const grid = { left: narrow ? 52 : 64, right: narrow ? 12 : 24, top: 36, bottom: 52 }
  const axis = {
    type: 'value',
    nameTextStyle: { color: 'var(--muted)', fontSize: 12 },
    axisLabel: { color: 'var(--muted)', fontSize: 12 },
    splitLine: { lineStyle: { color: 'var(--line)' } },
    axisLine: { show: false },
    axisTick: { show: false },
  }
  const latency = narrow ? 'p50 latency, ms' : `p50 latency in ms at ${headlineText(report)}`
  const steps = narrow && (x.max - x.min) / x.step > 5 ? 2 : 1
  return {
    animation: false,
    textStyle: { fontFamily: 'inherit' },
    grid,
    xAxis: {
      ...axis,
      ...ends({ ...x, step: x.step * steps }),
      name: latency,
      nameLocation: 'middle',
      nameGap: 32,
    },
    yAxis: {
      ...axis,
      ...ends(y),
      name: data.yTitle,
      nameLocation: 'end',
      nameTextStyle: { ...axis.nameTextStyle, align: 'left', padding: [0, 0, 0, -grid.left + 14] },
      axisLabel: { ...axis.axisLabel, formatter: data.formatY },
    },
    series: [
      {
        type: 'custom',
        silent: true,
        data: [[x.min, y.min]],
        renderItem: () => ({ type: 'group', children: drawing(data, size, grid) }),
      },
    ],
  }
}

const ends = ({ min, max, step }: { min: number; max: number; step: number }) => ({
  min,
  max,
  interval: step,
})

type Shape = Readonly<Record<string, unknown>>
type Grid = Readonly<Record<'left' | 'right' | 'top' | 'bottom', number>>

/** Everything inside the axes, as shapes in pixels. */
function drawing(data: ChartData, { width, height }: ChartSize, grid: Grid): Shape[] {
  const plot: Box = {
    left: grid.left,
    top: grid.top,
    width: width - grid.left - grid.right,
    height: height - grid.top - grid.bottom,
  }
  const { x, y } = data
  const px = (ms: number): number => plot.left + ((ms - x.min) / (x.max - x.min)) * plot.width
  const py = (value: number): number =>
    plot.top + (1 - (value - y.min) / (y.max - y.min)) * plot.height
  const largest = Math.max(...data.points.map(({ bytes }) => bytes))
  const most = width < 500 ? 20 : 28
  const points = data.points.toSorted(
    (a, b) => importance.indexOf(a.role) - importance.indexOf(b.role),
  )
  const marks = points.map((point) => ({
    ...labelSize(point),
    x: px(point.x),
    y: py(point.y),
    // area, not radius, is the size
    radius: Math.max(5, most * Math.sqrt(point.bytes / largest)),
    bars: barsOf(point, px, py),
  }))
  const boxes = placeLabels(marks, plot)
  return [
    ...limitLine(data, plot, py),
    ...points.map((point, i) => bubble(point, marks[i]!)),
    ...points.flatMap((point) => errorBars(point, px, py)),
    ...points.flatMap((point, i) => label(point, marks[i]!, boxes[i]!)),
  ]
}

type Pixel = (value: number) => number

const barsOf = ({ x, y, xInterval, yInterval }: ChartPoint, px: Pixel, py: Pixel): Box[] => [
  {
    left: px(xInterval.low),
    top: py(y) - 3,
    width: px(xInterval.high) - px(xInterval.low),
    height: 6,
  },
  {
    left: px(x) - 3,
    top: py(yInterval.high),
    width: 6,
    height: py(yInterval.low) - py(yInterval.high),
  },
]

function bubble(point: ChartPoint, mark: { x: number; y: number; radius: number }): Shape {
  const color = colors[point.role]
  const style = {
    fill: point.role === 'rejected' ? 'none' : color,
    fillOpacity: point.role === 'chosen' ? 0.32 : 0.16,
    stroke: color,
    lineWidth: point.role === 'chosen' ? 2.5 : 1.5,
    ...(point.role === 'rejected' && { lineDash: [4, 3] }),
  }
  return { type: 'circle', shape: { cx: mark.x, cy: mark.y, r: mark.radius }, style }
}

function errorBars(point: ChartPoint, px: Pixel, py: Pixel): Shape[] {
  const [x, y] = [px(point.x), py(point.y)]
  const [left, right] = [px(point.xInterval.low), px(point.xInterval.high)]
  const [top, bottom] = [py(point.yInterval.high), py(point.yInterval.low)]
  const cap = 4
  const color = colors[point.role]
  const lines = [
    [left, y, right, y],
    [left, y - cap, left, y + cap],
    [right, y - cap, right, y + cap],
    [x, top, x, bottom],
    [x - cap, top, x + cap, top],
    [x - cap, bottom, x + cap, bottom],
  ] as const
  return [
    ...lines.map(([x1, y1, x2, y2]) => line(x1, y1, x2, y2, { stroke: color, lineWidth: 1.25 })),
    { type: 'circle', shape: { cx: x, cy: y, r: 2.5 }, style: { fill: color } },
  ]
}

const line = (x1: number, y1: number, x2: number, y2: number, style: Shape): Shape => ({
  type: 'line',
  shape: { x1, y1, x2, y2 },
  style: { fill: 'none', ...style },
})

/** From the size up to the label: name over detail. */
const labelLine = { name: 14, detail: 12, height: 34 }

// the font of the page
const font = (fontSize: number, fontWeight = 400): Shape => ({
  fontSize,
  fontWeight,
  fontFamily: 'inherit',
})

const labelText = (point: ChartPoint): string =>
  point.role === 'chosen' ? `✔ ${printable(point.name)}` : printable(point.name)

/** Text cannot be measured here: 0.6 of its size a column is wide enough for common fonts. */
const labelSize = (point: ChartPoint): { width: number; height: number } => ({
  width: Math.max(
    displayWidth(labelText(point)) * labelLine.name * 0.6,
    displayWidth(point.detail) * labelLine.detail * 0.56,
  ),
  height: labelLine.height,
})

function label(
  point: ChartPoint,
  mark: { x: number; y: number; radius: number },
  box: Box,
): Shape[] {
  const centre = box.left + box.width / 2
  const away = Math.abs(centre - mark.x) > 4
  const [align, at] = !away
    ? ['center', centre]
    : centre > mark.x
      ? ['left', box.left]
      : ['right', box.left + box.width]
  const text = (content: string, y: number, style: Shape): Shape => ({
    type: 'text',
    style: { text: content, x: at, y, align, verticalAlign: 'top', ...style },
  })
  const bold = point.role === 'chosen'
  return [
    text(labelText(point), box.top, {
      fill: bold ? 'var(--chosen)' : 'var(--ink)',
      ...font(labelLine.name, bold ? 700 : 600),
    }),
    text(point.detail, box.top + 18, { fill: 'var(--muted)', ...font(labelLine.detail) }),
  ]
}

function limitLine({ limit }: ChartData, plot: Box, py: Pixel): Shape[] {
  if (limit === undefined) return []
  const [y, right] = [py(limit), plot.left + plot.width]
  return [
    line(plot.left, y, right, y, { stroke: 'var(--bad)', lineDash: [6, 5], lineWidth: 1.25 }),
    {
      type: 'text',
      style: {
        text: 'largest allowed drop',
        x: right,
        y: y + 4,
        align: 'right',
        verticalAlign: 'top',
        fill: 'var(--bad)',
        ...font(labelLine.detail),
      },
    },
  ]
}

/** The drawing with a name and a description, and without what only a live chart needs. */
function accessible(svg: string, report: Report, data: ChartData, index: number): Html {
  const id = `chart-${index}`
  const points = data.points.map(
    ({ name, x, y }) => `${name}: ${x.toFixed(2)} ms, ${data.formatY(y)}`,
  )
  const title = `Latency against ${data.yTitle} of ${data.points.length} variants`
  const description = `${gainSentence(report)} ${points.join('; ')}.`
  const head = `<title id="${id}-title">${escapeHtml(title)}</title><desc id="${id}-desc">${escapeHtml(description)}</desc>`
  return new Html(
    svg
      .replace(/<style[\s\S]*?<\/style>/g, '')
      .replace(/ (?:ecmeta_\w+|class|pointer-events)="[^"]*"/g, '')
      .replace(
        /^<svg ([^>]*)>/,
        (_, attributes: string) =>
          `<svg ${attributes} role="img" aria-labelledby="${id}-title ${id}-desc">${head}`,
      ),
  )
}
