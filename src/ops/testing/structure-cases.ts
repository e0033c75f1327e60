/** Cases of operators that move, index, reduce or make elements. */
import {
  float32Tensor,
  int,
  int64Tensor,
  ints,
  string,
  tensorAttribute,
} from '../../graph/index.ts'
import type { KnownOp } from '../known.ts'
import {
  batchOnly,
  bools,
  data,
  fixed,
  floats,
  index,
  ints64,
  list,
  type OpCase,
  scalar,
  spread,
} from './op-case.ts'

const reduce = (
  make: (shape: readonly number[]) => ReturnType<typeof floats> = (shape) => floats(shape),
): OpCase[] => [
  { inputs: [make([2, 3, 4]), list(-1)] },
  {
    about: 'without the axis',
    inputs: [make([2, 3, 4]), list(0, 2)],
    attributes: { keepdims: int(0) },
  },
  { about: 'all', inputs: [make([2, 3])], attributes: { keepdims: int(0) } },
  { about: 'nothing', inputs: [make([2, 3])], attributes: { noop_with_empty_axes: int(1) } },
]
const wholes: OpCase = {
  about: 'integers',
  inputs: [ints64([4, 2, 7]), list(0)],
  attributes: { keepdims: int(0) },
}
const sorted = (): OpCase[] => [
  { inputs: [spread([2, 5])], attributes: { axis: int(1) } },
  { about: 'without the axis', inputs: [spread([2, 5])], attributes: { keepdims: int(0) } },
]

