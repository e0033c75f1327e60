/** Measuring models: interleaved latency against a rival, and memory. */
export {
  type BenchCandidate,
  type BenchEntry,
  type BenchOptions,
  type BenchProgress,
  type BenchRow,
  benchModels,
} from './bench-models.ts'
export { type BenchShape, formatShape, parseShapes } from './bench-shape.ts'
export { type MemoryOptions, type MemoryUse, measureMemory } from './measure-memory.ts'
export { type Rounds, speedupByRound, summariseRounds } from './summarise-rounds.ts'
export {
  type TimedCandidate,
  type Timing,
  type TimingOptions,
  type TimingProgress,
  timeInterleaved,
} from './time-interleaved.ts'
export { type BenchFeeds, type TokenFeedOptions, tokenFeeds } from './token-feeds.ts'
