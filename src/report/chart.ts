/**
 * The report's picture: latency against quality, the mark's area the size of the file, bars for both
 * intervals. Drawn on the server to SVG by ECharts, which is imported only here and only when needed;
 * colours are the page's variables, so that one drawing serves light and dark.
 */
import { type ChartData, chartData } from './chart-points.ts'
import { type ChartSize, chartShapes, isNarrow, type Margins, type Shape } from './chart-shapes.ts'
import { escapeHtml, Html } from './html-template.ts'
import { gainSentence, headlineText } from './outcome.ts'
import type { Report } from './report.ts'

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
  const narrow = isNarrow(size)
  const { x, y } = data
  const grid: Margins = { left: narrow ? 52 : 64, right: narrow ? 12 : 24, top: 36, bottom: 52 }
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
        renderItem: () => ({ type: 'group', children: chartShapes(data, size, grid) }),
      },
    ],
  }
}

const ends = ({ min, max, step }: { min: number; max: number; step: number }) => ({
  min,
  max,
  interval: step,
})

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
