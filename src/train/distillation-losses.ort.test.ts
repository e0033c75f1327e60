/** Each loss on the reference's vectors: value and gradient, and the same with padding behind every row. */
import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { describeWith, fixture } from '../../test/support/fixtures.ts'
import { GraphBuilder } from '../graph/builder.ts'
import type { HostTensor } from '../graph/data-type.ts'
import type { Value } from '../graph/graph.ts'
import { onnxBytes } from '../onnx/write-onnx.ts'
import { verifyGraph } from '../ops/verify.ts'
import { openInline } from '../runtime/open-inline.ts'
import { normalFrom, randomFrom } from '../stats/random.ts'
import { backward } from './backward.ts'
import {
  hiddenCosine,
  hiddenError,
  relationDivergence,
  relationHeads,
  scoreError,
  vectorCosine,
} from './layer-losses.ts'
import { crossEntropy } from './losses.ts'
import { divergence, hardLabels, logitError, softCrossEntropy } from './soft-label-losses.ts'
import { type Tensors, tensorsOf } from './testing/training-fixture.ts'

type Inputs = Readonly<Record<string, Value>>
interface LossCase {
  readonly write: (b: GraphBuilder, inputs: Inputs) => Value
  /** Axes of tokens, by input; others have none. */
  readonly tokens?: readonly number[]
}

/** How each vector's loss is written; inputs by their names in the fixture, `mask` of `[B, S]`. */
const cases: Readonly<Record<string, LossCase>> = {
  kd_kl_t2: {
    write: (b, { student, teacher }) =>
      divergence(b, student!, { logits: teacher! }, { temperature: 2 }),
  },
  kd_soft_ce_t1: {
    write: (b, { student, teacher }) => softCrossEntropy(b, student!, { logits: teacher! }),
  },
  deit_hard: {
    write: (b, { student, teacher }) => crossEntropy(b, student!, hardLabels(b, teacher!)),
  },
  hidden_mse_projected: {
    tokens: [1],
    write: (b, { student, teacher, mask, projection }) =>
      hiddenError(b, student!, teacher!, mask!, { weight: projection! }),
  },
  attention_scores_mse: {
    tokens: [2, 3],
    write: (b, { student, teacher, mask }) => scoreError(b, student!, teacher!, mask!),
  },
  cosine_embedding: {
    tokens: [1],
    write: (b, { student, teacher, mask }) => hiddenCosine(b, student!, teacher!, mask!),
  },
  minilm_attention_relation: {
    tokens: [2],
    write: (b, { student, key, teacherQuery, teacherKey, mask }) =>
      relationDivergence(b, [student!, key!], [teacherQuery!, teacherKey!], mask!),
  },
  minilm_value_relation: {
    tokens: [2],
    write: (b, { student, teacher, mask }) =>
      relationDivergence(b, [student!, student!], [teacher!, teacher!], mask!),
  },
}

async function lossAndGradient(write: LossCase['write'], feeds: Tensors) {
  const b = new GraphBuilder('loss')
  const inputs = Object.entries(feeds).map(([name, { dtype, shape }]) => [
    name,
    b.input(name, dtype, name === 'projection' ? shape : shape.map((_, i) => `${name}_${i}`)),
  ])
  const values = Object.fromEntries(inputs) as Inputs
  const loss = write(b, values)
  const { graph, gradients } = backward(b.build(), loss, [values.student!])
  const outputs = [
    { name: 'loss', value: loss },
    { name: 'gradient', value: gradients.get(values.student!)! },
  ]
  const engine = await openInline(onnxBytes(verifyGraph({ ...graph, outputs })), { threads: 1 })
  const got = await engine.run(feeds)
  await engine.release()
  return { loss: Number(got.loss!.data[0]), gradient: got.gradient! }
}

/** The tensor with `by` elements of another value behind its own along these axes. */
function grown(tensor: HostTensor, axes: readonly number[], by: number, fill: number): HostTensor {
  const shape = tensor.shape.map((size, axis) => (axes.includes(axis) ? size + by : size))
  const data = new Float32Array(shape.reduce((product, size) => product * size, 1)).fill(fill)
  tensor.data.forEach((value, index) => {
    let [rest, to, stride] = [index, 0, 1]
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      to += (rest % tensor.shape[axis]!) * stride
      rest = Math.floor(rest / tensor.shape[axis]!)
      stride *= shape[axis]!
    }
    data[to] = Number(value)
  })
  return { ...tensor, shape, data }
}

const folder = fixture('training/distillation-losses')

