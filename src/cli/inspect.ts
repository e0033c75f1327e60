/** `limbeck inspect`. */
import type { Advice } from '../bench/advice.ts'
import type { InspectedPart } from '../jobs/inspect-parts.ts'
import type { InspectResult } from '../jobs/inspect-result.ts'
import type { InspectedVariant } from '../jobs/inspect-variant.ts'
import type { Table } from '../report/index.ts'
import { type KernelReport, missedSentence, portabilityText } from '../report/kernel-report.ts'
import {
  formatBytes,
  formatCount,
  formatMs,
  formatNumber,
  formatPercent,
  formatRatio,
  unknown,
} from '../report/units.ts'
import { explainText } from './explain-passes.ts'
import { hubOptionNames } from './options.ts'
import { proseText, tableText } from './show.ts'
import { defineVerb, type View } from './verb.ts'

export const inspectVerb = defineVerb({
  arguments: [
    {
      name: '<model>',
      help: 'model folder, folder that Limbeck wrote, any ONNX file, or org/name of the Hub',
    },
  ],
  options: [...hubOptionNames, 'shape', 'dim', 'threads', 'explain'],
  examples: [
    'inspect ./my-model',
    'inspect ./my-model --shape 1x32 --threads 2 --json',
    'inspect ./model.onnx --shape 1x128 --dim past_length=16',
  ],
  async run({ args: [model], options: { dim: dims, explain, ...options }, signal, progress }) {
    const { inspect } = await import('../jobs/inspect.ts')
    const result = await inspect({ ...options, model, dims, signal, progress })
    return { json: result, text: (view) => inspectText(result, explain, view) }
  },
})

const right = { align: 'right' } as const

function inspectText(result: InspectResult, explain: boolean | undefined, view: View): string {
  const { variants, machine, threads } = result
  const rate = (perSecond: number) => formatNumber(perSecond / 1e9)
  const blocks = [
    proseText(workSentence(result), view),
    proseText(
      `This machine, ${threads} thread${threads === 1 ? '' : 's'}: ${rate(machine.fp32FlopsPerSecond)} GFLOP/s fp32, ${rate(machine.int8OpsPerSecond)} GOP/s u8×s8, ${rate(machine.bytesPerSecond)} GB/s copied.`,
      view,
    ),
    ...variants.map((one) => `Operators, ${one.name}\n${tableText(operatorTable(one), view)}`),
    ...variants.flatMap(({ name, kernels }) => (kernels ? [kernelsText(name, kernels, view)] : [])),
    `Layers\n${tableText(layerTable(result), view)}`,
    `Memory of activations, at most\n${tableText(memoryTable(variants), view)}`,
    result.advice.length > 0
      ? `What would help most\n${tableText(adviceTable(result.advice), view)}`
      : 'Nothing here would help by as much as can be measured.',
    ...factSentences(result).map((text) => proseText(text, view)),
    proseText(
      'bound: compute or memory, and the share of that limit reached; code: far from both, so the operator itself or the runtime decides. Above 100 %: from caches.',
      view,
    ),
    ...(explain ? [explainText(variants, view)] : []),
  ]
  return blocks.join('\n\n')
}

/** Whether integer products are exact elsewhere, and what missed its kernel. */
function kernelsText(name: string, { portability, missed }: KernelReport, view: View): string {
  const lines = [
    ...(portability.products > 0 ? [`Integer products: ${portabilityText(portability)}.`] : []),
    ...missed.map((one) => `${missedSentence(one)}.`),
    ...(missed.length === 0 ? ['Every operator reached the kernel it was meant for.'] : []),
  ]
  return [`Kernels, ${name}`, ...lines.map((line) => proseText(line, view))].join('\n')
}

/** What the model is, does and takes. */
function workSentence(result: InspectResult): string {
  const { family, task, shape, variants, sourceMs, parameters, macs, flops } = result
  const [first, int8] = variants
  const name = family === undefined ? first.name : `${family}, ${task}`
  const source =
    sourceMs === undefined
      ? ''
      : `, ${formatMs(sourceMs)} as exported (fp32, ONNX Runtime's defaults)`
  const times = int8
    ? `${formatMs(first.ms)} in fp32, ${formatMs(int8.ms)} in INT8${source}`
    : formatMs(first.ms)
  return `${name}: ${formatCount(parameters)} parameters. A run of ${shape} takes ${formatNumber(macs / 1e9)} G multiply-accumulates, ${formatNumber(flops / 1e9)} GFLOP: ${times}.`
}

/** What no change above says: a layer's time, the largest table, what threads share, what is not known. */
function factSentences({ layer, table, parallelShare, unknownOperators }: InspectResult): string[] {
  return [
    layer && `Each of the ${layer.layers} layers takes ${formatMs(layer.ms)} of the fp32 run.`,
    table &&
      `${table.name} holds ${formatCount(table.parameters)} of the parameters (${formatPercent(table.share)}), ${formatBytes(table.bytesPerRow)} a row in fp32: fewer words save bytes, not time.`,
    parallelShare !== undefined &&
      `Threads can share ${formatPercent(parallelShare)} of the fp32 run (Amdahl's law, from the measured time).`,
    unknownOperators.length > 0 &&
      `Of these operators the work is not known and counts as none: ${unknownOperators.join(', ')}.`,
  ].filter((text) => typeof text === 'string')
}

