/** Cases of every known operator; one without a case does not compile. */
import type { KnownOp } from '../known.ts'
import { elementwiseCases } from './elementwise-cases.ts'
import { linearCases } from './linear-cases.ts'
import type { OpCase } from './op-case.ts'
import { structureCases } from './structure-cases.ts'

export const opCases: { readonly [O in KnownOp]: readonly OpCase[] } = {
  ...elementwiseCases,
  ...structureCases,
  ...linearCases,
}
