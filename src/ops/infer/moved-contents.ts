/**
 * Contents that an operator moves: its fold row moves the numbers 0, 1, 2, … in their place, and where
 * each of them lands, the content lands.
 */
import { type DataType, elementCount, type HostTensor } from '../../graph/data-type.ts'
import { type FoldRow, host } from '../fold/fold-row.ts'
import { type InferRow, KNOWN_LIMIT, numbersOf, typed } from './infer-row.ts'

/** `row` with the contents of its first input followed through `fold`. */
export const movingContents =
  (row: InferRow, fold: FoldRow): InferRow =>
  (context) => {
    const outputs = row(context)
    const { node, inputs } = context
    const [x] = inputs
    const [type] = outputs
    const dims = type?.shape
    if (!x?.known || !type || type.known || !dims?.every((dim) => typeof dim === 'number')) {
      return outputs
    }
    const shape = dims as readonly number[]
    const settings = inputs.slice(1).map((input): HostTensor | undefined => {
      const numbers = input && numbersOf(input)
      return numbers && host('float64', [numbers.length], numbers)
    })
    const given = node.inputs.slice(1).every((input, i) => !input || settings[i])
    if (!given || elementCount(shape) > KNOWN_LIMIT) return outputs
    const { known } = x
    const order = host('int32', x.shape as readonly number[], [...known.keys()])
    const out = { dtype: 'int32' as DataType, shape }
    const moved = fold({ node, inputs: [order, ...settings], outputs: [out] })
    return moved
      ? [
          typed(
            type.dtype,
            shape,
            Array.from(moved[0]!.data as Int32Array, (at) => known[at]),
          ),
        ]
      : outputs
  }