/** Parts that take less are one row. */
const LEAST_SHARE = 0.005

function operatorTable({ operators }: InspectedVariant): Table {
  const shown = [...operators].filter(({ share }) => share >= LEAST_SHARE)
  const rest = operators.filter(({ share }) => share < LEAST_SHARE)
  const sum = (of: (part: InspectedPart) => number) =>
    rest.reduce((total, part) => total + of(part), 0)
  return {
    columns: [
      { title: 'operator' },
      { title: 'nodes', ...right, drop: 2 },
      { title: 'time', ...right },
      { title: 'share', ...right },
      { title: 'bound' },
      { title: 'MACs', ...right },
      { title: 'weights', ...right, drop: 3 },
      { title: 'activations', ...right, drop: 4 },
      { title: 'FLOP/byte', ...right, drop: 1 },
    ],
    rows: [
      ...shown.toSorted((a, b) => b.ms - a.ms).map(operatorRow),
      ...(rest.length > 0
        ? [
            [
              `${rest.length} others`,
              formatCount(sum(({ nodes }) => nodes)),
              formatMs(sum(({ ms }) => ms)),
              formatPercent(sum(({ share }) => share)),
              unknown,
              macsText(sum(({ macs }) => macs)),
              bytesText(sum(({ weightBytes }) => weightBytes)),
              bytesText(sum(({ activationBytes }) => activationBytes)),
              unknown,
            ],
          ]
        : []),
    ],
  }
}

const macsText = (macs: number): string => (macs > 0 ? `${formatNumber(macs / 1e6)} M` : unknown)

const bytesText = (bytes: number): string => (bytes > 0 ? formatBytes(bytes) : unknown)

const boundText = ({ bound, reached, idealMs }: InspectedPart): string =>
  idealMs > 0 ? `${bound} ${(reached * 100).toFixed(0)} %` : unknown

const operatorRow = (part: InspectedPart) => [
  part.name,
  formatCount(part.nodes),
  formatMs(part.ms),
  formatPercent(part.share),
  boundText(part),
  macsText(part.macs),
  bytesText(part.weightBytes),
  bytesText(part.activationBytes),
  formatNumber(part.intensity),
]

function layerTable({ parametersByLayer, variants: [first, int8] }: InspectResult): Table {
  const narrow = new Map(int8?.layers.map((part) => [part.name, part]))
  const columns = [
    { title: 'layer' },
    { title: 'parameters', ...right, drop: 2 },
    { title: 'MACs', ...right },
    { title: 'moved', ...right, drop: 3 },
    { title: 'FLOP/byte', ...right, drop: 4 },
    { title: int8 ? 'fp32' : 'time', ...right },
    { title: 'share', ...right },
    { title: 'bound', drop: 1 },
  ]
  const beside = [
    { title: 'INT8', ...right },
    { title: 'share', ...right },
    { title: 'speed-up', ...right, drop: 1 },
  ]
  return {
    columns: int8 ? [...columns, ...beside] : columns,
    rows: first.layers.map((part) => [
      part.name,
      formatCount(parametersByLayer[part.name] ?? 0),
      macsText(part.macs),
      bytesText(part.weightBytes + part.activationBytes),
      formatNumber(part.intensity),
      formatMs(part.ms),
      formatPercent(part.share),
      boundText(part),
      ...(int8 ? besideCells(part, narrow.get(part.name)) : []),
    ]),
  }
}

const besideCells = (part: InspectedPart, other: InspectedPart | undefined): string[] => [
  formatMs(other?.ms),
  other ? formatPercent(other.share) : unknown,
  other && other.ms > 0 ? formatRatio(part.ms / other.ms) : unknown,
]

const memoryTable = (variants: readonly InspectedVariant[]): Table => ({
  columns: [
    { title: 'variant' },
    { title: 'planned', ...right },
    { title: 'measured', ...right },
    { title: 'with kernels', ...right, drop: 2 },
    { title: 'largest at', drop: 1 },
    { title: 'weights file', ...right, drop: 3 },
  ],
  rows: variants.map(({ name, bytes, memory }) => [
    name,
    formatBytes(memory.planned),
    formatBytes(memory.measured),
    formatBytes(memory.withKernels),
    memory.at ?? unknown,
    formatBytes(bytes),
  ]),
})

const adviceTable = (advice: readonly Advice[]): Table => ({
  columns: [
    { title: 'change' },
    { title: 'saves, predicted', ...right },
    { title: 'measured', ...right },
  ],
  rows: advice.map(({ what, predictedMs, measuredMs, applied }) => [
    applied ? { text: what, detail: 'already done', tone: 'weak' as const } : what,
    signedMs(predictedMs),
    measuredMs === undefined ? unknown : signedMs(measuredMs),
  ]),
})

const signedMs = (ms: number): string => (ms < 0 ? `-${formatMs(-ms)}` : formatMs(ms))
