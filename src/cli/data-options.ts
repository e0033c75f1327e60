/** Options of what is read: data files, their columns, and texts given by hand. */
import type { OptionSpec } from './option-spec.ts'
import { anyNumber, textList, wholeNumber } from './parse-values.ts'

export const dataOptions = {
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
} as const satisfies Record<string, OptionSpec>
