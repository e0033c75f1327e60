/** Data: readers of tabular text, task examples, tokenization, batches, metrics. */
export { acceptMetric } from './accept-metric.ts'
export { alignTokens, spanText, type TextAlignment, type TextSpan } from './answer-text.ts'
export { type BatchOptions, batchByLength, type TextBatch } from './batch-by-length.ts'
export {
  bestSpan,
  type SpanChoice,
  type SpanOptions,
  type SpanScores,
  type TokenSpan,
  type WindowPlace,
} from './best-span.ts'
export { type Entity, entitiesOf } from './entities.ts'
export { type Fidelity, type FidelityMeter, fidelityMeter, type RowKind } from './fidelity.ts'
export { type GivenLabels, givenLabels } from './given-labels.ts'
export { areNumbered, type InferredLabels, inferLabels, type LabelSource } from './infer-labels.ts'
export {
  type ColumnSearch,
  columnsOfFirstRow,
  type FoundColumns,
  findColumns,
  type Part,
} from './known-columns.ts'
export { type KnownLabels, type LabelMap, labelMap } from './label-map.ts'
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
export type { MetricTask, TaskAnswers } from './metric-tallies.ts'
export {
  evaluateMetrics,
  type MetricMeter,
  type MetricName,
  type MetricResult,
  metricMeter,
  metricsOfTask,
} from './metrics.ts'
export { characterSpans, type Span } from './offsets.ts'
export { type PadOptions, padBatch, type TextFeeds } from './pad-batch.ts'
export { type QuestionWindow, questionWindows, type WindowOptions } from './question-windows.ts'
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
export { type ParquetRow, parquetClassNames, parquetColumns, readParquet } from './read-parquet.ts'
export {
  parseSquad,
  readSquad,
  type SquadOptions,
  type SquadQuestion,
  type SquadSet,
} from './read-squad.ts'
export {
  type Column,
  parseColumn,
  readClassNames,
  readColumnNames,
  readTable,
  type TableOptions,
  type TableRow,
} from './read-table.ts'
export { readTagged } from './read-tagged.ts'
export { readBlocks, readLines, type TextBlock, type TextLine } from './read-text.ts'
export { type AnswerTexts, answerWords, exactScore, wordF1 } from './squad-scores.ts'
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
  type OffsetEncoding,
  type SpecialToken,
  type Tokenizer,
  type WordEncoding,
} from './tokenizer.ts'
export { type TruncationStrategy, truncatedLengths } from './truncate-pair.ts'
