/**
 * Every option of every verb, once: its flag, its help, how its text becomes a value. Help pages and
 * documentation are written from this table, so that they cannot drift from what is parsed.
 */
import { LimbeckError } from '../errors.ts'
import {
  anyNumber,
  namedNumbers,
  numberFromZero,
  oneOf,
  positiveNumber,
  seedNumber,
  shapesText,
  shapeText,
  textList,
  wholeNumber,
  wholeNumbers,
} from './parse-values.ts'

/** Heading of the help under which an option stands. */
export type OptionGroup = 'Data' | 'Acceptance' | 'Measurement' | 'Model' | 'Costs' | 'Output'

/** An option as users see it. */
export interface OptionSpec {
  /** As commander writes it: `-o, --output <dir>`. */
  readonly flags: string
  readonly group: OptionGroup
  readonly help: string
  /** What stands for the option when it is not given; words, since the job decides. */
  readonly default?: string
  readonly parse?: (text: string, earlier?: never) => unknown
}

export const optionTable = {
  data: {
    flags: '--data <file>',
    group: 'Data',
    help: 'data file: TSV, CSV, JSON, JSONL, Parquet, SQuAD, CoNLL or text, also .gz',
    default: 'random tokens',
  },
  reportData: {
    flags: '--data <file>',
    group: 'Data',
    help: 'data file to measure accuracy on anew',
    default: 'what optimize found',
  },
  evalData: {
    flags: '--data <file>',
    group: 'Data',
    help: 'data file: TSV, CSV, JSON, JSONL, Parquet, SQuAD, CoNLL or text, also .gz',
  },
  text: {
    flags: '--text <column>',
    group: 'Data',
    help: 'column of the text, by name or number from 1',
    default: 'known names',
  },
  textPair: {
    flags: '--text-pair <column>',
    group: 'Data',
    help: 'column of the second text',
    default: 'found with the text',
  },
  label: {
    flags: '--label <column>',
    group: 'Data',
    help: 'column of the label or score',
    default: 'known names',
  },
  labelMap: {
    flags: '--label-map <map>',
    group: 'Data',
    help: 'what the labels of the data mean: neg=0,pos=1, or a JSON file',
    default: 'as the model names them',
  },
  task: {
    flags: '--task <task>',
    group: 'Data',
    help: 'text-classification, pair-classification, multi-label-classification, regression, similarity, question-answering, token-classification, zero-shot, reranking, retrieval or embeddings',
    default: 'from the model and the columns',
  },
  encoding: {
    flags: '--encoding <name>',
    group: 'Data',
    help: 'encoding of the data file',
    default: 'utf-8',
  },
  noHeader: {
    flags: '--no-header',
    group: 'Data',
    help: 'the first line is data, not column names',
  },
  limit: {
    flags: '--limit <n>',
    group: 'Data',
    help: 'most examples to read',
    default: 'all',
    parse: wholeNumber,
  },
  maxLength: {
    flags: '--max-length <n>',
    group: 'Data',
    help: 'tokens a text is cut to',
    default: 'what the model takes',
    parse: wholeNumber,
  },
  maxDrop: {
    flags: '--max-drop <drop>',
    group: 'Acceptance',
    help: "largest allowed drop of the metric: '1%' of it, or '0.5pt' (points)",
    default: '1%',
  },
  strict: {
    flags: '--strict',
    group: 'Acceptance',
    help: 'choose only a variant whose drop is proven to be allowed',
  },
  threads: {
    flags: '--threads <n>',
    group: 'Measurement',
    help: 'threads of each run',
    default: '1',
    parse: wholeNumber,
  },
  runThreads: {
    flags: '--threads <n>',
    group: 'Measurement',
    help: 'threads of each run',
    default: 'the physical cores allotted',
    parse: wholeNumber,
  },
  threadCounts: {
    flags: '--threads <list>',
    group: 'Measurement',
    help: 'thread counts; rows above the cores allotted are marked',
    default: '1,2,4',
    parse: wholeNumbers,
  },
  shapes: {
    flags: '--shapes <list>',
    group: 'Measurement',
    help: 'texts x tokens; the last decides',
    default: '1x16,1x128',
    parse: shapesText,
  },
  shape: {
    flags: '--shape <shape>',
    group: 'Measurement',
    help: 'texts x tokens',
    default: '8x128',
    parse: shapeText,
  },
  dim: {
    flags: '--dim <name=n>',
    group: 'Measurement',
    help: "size of a file's dimension that the shape does not give; may be repeated",
    parse: namedNumbers,
  },
  benchShapes: {
    flags: '--shapes <list>',
    group: 'Measurement',
    help: 'texts x tokens',
    default: '1x16,1x128,8x128',
    parse: shapesText,
  },
  seconds: {
    flags: '--seconds <s>',
    group: 'Measurement',
    help: 'time for each shape and thread count',
    default: '8',
    parse: positiveNumber,
  },
  fuseShapes: {
    flags: '--shapes <list>',
    group: 'Measurement',
    help: 'texts x tokens to compare at; the last is also timed',
    default: '1x5,2x17,3x9, timed at 1x128',
    parse: shapesText,
  },
  fuseSeconds: {
    flags: '--seconds <s>',
    group: 'Measurement',
    help: 'time to measure latency before and after; 0 for none',
    default: '2',
    parse: numberFromZero,
  },
  benchSeconds: {
    flags: '--seconds <s>',
    group: 'Measurement',
    help: 'time for each shape and thread count',
    default: '10',
    parse: positiveNumber,
  },
  reportSeconds: {
    flags: '--seconds <s>',
    group: 'Measurement',
    help: 'time for each thread count and length',
    default: '4',
    parse: positiveNumber,
  },
  lengths: {
    flags: '--lengths <list>',
    group: 'Measurement',
    help: 'tokens of one text, to show how latency grows with them',
    default: '8,16,32,64,128,256,512',
    parse: wholeNumbers,
  },
  batchSize: {
    flags: '--batch-size <n>',
    group: 'Measurement',
    help: 'texts that run together; results of dynamic INT8 depend on it',
    default: '32',
    parse: wholeNumber,
  },
  seed: {
    flags: '--seed <n>',
    group: 'Measurement',
    help: 'seed of every random choice',
    default: '1',
    parse: seedNumber,
  },
  vs: {
    flags: '--vs <model>',
    group: 'Measurement',
    help: 'rival to measure in turn with the model: folder or ONNX file',
  },
  revision: {
    flags: '--revision <name>',
    group: 'Model',
    help: 'branch, tag or commit of a model of the Hub',
    default: 'main',
  },
  offline: {
    flags: '--offline',
    group: 'Model',
    help: "send no request: a model of the Hub must lie in the Hub's cache",
  },
  variant: {
    flags: '--variant <file>',
    group: 'Model',
    help: "which file of the folder's onnx to run, such as model_quantized",
    default: 'the fastest here',
  },
  source: {
    flags: '--source <dir>',
    group: 'Model',
    help: 'the model folder that was optimized',
    default: 'where it was then',
  },
  allVariants: {
    flags: '--all-variants',
    group: 'Model',
    help: 'run every variant: does INT8 answer as FP32 does, and how fast is each',
  },
  question: { flags: '--question <text>', group: 'Data', help: 'the question, as the first text' },
  context: {
    flags: '--context <text>',
    group: 'Data',
    help: 'what the question is answered from, as the second text; long ones run as windows',
  },
  runTask: {
    flags: '--task <task>',
    group: 'Data',
    help: 'text-classification, token-classification, question-answering, fill-mask, embeddings, zero-shot, reranking or retrieval',
    default: 'from the model and the options',
  },
  candidates: {
    flags: '--candidates <labels>',
    group: 'Data',
    help: 'labels to choose among without training (zero-shot), parted by commas',
    default: 'for data, the labels of the file',
    parse: textList,
  },
  hypothesis: {
    flags: '--hypothesis <text>',
    group: 'Data',
    help: 'what a candidate is put into, at {}',
    default: '"This example is {}."; the candidate alone for embeddings',
  },
  multiLabel: {
    flags: '--multi-label',
    group: 'Data',
    help: 'judge each candidate by itself: several may be right',
  },
  query: { flags: '--query <text>', group: 'Data', help: 'what documents are ranked by' },
  documents: {
    flags: '--documents <file>',
    group: 'Data',
    help: 'texts to rank by the query: one a line, or the column text of a table',
  },
  top: {
    flags: '--top <n>',
    group: 'Data',
    help: 'documents, or words for a mask, to print',
    default: '10 documents, 5 words',
    parse: wholeNumber,
  },
  stride: {
    flags: '--stride <n>',
    group: 'Data',
    help: 'tokens that windows over a long context share',
    default: '128',
    parse: wholeNumber,
  },
  noAnswerThreshold: {
    flags: '--no-answer-threshold <score>',
    group: 'Data',
    help: 'how far the null score must be above that of the best span for no answer',
    default: '0 for SQuAD v2, always an answer for v1.1',
    parse: anyNumber,
  },
  scheme: {
    flags: '--scheme <scheme>',
    group: 'Model',
    help: 'how to quantize: dynamic-int8, static-int8, int8-weights, int4, fp16 or bf16',
    default: 'dynamic-int8',
    parse: oneOf('dynamic-int8', 'static-int8', 'int8-weights', 'int4', 'fp16', 'bf16'),
  },
  perToken: {
    flags: '--per-token',
    group: 'Model',
    help: 'dynamic-int8 with a range for each token: no result depends on its batch',
  },
  smooth: {
    flags: '--smooth',
    group: 'Model',
    help: 'SmoothQuant for INT8: outliers of inputs move into weights, as --data shows them',
  },
  calibrate: {
    flags: '--calibrate <method>',
    group: 'Model',
    help: 'how static-int8 finds ranges: min-max, moving-average, percentile, entropy or mse',
    default: 'percentile',
    parse: oneOf('min-max', 'moving-average', 'percentile', 'entropy', 'mse'),
  },
  block: {
    flags: '--block <n>',
    group: 'Model',
    help: 'weights of a row that share a scale: 16, 32, 64, 128 or 256',
    default: '32',
    parse: wholeNumber,
  },
  symmetric: {
    flags: '--symmetric',
    group: 'Model',
    help: 'blocks without zero points: smaller by a little, less exact',
  },
  method: {
    flags: '--method <method>',
    group: 'Model',
    help: 'how int4 and int8-weights find codes: rtn (to the nearest) or gptq (from --data)',
    default: 'rtn',
    parse: oneOf('rtn', 'gptq'),
  },
  accuracyLevel: {
    flags: '--accuracy-level <level>',
    group: 'Model',
    help: 'what int4 and int8-weights compute with: 4 (int8 activations) or 0 (float32)',
    default: '4',
    parse: oneOf(0, 4),
  },
  storage: {
    flags: '--storage',
    group: 'Model',
    help: 'fp16 for weights alone: half the file, computed in float32',
  },
  calibrationData: {
    flags: '--data <file>',
    group: 'Data',
    help: 'texts to calibrate on: TSV, CSV, JSON, JSONL, Parquet or text, also .gz',
  },
  samples: {
    flags: '--samples <n>',
    group: 'Data',
    help: 'texts of the data to calibrate on',
    default: '128',
    parse: wholeNumber,
  },
  weightBits: {
    flags: '--weight-bits <bits>',
    group: 'Model',
    help: 'range of the weights, 7 or 8 bits',
    default: '7 where a CPU could saturate',
    parse: oneOf(7, 8),
  },
  exclude: {
    flags: '--exclude <glob>',
    group: 'Model',
    help: 'layers that stay fp32, by module path; * matches any text; may be repeated',
    parse: textList,
  },
  target: {
    flags: '--target <target>',
    group: 'Model',
    help: 'portable (any ONNX Runtime, browsers) or cpu (this one)',
    default: 'both',
    parse: oneOf('portable', 'cpu'),
  },
  fuseTarget: {
    flags: '--target <target>',
    group: 'Model',
    help: 'cpu (this one), portable (any ONNX Runtime, browsers) or both',
    default: 'cpu',
    parse: oneOf('cpu', 'portable', 'both'),
  },
  externalData: {
    flags: '--external-data',
    group: 'Model',
    help: 'weights beside the file, whatever their size',
    default: 'above 1 GB',
  },
  price: {
    flags: '--price <amount>',
    group: 'Costs',
    help: 'price of the machine for an hour',
    parse: positiveNumber,
  },
  currency: {
    flags: '--currency <sign>',
    group: 'Costs',
    help: 'its currency, such as € or USD',
  },
  power: {
    flags: '--power <watts>',
    group: 'Costs',
    help: 'watts that the machine takes while it works',
    parse: positiveNumber,
  },
  reportOutput: {
    flags: '-o, --output <file>',
    group: 'Output',
    help: 'file to write',
    default: 'report.html, report.md and report.json in the folder',
  },
  format: {
    flags: '--format <format>',
    group: 'Output',
    help: 'html, markdown or json',
    default: 'by the ending of the file, or all three',
    parse: oneOf('html', 'markdown', 'json'),
  },
  fuseOutput: {
    flags: '-o, --output <file>',
    group: 'Output',
    help: 'file to write; with --target both also <file>_cpu.onnx',
    default: '<name>_fused.onnx beside the source',
  },
  overwriteFile: { flags: '--overwrite', group: 'Output', help: 'replace a file that is there' },
  diff: {
    flags: '--diff',
    group: 'Output',
    help: 'print the graphs before and after as a diff of their texts',
  },
  output: {
    flags: '-o, --output <dir>',
    group: 'Output',
    help: 'folder to write',
    default: 'limbeck-output/<model name>',
  },
  requiredOutput: { flags: '-o, --output <dir>', group: 'Output', help: 'folder to write' },
  overwrite: {
    flags: '--overwrite',
    group: 'Output',
    help: 'replace a folder that Limbeck wrote before',
  },
  explain: {
    flags: '--explain',
    group: 'Output',
    help: 'tell how often each rewriting rule fired, and why not more often',
  },
  json: { flags: '--json', group: 'Output', help: 'print one JSON document instead of a table' },
  debug: { flags: '--debug', group: 'Output', help: 'print the stack of an error' },
} as const satisfies Record<string, OptionSpec>

