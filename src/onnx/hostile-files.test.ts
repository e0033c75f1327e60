/**
 * Files that lie: 500 seeded mutations of a safetensors file and of ONNX models. Whatever a file says,
 * only a LimbeckError is thrown, and soon.
 */
import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { describeWith, fixture } from '../../test/support/fixtures.ts'
import { LimbeckError } from '../errors.ts'
import { float, graphAttribute, ints } from '../graph/attributes.ts'
import { GraphBuilder } from '../graph/builder.ts'
import { float32Tensor } from '../graph/tensor.ts'
import { type Random, randomFrom } from '../stats/random.ts'
import { concatBytes, memoryFiles } from './file-access.ts'
import { materialize } from './materialize.ts'
import { readOnnx, readOnnxBytes } from './read-onnx.ts'
import { readSafetensors } from './read-safetensors.ts'
import { onnxBytes } from './write-onnx.ts'

const MUTATIONS = 500
const SLOW_MS = 1000

/**
 * One to four changes in the first `reach` bytes: flipped bits, overwritten, removed, inserted or repeated
 * bytes, a cut end.
 */
function mutated(bytes: Uint8Array, reach: number, random: Random): Uint8Array {
  let result: Uint8Array = Uint8Array.from(bytes)
  for (let i = 0; i <= random.below(4); i++) {
    const at = random.below(Math.min(reach, result.length))
    const length = 1 + random.below(16)
    const kind = random.below(6)
    const head = result.slice(0, at)
    if (kind === 0) result[at]! ^= 1 << random.below(8)
    else if (kind === 1) result[at] = [0, 1, 0x7f, 0x80, 0xff][random.below(5)]!
    else if (kind === 2) result = concatBytes([head, result.subarray(at + length)])
    else if (kind === 3) {
      const noise = Uint8Array.from({ length }, () => random.below(256))
      result = concatBytes([head, noise, result.subarray(at)])
    } else if (kind === 4) {
      result = concatBytes([result.subarray(0, at + length), result.subarray(at)])
    } else result = result.slice(0, Math.max(1, at))
  }
  return result
}

/** Reads every mutation; gives what was thrown that is no LimbeckError, or took too long. */
function failures(
  bytes: Uint8Array,
  read: (bytes: Uint8Array) => void,
  reach = bytes.length,
): string[] {
  const found: string[] = []
  for (let seed = 0; seed < MUTATIONS; seed++) {
    const broken = mutated(bytes, reach, randomFrom(seed))
    const start = performance.now()
    try {
      read(broken)
    } catch (error) {
      if (!(error instanceof LimbeckError)) found.push(`${seed}: ${(error as Error).stack}`)
      else if (!error.message.endsWith('.')) found.push(`${seed}: ${error.message}`)
    }
    const ms = performance.now() - start
    if (ms > SLOW_MS) found.push(`${seed}: took ${ms} ms`)
  }
  return found
}

/** A model with a subgraph, typed values and weights. */
function smallModel(): Uint8Array {
  const branch = (value: number) => {
    const builder = new GraphBuilder('branch')
    builder.output('out', builder.op('Mul', [x, builder.constant(float32Tensor([value]))]))
    return graphAttribute(builder.build())
  }
  const builder = new GraphBuilder('model')
  const x = builder.input('x', 'float32', ['batch', 4])
  const condition = builder.input('condition', 'bool', [])
  const picked = builder.op('If', [condition], { then_branch: branch(2), else_branch: branch(3) })
  const scaled = builder.op('LeakyRelu', [picked], { alpha: float(0.5) })
  builder.output('y', builder.op('Transpose', [scaled], { perm: ints([1, 0]) }))
  return onnxBytes(builder.build(), { opset: 17 })
}

describe('a hostile file', () => {
  const checkpoint = fixture('training/bert-sequence-classification/labels.safetensors')
  it.skipIf(!existsSync(checkpoint))('of safetensors throws LimbeckError alone', () => {
    const bytes = readFileSync(checkpoint)
    const found = failures(new Uint8Array(bytes), (broken) => {
      const files = memoryFiles(new Map([['m', broken]]))
      for (const tensor of readSafetensors('m', files).tensors.values()) materialize(tensor, files)
    })
    expect(found).toEqual([])
  })

  it('of ONNX throws LimbeckError alone, from memory and from a path', () => {
    const found = failures(smallModel(), (broken) => {
      readOnnx('m', memoryFiles(new Map([['m', broken]])))
      readOnnxBytes(broken)
    })
    expect(found).toEqual([])
  })

  it('that nests without end is refused', () => {
    // a length-delimited field within the next: graph, node, attribute, graph, node, …
    let nested = new Uint8Array()
    const wrap = (field: number): void => {
      const header = [field * 8 + 2]
      let length = nested.length
      for (; length >= 128; length >>>= 7) header.push((length & 127) | 128)
      nested = Uint8Array.of(...header, length, ...nested)
    }
    for (let level = 0; level < 2000; level++) for (const field of [6, 5, 1]) wrap(field)
    wrap(7)
    expect(() => readOnnxBytes(nested)).toThrow('its graphs are nested too deep')
  })
})

describeWith(fixture('exports/bert-sequence-classification'), 'a hostile export', () => {
  it.each(['dynamo.onnx', 'torchscript-eager-11.onnx'])('%s throws LimbeckError alone', (name) => {
    const bytes = readFileSync(fixture('exports/bert-sequence-classification', name))
    // what can be read can be written again, or says why not; weights stand behind the nodes
    const rewrite = (broken: Uint8Array) => onnxBytes(readOnnxBytes(broken), { opset: 17 })
    expect(failures(bytes, rewrite, 30_000)).toEqual([])
  })
})
