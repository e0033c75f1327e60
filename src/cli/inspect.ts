/** `limbeck inspect`. */
import type { Advice } from '../bench/advice.ts'
import type { InspectedVariant, InspectResult } from '../jobs/inspect.ts'
import type { InspectedPart } from '../jobs/inspect-parts.ts'
import type { Table } from '../report/index.ts'
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
import { proseText, tableText } from './show.ts'
import { defineVerb, type View } from './verb.ts'

export const inspectVerb = defineVerb({
  arguments: [{ name: '<model>', help: 'model folder (config.json, model.safetensors)' }],
  options: ['shape', 'threads', 'explain'],
  examples: ['inspect ./my-model', 'inspect ./my-model --shape 1x32 --threads 2 --json'],
  async run({ args: [model], options: { shape, threads, explain }, signal, progress }) {
    const { inspect } = await import('../jobs/inspect.ts')
    const result = await inspect({ model, shape, threads, signal, progress })
    return { json: result, text: (view) => inspectText(result, explain, view) }
  },
})

const right = { align: 'right' } as const

function inspectText(result: InspectResult, explain: boolean | undefined, view: View): string {
  const { variants, machine, threads } = result
  const [fp32, int8] = variants
  const rate = (perSecond: number) => formatNumber(perSecond / 1e9)
  const blocks = [
    proseText(
      `${result.family}, ${result.task}: ${formatCount(result.parameters)} parameters. A run of ${result.shape} takes ${formatNumber(result.macs / 1e9)} G multiply-accumulates, ${formatNumber(result.flops / 1e9)} GFLOP: ${formatMs(fp32.ms)} in fp32, ${formatMs(int8.ms)} in INT8.`,
      view,
    ),
    proseText(
      `This machine, ${threads} thread${threads === 1 ? '' : 's'}: ${rate(machine.fp32FlopsPerSecond)} GFLOP/s fp32, ${rate(machine.int8OpsPerSecond)} GOP/s u8×s8, ${rate(machine.bytesPerSecond)} GB/s copied.`,
      view,
    ),
    ...variants.map((one) => `Operators, ${one.name}\n${tableText(operatorTable(one), view)}`),
    `Layers\n${tableText(layerTable(result), view)}`,
    `Memory of activations, at most\n${tableText(memoryTable(variants), view)}`,
    result.advice.length > 0
      ? `What would help most\n${tableText(adviceTable(result.advice), view)}`
      : 'Nothing here would help by as much as can be measured.',
    proseText(
      'bound: compute or memory, and the share of that limit reached; code: far from both, so the operator itself or the runtime decides. Above 100 %: from caches.',
      view,
    ),
    ...(explain ? [explainText(variants, view)] : []),
  ]
  return blocks.join('\n\n')
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

function layerTable({ parametersByLayer, variants: [fp32, int8] }: InspectResult): Table {
  const narrow = new Map(int8.layers.map((part) => [part.name, part]))
  return {
    columns: [
      { title: 'layer' },
      { title: 'parameters', ...right, drop: 2 },
      { title: 'MACs', ...right },
      { title: 'moved', ...right, drop: 3 },
      { title: 'FLOP/byte', ...right, drop: 4 },
      { title: 'fp32', ...right },
      { title: 'share', ...right },
      { title: 'bound', drop: 1 },
      { title: 'INT8', ...right },
      { title: 'share', ...right },
      { title: 'speed-up', ...right, drop: 1 },
    ],
    rows: fp32.layers.map((part) => {
      const other = narrow.get(part.name)
      return [
        part.name,
        formatCount(parametersByLayer[part.name] ?? 0),
        macsText(part.macs),
        bytesText(part.weightBytes + part.activationBytes),
        formatNumber(part.intensity),
        formatMs(part.ms),
        formatPercent(part.share),
        boundText(part),
        formatMs(other?.ms),
        other ? formatPercent(other.share) : unknown,
        other && other.ms > 0 ? formatRatio(part.ms / other.ms) : unknown,
      ]
    }),
  }
}

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
    { title: 'change to fp32' },
    { title: 'saves, predicted', ...right },
    { title: 'measured', ...right },
  ],
  rows: advice.map(({ what, predictedMs, measuredMs, applied }) => [
    what,
    signedMs(predictedMs),
    applied ? 'already done' : measuredMs === undefined ? 'not tried' : signedMs(measuredMs),
  ]),
})

const signedMs = (ms: number): string => (ms < 0 ? `-${formatMs(-ms)}` : formatMs(ms))
