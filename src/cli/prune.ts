/** `limbeck prune`. */
import type { PruneResult } from '../jobs/prune.ts'
import { formatNumber, formatParameters } from '../report/units.ts'
import { hubOptionNames } from './options.ts'
import { folderText, proseText, tableText } from './show.ts'
import { defineVerb, type View } from './verb.ts'

export const pruneVerb = defineVerb({
  arguments: [
    { name: '<model>', help: 'model folder with model.safetensors, or org/name of the Hub' },
  ],
  options: ['keptLayers', ...hubOptionNames, 'requiredOutput', 'overwrite'],
  required: ['requiredOutput'],
  examples: [
    'prune ./MiniLM-L12 --layers every-second -o ./MiniLM-L6',
    'prune ./bert-base --layers 0,2,4,7,9,11 -o ./bert-L6',
  ],
  async run({ args: [model], options, signal, progress }) {
    const { prune } = await import('../jobs/prune.ts')
    const { keptLayers: layers = 'every-second', requiredOutput: output, ...rest } = options
    const result = await prune({ ...rest, model, layers, output, signal, progress })
    return { json: result, text: (view) => resultText(result, view) }
  },
})

function resultText({ folder, kept, layers, parameters, maxAbsError }: PruneResult, view: View) {
  const right = { align: 'right' } as const
  const table = {
    columns: [{ title: '' }, { title: 'before', ...right }, { title: 'after', ...right }],
    rows: [
      ['layers', ...layers.map(String)],
      ['parameters', ...parameters.map(formatParameters)],
    ],
  }
  return [
    tableText(table, view),
    '',
    proseText(
      `Layers ${kept.join(', ')} were kept. The model answers as its graph with the others cut out (largest difference ${formatNumber(maxAbsError)}); what that costs in accuracy, training brings back: see limbeck train.`,
      view,
    ),
    '',
    folderText(folder, ['model.safetensors', 'config.json']),
  ].join('\n')
}
