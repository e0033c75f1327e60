/** Gradients of convolution and pooling. Spatial sizes must be static where a formula needs them. */
import { int, intOf, ints, intsOf } from '../../graph/attributes.ts'
import type { Attributes, Node, Value } from '../../graph/graph.ts'
import { float32Tensor } from '../../graph/tensor.ts'
import { windowOf } from '../infer/convolution.ts'
import type { KnownOp } from '../known.ts'
import type { GradBuilder } from './grad-builder.ts'
import { type GradEntry, type GradRow, gradientError } from './grad-row.ts'

/** Sizes of the spatial axes; an error where one is symbolic. */
function spatialSizes(g: GradBuilder, x: Value, what: string): number[] {
  const sizes = g.shape(x).slice(2)
  if (!sizes.every((size) => typeof size === 'number')) {
    throw gradientError(`${what} needs static spatial sizes, got [${sizes.join(', ')}]`)
  }
  return sizes as number[]
}

/** How a window slides: strides, dilations, pads with automatic padding resolved, group. */
interface Slide {
  readonly kernel: readonly number[]
  readonly strides: readonly number[]
  readonly dilations: readonly number[]
  readonly pads: readonly number[]
  readonly group: number
}

/** SAME pads so that ⌈in/stride⌉ windows fit; the odd one goes to the end (UPPER) or the beginning. */
function slideOf(g: GradBuilder, node: Node, x: Value, kernel: readonly number[]): Slide {
  const { strides, dilations, pads, autoPad } = windowOf(node, kernel.length)
  const base = { kernel, strides, dilations, group: intOf(node, 'group', 1) }
  if (!autoPad.startsWith('SAME')) return { ...base, pads }
  const totals = spatialSizes(g, x, 'automatic padding').map((size, i) => {
    const windows = Math.ceil(size / strides[i]!)
    return Math.max(0, (windows - 1) * strides[i]! + (kernel[i]! - 1) * dilations[i]! + 1 - size)
  })
  const small = totals.map((total) => Math.floor(total / 2))
  const large = totals.map((total, i) => total - small[i]!)
  return { ...base, pads: autoPad === 'SAME_UPPER' ? [...small, ...large] : [...large, ...small] }
}

const attributesOf = ({
  strides,
  dilations,
  pads,
  group,
}: Slide): Record<string, Attributes[string]> => ({
  strides: ints(strides),
  dilations: ints(dilations),
  pads: ints(pads),
  group: int(group),
})

/** Spreads dY back over the input: ConvTranspose, with what the stride left over at the end. */
function spreadBack(g: GradBuilder, dy: Value, w: Value, x: Value, slide: Slide): Value {
  const { kernel, strides, dilations, pads } = slide
  const attributes = attributesOf(slide)
  if (
    strides.every((stride) => stride === 1) &&
    !g
      .shape(dy)
      .slice(2)
      .every((d) => typeof d === 'number')
  ) {
    return g.op('ConvTranspose', [dy, w], attributes)
  }
  const sizes = spatialSizes(g, x, 'a strided window')
  const counts = spatialSizes(g, dy, 'a strided window')
  const rank = sizes.length
  const rest = sizes.map((size, i) => {
    const reach = strides[i]! * (counts[i]! - 1) + dilations[i]! * (kernel[i]! - 1) + 1
    return size - (reach - pads[i]! - pads[i + rank]!)
  })
  // a window may reach past the padded end (ceil_mode): crop there instead
  const cropped = pads.map((pad, i) => (i < rank ? pad : pad + Math.max(0, -rest[i - rank]!)))
  return g.op('ConvTranspose', [dy, w], {
    ...attributes,
    pads: ints(cropped),
    output_padding: ints(rest.map((left) => Math.max(0, left))),
  })
}

/**
 * dW of a convolution of x that gave dY: x correlated with dY, channels in the place of the batch:
 * x → [in/g, g·N, …], dY → [out, N, …], Conv with strides and dilations exchanged, cut to the kernel.
 */
function kernelGradient(g: GradBuilder, x: Value, dy: Value, slide: Slide): Value {
  const { kernel, strides, dilations, pads, group } = slide
  const spatial = kernel.map((_, i) => i + 2)
  const flipped = [1, 0, ...spatial]
  const images = group === 1 ? g.transpose(x, flipped) : groupedImages(g, x, group)
  const product = g.op('Conv', [images, g.transpose(dy, flipped)], {
    strides: ints(dilations),
    dilations: ints(strides),
    pads: ints(pads),
    group: int(group),
  })
  const starts = kernel.map(() => 0)
  const cut = g.op('Slice', [
    product,
    g.int64s(...starts),
    g.int64s(...kernel),
    g.int64s(...spatial),
  ])
  return g.transpose(cut, flipped)
}

/** [N, g·c, …] → [c, g·N, …] */
function groupedImages(g: GradBuilder, x: Value, group: number): Value {
  const sizes = spatialSizes(g, x, 'a grouped convolution')
  const channels = g.shape(x)[1]
  if (typeof channels !== 'number') throw gradientError('the number of channels is not known')
  const inner = channels / group
  const split = g.reshape(x, -1, group, inner, ...sizes)
  const moved = g.transpose(split, [2, 1, 0, ...sizes.map((_, i) => i + 3)])
  return g.reshape(moved, inner, -1, ...sizes)
}

/** Sum over everything but the channels. */
const channelSum = (g: GradBuilder, dy: Value): Value =>
  g.sum(
    dy,
    [
      0,
      ...g
        .shape(dy)
        .slice(2)
        .map((_, i) => i + 2),
    ],
    false,
  )

const kernelSizes = (g: GradBuilder, node: Node, w: Value): number[] =>
  intsOf(node, 'kernel_shape') ?? spatialSizes(g, w, 'a kernel')

