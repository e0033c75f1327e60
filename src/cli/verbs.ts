/** The verbs by name; each is loaded when it is called, so that `limbeck --help` stays quick. */
import type { Verb } from './verb.ts'

export interface VerbEntry {
  readonly summary: string
  readonly load: () => Promise<Verb>
}

export const verbs: Readonly<Record<string, VerbEntry>> = {
  optimize: {
    summary: 'make a model smaller and faster, and prove what it cost',
    load: async () => (await import('./optimize.ts')).optimizeVerb,
  },
  export: {
    summary: 'write a model as ONNX, fp32',
    load: async () => (await import('./export.ts')).exportVerb,
  },
  quantize: {
    summary: 'write a model as ONNX with INT8 weights',
    load: async () => (await import('./quantize.ts')).quantizeVerb,
  },
  sensitivity: {
    summary: 'rank layers by what quantization does to them, and say which to leave in fp32',
    load: async () => (await import('./sensitivity.ts')).sensitivityVerb,
  },
  fuse: {
    summary: "fuse the operators of anybody's ONNX file, and compare the result with it",
    load: async () => (await import('./fuse.ts')).fuseVerb,
  },
  train: {
    summary: 'fine-tune a model on labelled data, and write it with its ONNX files',
    load: async () => (await import('./train.ts')).trainVerb,
  },
  distill: {
    summary: 'teach a smaller model what a trained one knows, and write it with its ONNX files',
    load: async () => (await import('./distill.ts')).distillVerb,
  },
  prune: {
    summary: 'keep some layers of a model, as a smaller one to train or distil',
    load: async () => (await import('./prune.ts')).pruneVerb,
  },
  compare: {
    summary: 'show where two models part, tensor by tensor',
    load: async () => (await import('./compare.ts')).compareVerb,
  },
  eval: {
    summary: 'measure a model on labelled data, with intervals',
    load: async () => (await import('./eval.ts')).evalVerb,
  },
  bench: {
    summary: 'measure latency and memory, interleaved with a rival',
    load: async () => (await import('./bench.ts')).benchVerb,
  },
  run: {
    summary: 'run a model on a text',
    load: async () => (await import('./run.ts')).runVerb,
  },
  inspect: {
    summary: 'explain a model: work, time and memory by operator and layer, what would help',
    load: async () => (await import('./inspect.ts')).inspectVerb,
  },
  report: {
    summary: 'show all of an output in one page: threads, lengths, operators, bytes, costs',
    load: async () => (await import('./report.ts')).reportVerb,
  },
  doctor: {
    summary: 'look at this machine: CPU, INT8 kernel, threads, install faults',
    load: async () => (await import('./doctor.ts')).doctorVerb,
  },
}
