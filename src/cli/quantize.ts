/** `limbeck quantize`. */
import type { QuantizeScheme } from '../jobs/quantize-schemes.ts'
import { dataOf, hubOptionNames, noData } from './options.ts'
import { defineVerb } from './verb.ts'
import { writtenText } from './written-text.ts'

export const quantizeVerb = defineVerb({
  arguments: [
    {
      name: '<model>',
      help: 'model folder (config.json, model.safetensors), any ONNX file, or org/name of the Hub',
    },
  ],
  options: [
    ...hubOptionNames,
    'scheme',
    'weightBits',
    'perToken',
    'perTensor',
    'smooth',
    'calibrate',
    'form',
    'block',
    'symmetric',
    'method',
    'accuracyLevel',
    'storage',
    'calibrationData',
    'samples',
    'text',
    'textPair',
    'label',
    'labelMap',
    'task',
    'limit',
    'noHeader',
    'encoding',
    'exclude',
    'simulate',
    'override',
    'allowedDrop',
    'mix',
    'strict',
    'target',
    'dim',
    'dequantize',
    'externalData',
    'requiredOutput',
    'overwrite',
    'explain',
  ],
  required: ['requiredOutput'],
  examples: [
    'quantize ./my-model -o ./my-model-int8',
    'quantize ./my-model --scheme int4 --method gptq --data texts.txt -o out',
    "quantize ./my-model -o out --exclude '*.layer.0.*' --weight-bits 7",
    "quantize ./my-model -o out --scheme int4 --override '*.layer.0.*=dynamic-int8'",
    'quantize ./my-model -o out --scheme int4 --mix int8-weights --max-drop 0.5pt --data dev.tsv',
  ],
  async run({ args: [model], options, signal, progress }) {
    const { quantize } = await import('../jobs/export-model.ts')
    const { target, scheme = 'dynamic-int8', requiredOutput: output, explain, ...others } = options
    const { calibrationData, text, textPair, label, noHeader, encoding, ...more } = others
    const { labelMap, task, limit, override, dim, allowedDrop, mix, ...rest } = more
    const columns = { text, textPair, label, labelMap, task, limit, noHeader, encoding }
    const data = calibrationData === undefined ? noData(columns) : dataOf(calibrationData, columns)
    const targets = target === undefined ? undefined : [target]
    const result = await quantize({
      ...rest,
      overrides: override,
      dims: dim,
      maxDrop: allowedDrop,
      mix: mix as readonly QuantizeScheme[] | undefined,
      data,
      model,
      output,
      scheme,
      targets,
      signal,
      progress,
    })
    return { json: result, text: (view) => writtenText(result, explain, view) }
  },
})