describeWith(folder, 'losses of distillation', () => {
  const vectors = tensorsOf(`${folder}/vectors.safetensors`)
  const values: Record<string, { value: number }> = JSON.parse(
    readFileSync(`${folder}/values.json`, 'utf8'),
  )

  /** Inputs of a case; rows of tokens `[S, d]` become a batch of one. */
  function inputsOf(name: string): { feeds: Tensors; gradient: HostTensor } {
    const own = Object.entries(vectors)
      .filter(([key]) => key.startsWith(`${name}.`))
      .map(([key, tensor]) => {
        const batched = name === 'cosine_embedding'
        return [
          key.slice(name.length + 1),
          batched ? { ...tensor, shape: [1, ...tensor.shape] } : tensor,
        ]
      })
    const { grad, ...feeds } = Object.fromEntries(own) as Tensors
    const tokens = cases[name]!.tokens
    if (!tokens || feeds.mask) return { feeds, gradient: grad! }
    const shape = [feeds.student!.shape[0]!, feeds.student!.shape[tokens[0]!]!]
    const data = new Float32Array(shape[0]! * shape[1]!).fill(1)
    return { feeds: { ...feeds, mask: { dtype: 'float32', shape, data } }, gradient: grad! }
  }

  it('are all here', () => {
    expect(Object.keys(cases).sort()).toEqual(Object.keys(values).sort())
  })

  it.each(Object.keys(cases))('%s, with and without padding', async (name) => {
    const { write, tokens } = cases[name]!
    const { feeds, gradient } = inputsOf(name)
    for (const by of tokens ? [0, 3] : [0]) {
      const padded = Object.entries(feeds).map(([key, tensor]) => {
        if (key === 'projection') return [key, tensor]
        const axes = key === 'mask' ? [1] : (tokens ?? [])
        return [key, by === 0 ? tensor : grown(tensor, axes, by, key === 'mask' ? 0 : 7)]
      })
      const got = await lossAndGradient(write, Object.fromEntries(padded))
      expect(got.loss / values[name]!.value).toBeCloseTo(1, 5)
      const wanted = by === 0 ? gradient : grown(gradient, tokens!, by, 0)
      wanted.data.forEach((value, i) => {
        expect(Math.abs(Number(got.gradient.data[i]) - Number(value))).toBeLessThan(1e-6)
      })
    }
  })
})

const tensor = (shape: readonly number[], phase: number): HostTensor => {
  const data = Float32Array.from(
    { length: shape.reduce((product, size) => product * size, 1) },
    (_, i) => 2 * Math.sin(1.7 * i + phase),
  )
  return { dtype: 'float32', shape, data }
}

it('probabilities, whole or of the likeliest classes, say what the logits said', async () => {
  const [student, teacher] = [tensor([4, 5], 0), tensor([4, 5], 2)]
  const rows = [0, 1, 2, 3].map((row) => {
    const scores = Array.from(teacher.data.slice(5 * row, 5 * row + 5) as Float32Array, (x) =>
      Math.exp(x / 2),
    )
    const total = scores.reduce((sum, x) => sum + x)
    return scores.map((x) => x / total)
  })
  const order = rows.map((row) => [...row.keys()].sort((i, j) => row[j]! - row[i]!))
  const probabilities: HostTensor = {
    dtype: 'float32',
    shape: [4, 5],
    data: Float32Array.from(rows.flat()),
  }
  const classes: HostTensor = {
    dtype: 'int64',
    shape: [4, 5],
    data: BigInt64Array.from(order.flat(), BigInt),
  }
  const sorted = order.flatMap((ids, row) => ids.map((id) => rows[row]![id]!))
  const sparse: HostTensor = { ...probabilities, data: Float32Array.from(sorted) }
  const options = { temperature: 2 }
  const whole = await lossAndGradient(
    (b, x) => divergence(b, x.student!, { logits: x.teacher! }, options),
    {
      student,
      teacher,
    },
  )
  const given = await lossAndGradient(
    (b, x) => divergence(b, x.student!, { probabilities: x.p! }, options),
    { student, p: probabilities },
  )
  const few = await lossAndGradient(
    (b, x) => divergence(b, x.student!, { classes: x.ids!, probabilities: x.p! }, options),
    { student, ids: classes, p: sparse },
  )
  const elements = await lossAndGradient(
    (b, x) => divergence(b, x.student!, { logits: x.teacher! }, { ...options, mean: 'elements' }),
    { student, teacher },
  )
  for (const other of [given, few]) {
    expect(other.loss).toBeCloseTo(whole.loss, 5)
    other.gradient.data.forEach((value, i) => {
      expect(Number(value)).toBeCloseTo(Number(whole.gradient.data[i]), 5)
    })
  }
  expect(elements.loss).toBeCloseTo(whole.loss / 5, 6)
})

