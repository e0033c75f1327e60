/** The train room: graphs become training graphs; nothing runs here. */
export { type Backward, backward } from './backward.ts'
export { extendGraph } from './extend-graph.ts'
export {
  binaryCrossEntropy,
  type CrossEntropyOptions,
  crossEntropy,
  meanSquaredError,
} from './losses.ts'
