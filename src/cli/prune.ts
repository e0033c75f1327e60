/** `limbeck prune`. */
import type { PruneResult } from '../jobs/prune.ts'
import { formatNumber } from '../report/units.ts'
import { dataOf, dataOptionNames, hubOptionNames, noData } from './options.ts'
import { madeText, resultsText } from './results-text.ts'
import { proseText } from './show.ts'
import { defineVerb, type View } from './verb.ts'

export const pruneVerb = defineVerb({
  arguments: [
    { name: '<model>', help: 'model folder with model.safetensors, or org/name of the Hub' },
  ],
  options: [
    'keptLayers',
    'pruneDev',
    ...dataOptionNames,
    'maxLength',
    'trainSeconds',
    'seed',
    ...hubOptionNames,
    'requiredOutput',
    'overwrite',
  ],
  required: ['requiredOutput'],
  examples: [
    'prune ./MiniLM-L12 --layers every-second -o ./MiniLM-L6',
    'prune ./my-classifier --layers 0,2,4,7,9,11 --dev dev.tsv -o ./half',
  ],
  async run({ args: [model], options, signal, progress, command }) {
    const { prune } = await import('../jobs/prune.ts')
    const {
      keptLayers: layers = 'every-second',
      requiredOutput: output,
      pruneDev,
      ...more
    } = options
    const {
      revision,
      offline,
      overwrite,
      maxLength,
      trainSeconds: seconds,
      seed,
      ...columns
    } = more
    const dev = pruneDev === undefined ? noData(columns, '--dev') : dataOf(pruneDev, columns)
    const result = await prune({
      ...{ model, layers, output, overwrite, dev, maxLength, seconds, seed, revision, offline },
      ...{ command, signal, progress },
    })
    return { json: result, text: (view) => resultText(result, view) }
  },
})

function resultText({ folder, kept, layers, maxAbsError, report }: PruneResult, view: View) {
  const done = `Layers ${kept.join(', ')} of ${layers[0]} were kept. The model answers as its graph with the others cut out (largest difference ${formatNumber(maxAbsError)}); what that costs in accuracy, training brings back: see limbeck train.`
  return [proseText(done, view), '', resultsText(report, view), '', madeText(folder, report)].join(
    '\n',
  )
}