it('rows that do not count change nothing', async () => {
  const real: HostTensor = { dtype: 'float32', shape: [4], data: Float32Array.of(1, 0, 1, 0) }
  const feeds = { student: tensor([4, 5], 0), teacher: tensor([4, 5], 2), real }
  const of = (data: HostTensor['data']) => [0, 2].map((row) => data.slice(5 * row, 5 * row + 5))
  const two = (x: HostTensor): HostTensor => ({
    ...x,
    shape: [2, 5],
    data: Float32Array.from(of(x.data).flatMap((row) => Array.from(row, Number))),
  })
  const some = await lossAndGradient(
    (b, x) => logitError(b, x.student!, x.teacher!, x.real!),
    feeds,
  )
  const only = await lossAndGradient((b, x) => logitError(b, x.student!, x.teacher!), {
    student: two(feeds.student),
    teacher: two(feeds.teacher),
  })
  expect(some.loss).toBeCloseTo(only.loss, 6)
  expect(Array.from(some.gradient.data.slice(5, 10) as Float32Array, Math.abs)).toEqual([
    0, 0, 0, 0, 0,
  ])
})

it('relation heads split the concatenated width, and equal heads give the relation itself', async () => {
  const feeds = {
    student: tensor([1, 2, 3, 4], 0),
    teacher: tensor([1, 4, 3, 6], 1),
    mask: { dtype: 'float32', shape: [1, 3], data: Float32Array.of(1, 1, 1) } as HostTensor,
  }
  const split = await lossAndGradient((b, x) => {
    const own = relationHeads(b, x.student!, { width: 8, heads: 4 })
    const theirs = relationHeads(b, x.teacher!, { width: 24, heads: 4 })
    return relationDivergence(b, [own, own], [theirs, theirs], x.mask!)
  }, feeds)
  expect(split.loss).toBeGreaterThan(0)
  const same = await lossAndGradient((b, x) => {
    const own = relationHeads(b, x.student!, { width: 8, heads: 2 })
    return relationDivergence(b, [own, own], [x.student!, x.student!], x.mask!)
  }, feeds)
  expect(Math.abs(same.loss)).toBeLessThan(1e-6)
})

it('sentence vectors: 1 − cos behind a projection, its gradient by differences', async () => {
  const normal = normalFrom(randomFrom(9))
  const drawn = (shape: readonly number[]): HostTensor => {
    const length = shape.reduce((product, size) => product * size, 1)
    return { dtype: 'float32', shape, data: Float32Array.from({ length }, normal) }
  }
  const [rows, from, to] = [3, 4, 6]
  const feeds = {
    student: drawn([rows, from]),
    teacher: drawn([rows, to]),
    projection: drawn([to, from]),
  }
  const at = ({ data, shape }: HostTensor, row: number): number[] =>
    Array.from(data.subarray(row * shape[1]!, (row + 1) * shape[1]!) as Float32Array)
  const dot = (a: readonly number[], b: readonly number[]) =>
    a.reduce((sum, x, i) => sum + x * b[i]!, 0)
  /** In doubles, with one number of the student moved. */
  const exact = (moved: number, by: number): number => {
    const each = Array.from({ length: rows }, (_, row) => {
      const own = at(feeds.student, row).map((x, i) => (row * from + i === moved ? x + by : x))
      const across = Array.from({ length: to }, (_, i) => dot(at(feeds.projection, i), own))
      const theirs = at(feeds.teacher, row)
      return 1 - dot(across, theirs) / Math.sqrt(dot(across, across) * dot(theirs, theirs))
    })
    return each.reduce((sum, x) => sum + x, 0) / rows
  }
  const got = await lossAndGradient(
    (b, { student, teacher, projection }) =>
      vectorCosine(b, student!, teacher!, { weight: projection! }),
    feeds,
  )
  expect(Math.abs(got.loss - exact(-1, 0))).toBeLessThan(1e-6)
  const step = 1e-5
  for (const [place, gradient] of got.gradient.data.entries()) {
    const slope = (exact(place, step) - exact(place, -step)) / (2 * step)
    expect(Math.abs(Number(gradient) - slope)).toBeLessThan(1e-6)
  }
})
