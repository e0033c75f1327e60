/** Data: readers of tabular text, task examples, tokenization, batches, metrics. */
export { acceptMetric } from './accept-metric.ts'
export { type BatchOptions, batchByLength, type TextBatch } from './batch-by-length.ts'
export { type Entity, entitiesOf } from './entities.ts'
export { type Fidelity, type FidelityMeter, fidelityMeter, type RowKind } from './fidelity.ts'
export { type LabelMap, labelMap } from './label-map.ts'
export {
  argmax,
  classesAbove,
  cosineSimilarity,
  logSoftmax,
  type Row,
  rowsOf,
  sigmoid,
  softmax,
} from './logits.ts'
export {
  evaluateMetrics,
  type MetricName,
  type MetricResult,
  type MetricTask,
  metricsOfTask,
  type TaskAnswers,
} from './metrics.ts'
export { type PadOptions, padBatch, type TextFeeds } from './pad-batch.ts'
export { type RandomTokenOptions, randomEncodings } from './random-tokens.ts'
export { type ConllOptions, readConll, type TaggedExample } from './read-conll.ts'
export {
  type Example,
  type ExampleColumns,
  type ExampleOptions,
  readExamples,
  type TargetKind,
  type Targets,
} from './read-examples.ts'
export {
  type Column,
  parseColumn,
  readColumnNames,
  readTable,
  type TableOptions,
  type TableRow,
} from './read-table.ts'
export { readBlocks, readLines, type TextBlock, type TextLine } from './read-text.ts'
export {
  type RawRow,
  type ReadOptions,
  type TableFormat,
  type TableFormatName,
  tableFormat,
  tableFormats,
} from './table-formats.ts'
export {
  createTokenizer,
  type EncodeOptions,
  type Encoding,
  loadTokenizer,
  type SpecialToken,
  type Tokenizer,
} from './tokenizer.ts'
export { type TruncationStrategy, truncatedLengths } from './truncate-pair.ts'
