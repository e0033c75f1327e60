/**
 * Inferred types and folded values of every operator against ONNX Runtime, from the table of cases:
 * with static shapes, and with every dimension a symbol of its own.
 */
import { describe, expect, it } from 'vitest'
import type { HostTensor } from '../graph/data-type.ts'
import type { Value } from '../graph/graph.ts'
import { evaluateDim, shapeText } from '../graph/shape.ts'
import { inlineValues, type Tensor } from '../graph/tensor.ts'
import { materialize } from '../onnx/materialize.ts'
import { onnxBytes } from '../onnx/write-onnx.ts'
import { openInline } from '../runtime/open-inline.ts'
import { foldTable } from './fold/fold-table.ts'
import { foldNode } from './fold-node.ts'
import { inferTypes } from './infer-types.ts'
import { isRandom, knownOps } from './known.ts'
import { caseGraph, hostOf } from './testing/op-case.ts'
import { opCases } from './testing/op-cases.ts'

const numbers = (data: ArrayLike<number | bigint>): number[] => Array.from(data, Number)

describe.each(knownOps)('%s', (op) => {
  it.each(
    opCases[op].map((test) => [test.about ?? 'plain', test] as const),
  )('%s', async (_, test) => {
    const { graph, node, values, feeds } = caseGraph(op, test)
    // ONNX Runtime 1.30 has random kernels below opset 22 only
    const engine = await openInline(onnxBytes(graph, { opset: isRandom(node) ? 21 : 24 }), {
      threads: 1,
      optimization: 'disabled',
    })
    const outputs = await engine.run(feeds)
    await engine.release()

    const types = inferTypes(graph)
    expect(types.problems).toEqual([])
    const symbolic = caseGraph(op, test, 'all')
    const open = inferTypes(symbolic.graph)
    expect(open.problems).toEqual([])
    const bindings: Record<string, number> = {}
    for (const [name, feed] of Object.entries(feeds)) {
      feed.shape.forEach((size, axis) => {
        bindings[`${name}_${axis}`] = size
      })
    }
    node.outputs.forEach((value, i) => {
      const got = outputs[`y${i}`]!
      const type = types.get(value!)
      expect(type?.dtype).toBe(got.dtype)
      expect(shapeText(type?.shape)).toBe(shapeText(openShape(type?.shape, got.shape)))
      if (type?.known) expectKnown(type.known, got, {})
      const inferred = open.get(symbolic.node.outputs[i]!)
      expect(inferred?.dtype).toBe(got.dtype)
      if (inferred?.shape) {
        expect(inferred.shape).toHaveLength(got.shape.length)
        inferred.shape.forEach((dim, axis) => {
          const size = evaluateDim(dim, bindings)
          if (dim !== null)
            expect(size, `${shapeText(inferred.shape)} axis ${axis}`).toBe(got.shape[axis])
        })
      }
      if (inferred?.known) expectKnown(inferred.known, got, bindings)
    })

    const constants = new Map<Value, Tensor>()
    values.forEach((value, i) => {
      if (value) constants.set(value, test.inputs[i]!.tensor)
    })
    const folded = foldNode(node, (value) => constants.get(value), {
      read: (t) => materialize(t),
    })
    if (typeof foldTable[op] !== 'function' || isRandom(node)) return expect(folded).toBeUndefined()
    const refused = op === 'Pad' && test.about === 'crops'
    const adding = op === 'ScatterElements' && test.about === 'adding'
    if (refused || adding) return expect(folded).toBeUndefined()
    folded!.forEach((tensor, i) => {
      const got = outputs[`y${i}`]!
      expect(tensor!.dtype).toBe(got.dtype)
      expect(tensor!.shape).toEqual(got.shape)
      expect(inlineValues(tensor!)).toBeDefined()
      const host = hostOf(tensor!)
      numbers(host.data).forEach((value, k) => {
        const expected = Number(got.data[k])
        if (Number.isNaN(expected)) expect(value).toBeNaN()
        else
          expect(Math.abs(value - expected) || 0).toBeLessThanOrEqual(
            3e-7 * Math.abs(expected) + 1e-12,
          )
      })
    })
  })
})

/** NonZero and scans have sizes that only a run knows. */
const openShape = (
  inferred: readonly (number | string | null)[] | undefined,
  got: readonly number[],
): (number | null)[] => got.map((size, axis) => (inferred?.[axis] === null ? null : size))

function expectKnown(
  known: readonly (number | string | undefined)[],
  got: HostTensor,
  bindings: Record<string, number>,
): void {
  known.forEach((item, i) => {
    if (item !== undefined) expect(evaluateDim(item, bindings)).toBe(Number(got.data[i]))
  })
}
