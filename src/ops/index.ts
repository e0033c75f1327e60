/** The ops room: what the toolkit knows of an operator, one table a facet. */

export type { Cost } from './cost/cost-table.ts'
export { type FoldOptions, foldNode } from './fold-node.ts'
export { type GraphCost, graphCost, nodeCost } from './graph-cost.ts'
export type { InferredType, KnownElements } from './infer/infer-row.ts'
export {
  inferNode,
  inferTypes,
  knowTypes,
  type TypeLookup,
  type TypeProblem,
  type Types,
} from './infer-types.ts'
export { type Arity, arityOf, isRandom, type KnownOp, knownOp, knownOps, MANY } from './known.ts'
export { nodeText, verifyGraph } from './verify.ts'
