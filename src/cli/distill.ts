/** `limbeck distill`. */

import { trainedText, trainedWith, trainOptionNames } from './train.ts'
import { defineVerb } from './verb.ts'

export const distillVerb = defineVerb({
  arguments: [
    {
      name: '<teacher>',
      help: 'model folder with model.safetensors that has learned the task, or org/name of the Hub',
    },
  ],
  options: [
    'student',
    'studentInit',
    'distillMethod',
    'layerMap',
    'temperature',
    'augment',
    'unlabelled',
    'teacherCache',
    ...trainOptionNames,
  ],
  required: ['trainData'],
  examples: [
    'distill ./my-classifier --student every-second --data train.tsv --dev dev.tsv -o ./half',
    'distill ./my-classifier --student 2x128 --data train.tsv --dev dev.tsv --learning-rate 5e-4 -o ./tiny',
    'distill ./my-classifier --student 4x312 --method tinybert --data train.tsv --dev dev.tsv -o ./tinybert',
  ],
  async run({ args: [teacher], options, signal, progress, command }) {
    const { distill } = await import('../jobs/distill.ts')
    const { student, studentInit: init, distillMethod: method, ...others } = options
    const { layerMap, temperature, augment, unlabelled, teacherCache, ...rest } = others
    const own = { student, init, method, layerMap, temperature, augment, unlabelled, teacherCache }
    const result = await distill({
      ...{ ...trainedWith(rest), ...own },
      ...{ teacher, command, signal, progress },
    })
    return { json: result, text: (view) => trainedText(result, view) }
  },
})
