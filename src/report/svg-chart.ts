/**
 * Charts drawn on the server to SVG by ECharts, which is imported only here and only when needed. A drawing
 * is its axes and the shapes between them, once for each width of the page.
 */
import { escapeHtml, Html } from './html-template.ts'
import type { ChartSize, Margins, Shape } from './shapes.ts'

/** A chart at one size. */
export interface Picture {
  readonly grid: Margins
  readonly xAxis: Shape
  readonly yAxis: Shape
  readonly shapes: readonly Shape[]
}

export interface Drawing {
  /** Unique in its page. */
  readonly id: string
  /** What it shows, and its figures, for who cannot see it. */
  readonly title: string
  readonly description: string
  height(width: number): number
  draw(size: ChartSize): Picture
}

/** The drawings as SVG elements, one a width. */
export async function svgCharts(
  drawings: readonly Drawing[],
  widths: readonly number[],
): Promise<Html[][]> {
  if (drawings.length === 0) return []
  const echarts = await import('echarts/core')
  const [{ CustomChart }, { GridComponent }, { SVGRenderer }] = await Promise.all([
    import('echarts/charts'),
    import('echarts/components'),
    import('echarts/renderers'),
  ])
  echarts.use([CustomChart, GridComponent, SVGRenderer])
  return drawings.map((drawing) =>
    widths.map((width, index) => {
      const size = { width, height: drawing.height(width) }
      const chart = echarts.init(null, null, { ssr: true, renderer: 'svg', ...size })
      try {
        chart.setOption(chartOption(drawing.draw(size)))
        return accessible(chart.renderToSVGString(), drawing, index)
      } finally {
        // its timer would keep the process alive
        chart.dispose()
      }
    }),
  )
}

const chartOption = ({ grid, xAxis, yAxis, shapes }: Picture): Shape => ({
  animation: false,
  textStyle: { fontFamily: 'inherit' },
  // shapes are placed by this very grid: ECharts must not move it to make room for texts
  grid: { ...grid, outerBoundsMode: 'none' },
  xAxis,
  yAxis,
  series: [
    {
      type: 'custom',
      silent: true,
      data: [[xAxis.min, yAxis.min]],
      renderItem: () => ({ type: 'group', children: shapes }),
    },
  ],
})

/** A tick of an axis: where, and what stands there. */
export interface Tick {
  readonly at: number
  readonly text: string
}

/** A numeric axis with ticks of our own, its line and marks left out. */
export function tickAxis(
  { min, max }: { readonly min: number; readonly max: number },
  ticks: readonly Tick[],
  more: Shape = {},
): Shape {
  const customValues = ticks.map(({ at }) => at)
  const texts = new Map(ticks.map(({ at, text }) => [at, text]))
  return {
    type: 'value',
    min,
    max,
    nameTextStyle: { color: 'var(--muted)', fontSize: 12 },
    axisLabel: {
      color: 'var(--muted)',
      fontSize: 12,
      customValues,
      formatter: (value: number) => texts.get(value) ?? '',
    },
    axisTick: { show: false, customValues },
    axisLine: { show: false },
    splitLine: { lineStyle: { color: 'var(--line)' } },
    ...more,
  }
}

/** A vertical axis's name, above it and from the drawing's edge on. */
export const nameAbove = (name: string, { left }: Margins): Shape => ({
  name,
  nameLocation: 'end',
  nameTextStyle: {
    color: 'var(--muted)',
    fontSize: 12,
    align: 'left',
    padding: [0, 0, 0, -left + 4],
  },
})

/** Where an axis's values lie between two pixels. */
export const pixels =
  (scale: { readonly min: number; readonly max: number }, from: number, to: number) =>
  (value: number): number =>
    from + ((value - scale.min) / (scale.max - scale.min)) * (to - from)

/** The drawing with a name and a description, and without what only a live chart needs. */
function accessible(svg: string, { id, title, description }: Drawing, index: number): Html {
  const own = `${id}-${index}`
  const head = `<title id="${own}-title">${escapeHtml(title)}</title><desc id="${own}-desc">${escapeHtml(description)}</desc>`
  return new Html(
    svg
      .replace(/<style[\s\S]*?<\/style>/g, '')
      .replace(/ (?:ecmeta_\w+|class|pointer-events)="[^"]*"/g, '')
      .replace(
        /^<svg ([^>]*)>/,
        (_, attributes: string) =>
          `<svg ${attributes} role="img" aria-labelledby="${own}-title ${own}-desc">${head}`,
      ),
  )
}
