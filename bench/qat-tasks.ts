/** What `bench:qat` compares: tasks with the model that all begin from, and roundings with the ways to them. */
import { join } from 'node:path'
import type { DataOptions } from '../src/fit/measured-text.ts'
import type { QuantizeOptions } from '../src/jobs/export-model.ts'
import { miniLm, sst2Dev, sst2Model, stsbTest, textFolder } from './places.ts'

export interface QatTask {
  readonly title: string
  /** A fine-tuned model; else it is trained from `base` by `recipe`. */
  readonly source?: string
  readonly base?: string
  readonly recipe?: readonly string[]
  readonly train: DataOptions
  readonly test: DataOptions
  /** Of `limbeck train`. */
  readonly options: readonly string[]
  readonly steps: number
  /** The model in fp32 may teach the one of few bits; vectors of sentences it teaches in other ways. */
  readonly taught?: boolean
}

export const qatTasks: Readonly<Record<string, QatTask>> = {
  sst2: {
    title: 'SST-2 (dev)',
    source: sst2Model,
    train: { file: join(textFolder, 'sst2/train.tsv') },
    test: { file: sst2Dev },
    options: ['--max-length', '128'],
    steps: 400,
    taught: true,
  },
  stsb: {
    title: 'STS-B (test)',
    base: miniLm,
    recipe: ['--epochs', '4', '--learning-rate', '2e-5'],
    train: { file: join(textFolder, 'stsb/train.tsv') },
    test: { file: stsbTest, text: '6', textPair: '7', label: '5', header: false },
    options: ['--task', 'similarity', '--max-length', '128'],
    steps: 300,
  },
}

/** One rounding: how it is come to after training, and what it is trained for. */
export interface QatScheme {
  readonly title: string
  readonly rounded: Readonly<Record<string, Omit<QuantizeOptions, 'model' | 'output'>>>
  /** `quantize` refuses the rounded model, whose answers have collapsed: it is written by a step that learns nothing. */
  readonly refused?: boolean
  /** Of `train --quantize`. */
  readonly trained: string
  /** Name of the file for this CPU. */
  readonly file: string
}

const blocks = { scheme: 'int4' } as const
const coarse = { ...blocks, block: 128, symmetric: true } as const

export const qatSchemes: Readonly<Record<string, QatScheme>> = {
  w8a8: {
    title: 'W8A8 per tensor',
    rounded: { percentile: { scheme: 'static-int8', perTensor: true, weightBits: 8 } },
    trained: 'static-int8:per-tensor,weight-bits=8',
    file: 'model_cpu_static',
  },
  // Q8BERT's sweep: weights of 4 bits, in bytes
  w4a8: {
    title: 'W4A8 per tensor',
    rounded: {},
    refused: true,
    trained: 'static-int8:per-tensor,weight-bits=4',
    file: 'model_cpu_static',
  },
  w4: {
    title: 'W4 blocks of 32',
    rounded: { rtn: blocks, gptq: { ...blocks, method: 'gptq' } },
    trained: 'int4',
    file: 'model_cpu_q4',
  },
  'w4-128': {
    title: 'W4 symmetric blocks of 128',
    rounded: { rtn: coarse, gptq: { ...coarse, method: 'gptq' } },
    trained: 'int4:block=128,symmetric',
    file: 'model_cpu_q4',
  },
}
