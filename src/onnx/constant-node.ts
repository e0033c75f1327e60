/** `Constant` nodes as the tensors they hold: a value known before the graph runs is a weight. */
import type { Attributes } from '../graph/graph.ts'
import { float32Tensor, int64Tensor, type Tensor } from '../graph/tensor.ts'

const utf8 = new TextEncoder()
const stringTensor = (values: readonly string[], shape: readonly number[]): Tensor => ({
  dtype: 'string',
  shape,
  source: { kind: 'strings', values: values.map((value) => utf8.encode(value)) },
})

/** The tensor of a Constant node; undefined for one that is sparse or broken. */
export function constantTensor(attributes: Attributes): Tensor | undefined {
  const { value, value_int, value_ints, value_float, value_floats, value_string, value_strings } =
    attributes
  if (value?.type === 'tensor') return value.value
  if (value_int?.type === 'int') return int64Tensor([value_int.value], [])
  if (value_ints?.type === 'ints') return int64Tensor(value_ints.value)
  if (value_float?.type === 'float') return float32Tensor([value_float.value], [])
  if (value_floats?.type === 'floats') return float32Tensor(value_floats.value)
  if (value_string?.type === 'string') return stringTensor([value_string.value], [])
  if (value_strings?.type === 'strings') {
    return stringTensor(value_strings.value, [value_strings.value.length])
  }
  return undefined
}
