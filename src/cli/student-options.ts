/** Options of a student that `optimize` teaches first. */
import type { OptionSpec } from './option-spec.ts'
import { positiveNumber, wholeNumber } from './parse-values.ts'

export const studentOptions = {
  distill: {
    flags: '--distill <student>',
    group: 'Distillation',
    help: 'teach a smaller model first and measure it beside the model: layers of it (every-second, first-N, …), a shape such as 2x128 (layers x width), or a model folder',
    default: 'none',
  },
  distillData: {
    flags: '--train-data <file>',
    group: 'Distillation',
    help: 'what the student learns from, with the columns of --data; not the data it is judged by',
  },
  distillRate: {
    flags: '--learning-rate <rate>',
    group: 'Distillation',
    help: 'the highest learning rate; 5e-4 suits a shape',
    default: '5e-5',
    parse: positiveNumber,
  },
  distillEpochs: {
    flags: '--epochs <n>',
    group: 'Distillation',
    help: 'passes over what it learns from',
    default: '3',
    parse: wholeNumber,
  },
  distillSteps: {
    flags: '--steps <n>',
    group: 'Distillation',
    help: 'updates of the weights, instead of epochs',
    parse: wholeNumber,
  },
  distillResume: {
    flags: '--resume',
    group: 'Distillation',
    help: 'go on from the checkpoint of a student whose learning was stopped',
  },
} as const satisfies Record<string, OptionSpec>

export const studentOptionNames = Object.keys(studentOptions) as (keyof typeof studentOptions)[]
