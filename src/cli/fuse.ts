/** `limbeck fuse`. */
import { relative } from 'node:path'
import type { FuseResult } from '../jobs/fuse.ts'
import type { Table } from '../report/index.ts'
import {
  formatBytes,
  formatCount,
  formatMs,
  formatNumber,
  formatSeconds,
  unknown,
} from '../report/units.ts'
import { explainText } from './explain-passes.ts'
import { proseText, tableText } from './show.ts'
import { defineVerb, type View } from './verb.ts'

export const fuseVerb = defineVerb({
  arguments: [{ name: '<file>', help: 'ONNX file of any exporter' }],
  options: [
    'fuseTarget',
    'dequantize',
    'externalData',
    'fuseShapes',
    'dim',
    'threads',
    'fuseSeconds',
    'fuseOutput',
    'overwriteFile',
    'explain',
    'diff',
  ],
  examples: ['fuse ./model.onnx -o ./fused.onnx', 'fuse ./model.onnx --explain --seconds 0'],
  async run({ args: [file], options, signal, progress }) {
    const { fuse } = await import('../jobs/fuse.ts')
    const { fuseTarget: target, fuseShapes: shapes, fuseSeconds: seconds, ...others } = options
    const { fuseOutput: output, overwriteFile: overwrite, dim: dims, explain, ...rest } = others
    const settings = { target, shapes, seconds, output, overwrite, dims }
    const result = await fuse({ ...rest, ...settings, file, signal, progress })
    return { json: result, text: (view) => fuseText(result, explain, view) }
  },
})

function fuseText(result: FuseResult, explain: boolean | undefined, view: View): string {
  const { files, notes, compared, seconds, shape, threads } = result
  const times = shape
    ? ` Latency: median of ${shape}, ${threads} thread${threads === 1 ? '' : 's'}, the source under ONNX Runtime's defaults.`
    : ''
  const done = `${files.length} file${files.length === 1 ? '' : 's'} in ${formatSeconds(seconds)}, compared with the source at ${compared.join(', ')}.${times}`
  return [
    tableText(fuseTable(result), view),
    ...[done, ...notes.map((note) => `Note: ${note}`)].map((text) => proseText(text, view)),
    ...files.map(({ path }) => `Written to ${shortPath(path)}`),
    ...(explain ? ['', explainText(files, view)] : []),
    ...files.flatMap(({ name, diff }) =>
      diff === undefined ? [] : ['', `--- source\n+++ ${name}`, diff === '' ? '(no change)' : diff],
    ),
  ].join('\n')
}

function fuseTable({ source, files }: FuseResult): Table {
  const right = { align: 'right' } as const
  const counts = ({ nodes, attention, layerNorm, gelu }: FuseResult['source']['counts']) =>
    [nodes, attention, layerNorm, gelu].map(formatCount)
  return {
    columns: [
      { title: '' },
      { title: 'nodes', ...right },
      { title: 'attention', ...right },
      { title: 'LayerNorm', ...right },
      { title: 'Gelu', ...right },
      { title: 'size', ...right, drop: 2 },
      { title: 'latency', ...right },
      { title: 'largest difference', ...right, drop: 1 },
    ],
    rows: [
      ['source', ...counts(source.counts), formatBytes(source.bytes), formatMs(source.ms), unknown],
      ...files.map((file) => [
        file.name,
        ...counts(file.counts),
        formatBytes(file.bytes),
        formatMs(file.ms),
        formatNumber(file.verified.maxAbsError),
      ]),
    ],
  }
}

function shortPath(path: string): string {
  const here = relative(process.cwd(), path)
  return here.startsWith('..') ? path : here
}