export type OptionName = keyof typeof optionTable

type ValueOf<S> = S extends { readonly parse: (text: string, earlier?: never) => infer R }
  ? R
  : S extends { readonly flags: `${string}<${string}` }
    ? string
    : boolean

/** Values of the options of a verb; those of `R` are always there. */
export type OptionValues<N extends OptionName, R extends N = never> = {
  readonly [K in Exclude<N, R>]?: ValueOf<(typeof optionTable)[K]> | undefined
} & { readonly [K in R]: ValueOf<(typeof optionTable)[K]> }

/** Options of every verb that takes a model. */
export const hubOptionNames = ['revision', 'offline'] as const

/** Options that name a data file and its columns. */
export const dataOptionNames = [
  'text',
  'textPair',
  'label',
  'labelMap',
  'task',
  'encoding',
  'noHeader',
  'limit',
  'candidates',
  'hypothesis',
  'stride',
  'noAnswerThreshold',
] as const

/** The data file and its columns, as jobs take them; undefined without a file. */
export function dataOf(file: string, values: OptionValues<(typeof dataOptionNames)[number]>) {
  const { noHeader, ...columns } = values
  return { file, ...columns, header: noHeader ? false : undefined }
}

/** Refuses options that say how data is read where there is none: they would do nothing. */
export function noData(values: OptionValues<(typeof dataOptionNames)[number]>): undefined {
  const given = dataOptionNames.find((name) => values[name] !== undefined)
  if (given === undefined) return undefined
  const flag = optionTable[given].flags.split(' ')[0]
  throw new LimbeckError('usage', `${flag} says how data is read, and there is no --data.`, {
    hint: 'Name the file with --data.',
  })
}
