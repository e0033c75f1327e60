/** The infer facet: one row for each known operator; a missing one does not compile. */
import type { KnownOp } from '../known.ts'
import { attentionAndQuantization } from './attention.ts'
import { control } from './control.ts'
import { convolution } from './convolution.ts'
import { elementwise } from './elementwise.ts'
import { generators } from './generators.ts'
import { indexing } from './indexing.ts'
import type { InferRow } from './infer-row.ts'
import { linalg } from './linalg.ts'
import { movement } from './movement.ts'
import { normalization } from './normalization.ts'
import { reductions } from './reduction.ts'

export const inferTable: { readonly [O in KnownOp]: InferRow } = {
  ...elementwise,
  ...linalg,
  ...convolution,
  ...movement,
  ...indexing,
  ...generators,
  ...reductions,
  ...normalization,
  ...attentionAndQuantization,
  ...control,
}
