/** `limbeck export`. */
import { hubOptionNames } from './options.ts'
import { defineVerb } from './verb.ts'
import { writtenText } from './written-text.ts'

export const exportVerb = defineVerb({
  arguments: [
    {
      name: '<model>',
      help: 'model folder (config.json, model.safetensors), any ONNX file, or org/name of the Hub',
    },
  ],
  options: [
    ...hubOptionNames,
    'target',
    'dim',
    'dequantize',
    'externalData',
    'requiredOutput',
    'overwrite',
    'explain',
  ],
  required: ['requiredOutput'],
  examples: ['export ./my-model -o ./my-model-onnx', 'export ./my-model -o out --target portable'],
  async run({ args: [model], options, signal, progress }) {
    const { exportModel } = await import('../jobs/export-model.ts')
    const { target, dim: dims, requiredOutput: output, explain, ...rest } = options
    const targets = target === undefined ? undefined : [target]
    const result = await exportModel({ ...rest, dims, model, output, targets, signal, progress })
    return { json: result, text: (view) => writtenText(result, explain, view) }
  },
})
