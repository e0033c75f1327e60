/** How a model was trained: what it took, and how loss, metric and learning rate went. */
import { curveDrawing } from './curve-chart.ts'
import type { DetailSection } from './detail-sections.ts'
import type { Report, VariantReport } from './report.ts'
import type { TrainingReport } from './training-report.ts'
import {
  formatBytes,
  formatCount,
  formatFlops,
  formatMetric,
  formatNumber,
  formatParameters,
  formatSeconds,
  metricTitle,
} from './units.ts'

const endings = {
  patience: ', ended since nothing was gained',
  time: ', ended by its time',
} as const

/** The files that a model was trained for, with their metric beside that of the source. */
function roundedText(files: readonly string[], variants: readonly VariantReport[]): string {
  const metricOf = ({ quality }: VariantReport): string =>
    quality ? `${metricTitle(quality.name)} ${formatMetric(quality.name, quality.value)}` : ''
  const own = variants.filter(({ file }) => file !== undefined && files.includes(file))
  const [source] = variants
  const beside = source?.quality ? `fp32 ${metricOf(source)}` : ''
  return [...own.map((one) => `${one.file} ${metricOf(one)}`.trim()), beside]
    .filter((part) => part !== '')
    .join('; ')
}

/** What training took, as rows of a name and a value. @param variants the source first. */
export function trainingRows(
  t: TrainingReport,
  variants: readonly VariantReport[],
): (readonly [string, string])[] {
  const { evaluations, keptStep, metric } = t
  const kept = evaluations.find(({ step }) => step === keptStep)?.metrics[0]
  const rate = t.tokens / Math.max(t.seconds, 1e-3)
  return [
    ['task', t.task],
    ['examples', `${formatCount(t.examples)}, ${t.epochs} epoch${t.epochs === 1 ? '' : 's'}`],
    [
      'steps',
      `${formatCount(t.steps)}${t.steps < t.plannedSteps ? ` of ${formatCount(t.plannedSteps)}` : ''}${t.ended ? endings[t.ended] : ''}`,
    ],
    ...(kept && metric
      ? [
          [
            'kept',
            `step ${formatCount(keptStep)}, dev ${valueText(kept)}${t.rounded ? ', rounded' : ''}`,
          ] as const,
        ]
      : []),
    ...(t.rounded
      ? [[`for ${t.rounded.scheme}`, roundedText(t.rounded.files, variants)] as const]
      : []),
    [
      'time',
      `${formatSeconds(t.seconds)}, ${formatNumber((1000 * t.seconds) / Math.max(1, t.steps))} ms a step`,
    ],
    ['tokens', `${formatCount(t.tokens)}, ${formatCount(rate)} a second`],
    ['work', `${formatFlops(t.flops)}, ${formatFlops(t.flops / Math.max(t.seconds, 1e-3))}/s`],
    [
      'parameters',
      `${formatParameters(t.trained)} learned${t.frozen > 0 ? `, ${formatParameters(t.frozen)} frozen` : ''}`,
    ],
    ['memory', `${formatBytes(t.peakBytes)} at most, ${formatBytes(t.estimatedBytes)} estimated`],
  ]
}

type Metric = TrainingReport['evaluations'][number]['metrics'][number]

const titleOf = (name: Metric['name']): string => (name === 'loss' ? 'loss' : metricTitle(name))
const valueText = ({ name, value }: Metric): string =>
  `${titleOf(name)} ${name === 'loss' ? formatNumber(value) : formatMetric(name, value)}`

/** Sections of the page; none for a model that Limbeck did not train. */
export function trainingSections({ training, variants }: Report): DetailSection[] {
  if (!training) return []
  const { losses, evaluations, metric, keptStep } = training
  const sections: DetailSection[] = [
    {
      title: 'Training',
      captions: [
        `From ${training.base} on ${training.data}${training.dev ? `, judged on ${training.dev}` : ''}.`,
      ],
      table: {
        columns: [{ title: 'what' }, { title: 'value' }],
        rows: trainingRows(training, variants),
      },
      drawing: curveDrawing({
        id: 'training-loss',
        title: 'Training loss by step',
        xAxis: 'steps',
        yAxis: 'loss, mean since the point before',
        points: losses.map(({ step, loss }) => ({ x: step, y: loss })),
      }),
    },
  ]
  if (metric && evaluations.length > 0) {
    const names = evaluations[0]!.metrics.map(({ name }) => name)
    sections.push({
      title: 'Dev data by step',
      captions: [
        `The weights of step ${formatCount(keptStep)} were kept.`,
        ...(training.rounded
          ? [`The model was judged as it rounds for ${training.rounded.scheme}.`]
          : []),
      ],
      table: {
        columns: [
          { title: 'step' },
          ...names.map((name) => ({ title: titleOf(name), align: 'right' as const })),
        ],
        rows: evaluations.map(({ step, metrics }) => [
          `${formatCount(step)}${step === keptStep ? ' ✔' : ''}`,
          ...metrics.map(({ name, value }) =>
            name === 'loss' ? formatNumber(value) : formatMetric(name, value),
          ),
        ]),
      },
      drawing: curveDrawing({
        id: 'training-metric',
        title: `Dev ${titleOf(metric)} by step`,
        xAxis: 'steps',
        yAxis: titleOf(metric),
        points: evaluations.map(({ step, metrics: [headline] }) => ({
          x: step,
          y: headline!.value,
        })),
        dots: true,
      }),
    })
  }
  const peak = Math.max(...losses.map(({ learningRate }) => learningRate))
  const norm = Math.max(...losses.map(({ gradientNorm }) => gradientNorm))
  sections.push({
    title: 'Learning rate by step',
    captions: [],
    table: {
      columns: [{ title: 'what' }, { title: 'value' }],
      rows: [
        ['highest rate', peak.toPrecision(3)],
        ['largest gradient norm', formatNumber(norm)],
      ],
    },
    drawing: curveDrawing({
      id: 'training-rate',
      title: 'Learning rate by step',
      xAxis: 'steps',
      yAxis: 'learning rate',
      points: losses.map(({ step, learningRate }) => ({ x: step, y: learningRate })),
    }),
  })
  return sections
}