/** dX = ConvTranspose(dY, W); dW = x ⋆ dY; db = Σ dY */
const conv: GradRow = ({ g, node, inputs, dy, wants }) => {
  const [x, w] = inputs as [Value, Value]
  const slide = slideOf(g, node, x, kernelSizes(g, node, w))
  return [
    wants(0) ? spreadBack(g, dy, w, x, slide) : undefined,
    wants(1) ? kernelGradient(g, x, dy, slide) : undefined,
    wants(2) ? channelSum(g, dy) : undefined,
  ]
}

/** dX = Conv(dY, W); dW = dY ⋆ x: a transposed convolution is a convolution the other way round. */
const convTranspose: GradRow = ({ g, node, inputs, dy, wants }) => {
  const [x, w] = inputs as [Value, Value]
  const { strides, dilations, pads, autoPad } = windowOf(node, g.rank(x) - 2)
  if (autoPad !== 'NOTSET' || intsOf(node, 'output_shape')) {
    throw gradientError('automatic padding of a transposed convolution')
  }
  const kernel = kernelSizes(g, node, w)
  const slide = { kernel, strides, dilations, pads, group: intOf(node, 'group', 1) }
  const sizes = kernel.map((_, i) => i + 2)
  const cut = (): Value => {
    // output padding may leave room for one window more than x has
    const whole = g.op('Conv', [dy, w], attributesOf(slide))
    const ends = g.concat(
      sizes.map((axis) => g.sizeOf(x, axis)),
      0,
    )
    return g.op('Slice', [whole, g.int64s(...sizes.map(() => 0)), ends, g.int64s(...sizes)])
  }
  return [
    wants(0) ? cut() : undefined,
    wants(1) ? kernelGradient(g, dy, x, slide) : undefined,
    wants(2) ? channelSum(g, dy) : undefined,
  ]
}

/** dY lands where the maximum was: the forward operator says where, flat over the whole tensor. */
const maxPool: GradRow = ({ g, inputs, dy, extraOutput }) => {
  const x = inputs[0]!
  const zeros = g.zeros(g.op('Reshape', [g.op('Size', [x]), g.int64s(1)]), dy)
  const [indices, updates] = [g.reshape(extraOutput(1), -1), g.reshape(dy, -1)]
  const flat = g.op('ScatterElements', [zeros, indices, updates], {
    axis: int(0),
    reduction: { type: 'string', value: 'add' },
  })
  return [g.reshapeLike(flat, x)]
}

/** Every window gives its mean's share back: ConvTranspose with a kernel of 1/k, channel by channel. */
const averagePool: GradRow = ({ g, node, inputs, dy }) => {
  const x = inputs[0]!
  const kernel = intsOf(node, 'kernel_shape') ?? []
  const channels = g.shape(x)[1]
  if (typeof channels !== 'number') throw gradientError('the number of channels is not known')
  const slide = { ...slideOf(g, node, x, kernel), group: channels }
  const size = kernel.reduce((product, k) => product * k, 1)
  const share = new Array<number>(channels * size).fill(1 / size)
  const w = g.castLike(g.constant(float32Tensor(share, [channels, 1, ...kernel]), 'share'), dy)
  const partial = slide.pads.some((pad) => pad > 0) || intOf(node, 'ceil_mode', 0) === 1
  if (!partial) return [spreadBack(g, dy, w, x, slide)]
  // the divisor of each window, from sizes alone, in the place of k
  const divisors = windowCounts(
    spatialSizes(g, x, 'a padded pool'),
    spatialSizes(g, dy, 'a padded pool'),
    slide,
    intOf(node, 'count_include_pad', 0) === 1,
  )
  const counts = spatialSizes(g, dy, 'a padded pool')
  const scale = float32Tensor(
    divisors.map((count) => size / count),
    [1, 1, ...counts],
  )
  return [spreadBack(g, g.mul(dy, g.castLike(g.constant(scale, 'share'), dy)), w, x, slide)]
}

/** Elements that each window's mean is over: the input's own, and the padding where it counts. */
function windowCounts(
  sizes: readonly number[],
  windows: readonly number[],
  { kernel, strides, dilations, pads }: Slide,
  include: boolean,
): number[] {
  let counts = [1]
  sizes.forEach((size, axis) => {
    const [low, high] = include ? [-pads[axis]!, size + pads[axis + sizes.length]!] : [0, size]
    const along = Array.from({ length: windows[axis]! }, (_, window) => {
      const start = window * strides[axis]! - pads[axis]!
      const places = Array.from({ length: kernel[axis]! }, (_, k) => start + k * dilations[axis]!)
      return places.filter((place) => place >= low && place < high).length
    })
    counts = counts.flatMap((count) => along.map((own) => count * own))
  })
  return counts
}

export const convolution = {
  Conv: conv,
  ConvTranspose: convTranspose,
  MaxPool: maxPool,
  AveragePool: averagePool,
  // dY/n spread over the n positions
  GlobalAveragePool: ({ g, inputs: [x], dy }) => {
    const count = g.div(g.op('Size', [x!]), g.op('Size', [dy]))
    return [g.expandLike(g.div(dy, g.castLike(count, dy)), x!)]
  },
  // dY at the maximum, shared among ties
  GlobalMaxPool: ({ g, inputs: [x], outputs: [y], dy }) => {
    const mask = g.castLike(g.equal(x!, y!), dy)
    const axes = g
      .shape(x!)
      .slice(2)
      .map((_, i) => i + 2)
    return [g.mul(mask, g.div(dy, g.sum(mask, axes)))]
  },
} satisfies Partial<Record<KnownOp, GradEntry>>