export const structureCases = {
  Slice: [
    { inputs: [floats([4, 5]), list(1, 0), list(3, 4), list(0, 1), list(1, 2)] },
    { about: 'to the end', inputs: [floats([4, 5]), list(1), list(2 ** 60), list(-1)] },
    { about: 'from the end', inputs: [floats([4, 5]), list(-3), list(-1), list(1)] },
    { about: 'backwards', inputs: [floats([4, 5]), list(-1), list(-(2 ** 60)), list(1), list(-1)] },
    { about: 'backwards by two', inputs: [floats([6]), list(4), list(0), list(0), list(-2)] },
    { about: 'contents', inputs: [fixed(int64Tensor([5, 6, 7, 8])), list(1), list(3)] },
    { about: 'leading axes', inputs: [floats([4, 5]), list(1), list(9)] },
  ],
  Concat: [
    { inputs: [floats([2, 3]), floats([2, 1]), floats([2, 2])], attributes: { axis: int(-1) } },
    { about: 'first axis', inputs: [floats([2, 3]), floats([1, 3])], attributes: { axis: int(0) } },
    { about: 'contents', inputs: [list(1, 2), list(3)], attributes: { axis: int(0) } },
  ],
  Split: [
    {
      inputs: [floats([2, 6]), list(1, 3, 2)],
      attributes: { axis: int(1) },
      outputs: 3,
      differentiable: [0, 1, 2],
    },
    {
      about: 'even',
      inputs: [floats([6, 2])],
      attributes: { num_outputs: int(3) },
      outputs: 3,
      differentiable: [1],
    },
    {
      about: 'uneven',
      inputs: [floats([7, 2])],
      attributes: { num_outputs: int(3) },
      outputs: 3,
      differentiable: [0, 2],
    },
  ],
  Pad: [
    { inputs: [floats([2, 3]), list(1, 0, 0, 2), scalar(0.5)] },
    { about: 'one axis', inputs: [floats([2, 3]), list(1, 2), undefined, list(1)] },
    { about: 'crops', inputs: [floats([4, 3]), list(-1, 0, 1, -1)] },
  ],
  Transpose: [
    { inputs: [floats([2, 3, 4])], attributes: { perm: ints([2, 0, 1]) } },
    { about: 'reversed', inputs: [floats([2, 3])] },
  ],
  Reshape: [
    { inputs: [floats([2, 3, 4]), list(0, -1)] },
    { about: 'to four axes', inputs: [floats([2, 6]), list(2, 1, 3, 2)] },
    { about: 'contents', inputs: [fixed(int64Tensor([4, 5], [2])), list(2, 1)] },
  ],
  Flatten: [
    { inputs: [floats([2, 3, 4])], attributes: { axis: int(2) } },
    { about: 'from the end', inputs: [floats([2, 3, 4])], attributes: { axis: int(-1) } },
    { about: 'everything', inputs: [floats([2, 3])], attributes: { axis: int(0) } },
  ],
  Squeeze: [{ inputs: [floats([2, 1, 3, 1]), list(1, -1)] }],
  Unsqueeze: [{ inputs: [floats([2, 3]), list(0, -1)] }],
  Expand: [
    { inputs: [floats([3, 1]), list(2, 1, 4)] },
    { about: 'a larger input', inputs: [floats([2, 3]), list(1)] },
  ],
  Tile: [{ inputs: [floats([2, 3]), list(2, 3)] }],
  Trilu: [
    { inputs: [floats([2, 3, 4])] },
    { about: 'lower, shifted', inputs: [floats([3, 3]), index(1)], attributes: { upper: int(0) } },
  ],
  Resize: [
    {
      about: 'nearest, by whole factors',
      symbols: 'none',
      inputs: [floats([1, 2, 2, 3]), undefined, undefined, list(1, 2, 4, 6)],
      attributes: {
        mode: string('nearest'),
        coordinate_transformation_mode: string('asymmetric'),
        nearest_mode: string('floor'),
      },
    },
  ],
  DepthToSpace: batchOnly([
    { inputs: [floats([1, 8, 2, 3])], attributes: { blocksize: int(2) } },
    {
      about: 'columns first',
      inputs: [floats([1, 8, 2, 3])],
      attributes: { blocksize: int(2), mode: string('CRD') },
    },
  ]),
  SpaceToDepth: [{ inputs: [floats([1, 2, 4, 6])], attributes: { blocksize: int(2) } }],
  Gather: [
    { inputs: [floats([5, 3]), ints64([1, 4, 1, 0], [2, 2])] },
    {
      about: 'last axis',
      inputs: [floats([2, 4]), ints64([-1, 0, 3])],
      attributes: { axis: int(1) },
    },
    { about: 'one position', inputs: [floats([2, 3, 4]), index(0)], attributes: { axis: int(1) } },
    {
      about: 'one position, kept',
      inputs: [floats([2, 3, 4]), list(2)],
      attributes: { axis: int(1) },
    },
    { about: 'contents', inputs: [list(5, 6, 7), list(-1, 0)] },
  ],
  GatherElements: [
    { inputs: [floats([3, 4]), ints64([0, 1, 1, 3, 0, 0], [3, 2])], attributes: { axis: int(1) } },
    { about: 'first axis', inputs: [floats([3, 2]), ints64([2, -1, 2, 0], [2, 2])] },
  ],
  GatherND: batchOnly([
    { inputs: [floats([2, 3, 4]), ints64([0, 1, 1, 2], [2, 2])] },
    { about: 'rows', inputs: [floats([3, 4]), ints64([2, 0], [2, 1])] },
  ]),
  ScatterND: batchOnly([{ inputs: [floats([4, 3]), ints64([3, 1], [2, 1]), floats([2, 3])] }]),
  ScatterElements: [
    {
      inputs: [floats([3, 3]), ints64([0, 2, 1, 0], [2, 2]), floats([2, 2])],
      attributes: { axis: int(1) },
    },
    {
      about: 'adding',
      inputs: [floats([3, 3]), ints64([0, 2, 0, 0], [2, 2]), floats([2, 2])],
      attributes: { axis: int(1), reduction: string('add') },
    },
  ],
  OneHot: [
    { inputs: [ints64([0, 2, -1]), index(4), fixed(float32Tensor([0, 1]))] },
    {
      about: 'in front',
      inputs: [ints64([0, 2]), index(3), data(float32Tensor([0.5, 2]))],
      attributes: { axis: int(0) },
    },
  ],
  NonZero: [{ inputs: [bools([0, 1, 1, 0], [2, 2])] }],
  Unique: [
    { inputs: [ints64([7, 2, 7, 5])], outputs: 4 },
    {
      about: 'an axis',
      inputs: [data(float32Tensor([1, 2, 0, 5, 1, 2], [3, 2]))],
      attributes: { axis: int(0) },
      outputs: 4,
    },
    { about: 'of a table', inputs: [ints64([3, 1, 3, 3], [2, 2])] },
  ],
  ArgMax: sorted(),
  ArgMin: sorted(),
  TopK: [{ inputs: [spread([2, 5]), list(2)], outputs: 2 }],
  Shape: [
    { inputs: [floats([2, 3])] },
    { about: 'a part', inputs: [floats([2, 3, 4])], attributes: { start: int(-2), end: int(9) } },
  ],
  Size: [{ inputs: [floats([2, 3])] }],
  Constant: [
    { inputs: [], attributes: { value: tensorAttribute(int64Tensor([3, 4])) } },
    { about: 'an integer list', inputs: [], attributes: { value_ints: ints([3, 4]) } },
  ],
  ConstantOfShape: [
    { inputs: [list(2, 3)], attributes: { value: tensorAttribute(int64Tensor([7])) } },
    { about: 'zeros', inputs: [list(2)] },
  ],
  Range: [
    { inputs: [index(2), index(11), index(3)] },
    { about: 'floats', inputs: [scalar(0), scalar(1), scalar(0.25)] },
    { about: 'downwards', inputs: [index(5), index(0), index(-2)] },
  ],
  EyeLike: [{ inputs: [floats([3, 4])], attributes: { k: int(1) } }],
  ReduceSum: [...reduce(), wholes],
  ReduceMean: reduce(),
  ReduceMax: [...reduce(spread), wholes],
  ReduceMin: [...reduce(spread), wholes],
  ReduceProd: [...reduce((shape) => floats(shape, 0.5, 1.5)), wholes],
  ReduceL1: reduce(spread),
  ReduceL2: reduce(),
  ReduceLogSumExp: reduce(),
  ReduceLogSum: reduce((shape) => floats(shape, 0.5, 2)),
  ReduceSumSquare: reduce(),
  CumSum: [
    { inputs: [floats([2, 4]), index(1)] },
    {
      about: 'backwards, exclusive',
      inputs: [floats([3, 2]), index(0)],
      attributes: { exclusive: int(1), reverse: int(1) },
    },
    { about: 'integers', inputs: [ints64([1, 0, 1, 1]), index(0)] },
  ],
  RandomUniform: [{ inputs: [], attributes: { shape: ints([2, 3]) } }],
  RandomNormal: [{ inputs: [], attributes: { shape: ints([2, 3]) } }],
  RandomUniformLike: [{ inputs: [floats([2, 3])] }],
  RandomNormalLike: [{ inputs: [floats([2, 3])] }],
  Bernoulli: [{ inputs: [floats([2, 3], 0, 1)] }],
  Multinomial: [{ inputs: [floats([2, 3])], attributes: { sample_size: int(4) } }],
} satisfies Partial<Record<KnownOp, readonly OpCase[]>>
