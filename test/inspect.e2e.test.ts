/**
 * What `limbeck inspect` says: parameters as published and as stored, multiply-accumulates as by hand, and
 * the whole verb on the example.
 */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { ints } from '../src/graph/attributes.ts'
import { GraphBuilder } from '../src/graph/builder.ts'
import { elementCount } from '../src/graph/data-type.ts'
import { float32Tensor, type Tensor } from '../src/graph/tensor.ts'
import { openModelFolder } from '../src/hub/model-folder.ts'
import type { InspectResult } from '../src/jobs/inspect-result.ts'
import type { InspectedVariant } from '../src/jobs/inspect-variant.ts'
import { load } from '../src/jobs/load.ts'
import { buildModel, families } from '../src/models/build-model.ts'
import { onnxBytes } from '../src/onnx/index.ts'
import { graphCost } from '../src/ops/graph-cost.ts'
import { parameterCount } from '../src/ops/parameter-count.ts'
import { contentsOf, example, limbeck } from './support/command.ts'
import { describeWith, fixture } from './support/fixtures.ts'

const [H, I, LAYERS, WORDS, POSITIONS] = [768, 3072, 12, 30_522, 512]

/** A tensor that nothing reads. */
const made = (...shape: number[]): Tensor => ({
  dtype: 'float32',
  shape,
  source: { kind: 'file', path: 'none', offset: 0, length: 4 * elementCount(shape) },
})

const linear = (name: string, from: number, to: number): [string, Tensor][] => [
  [`${name}.weight`, made(to, from)],
  [`${name}.bias`, made(to)],
]
const norm = (name: string): [string, Tensor][] => [
  [`${name}.weight`, made(H)],
  [`${name}.bias`, made(H)],
]
const layers = (count: number, of: (i: number) => [string, Tensor][]) =>
  Array.from({ length: count }, (_, i) => of(i)).flat()

const bertBase = (): Map<string, Tensor> =>
  new Map([
    ['embeddings.word_embeddings.weight', made(WORDS, H)],
    ['embeddings.position_embeddings.weight', made(POSITIONS, H)],
    ['embeddings.token_type_embeddings.weight', made(2, H)],
    ...norm('embeddings.LayerNorm'),
    ...layers(LAYERS, (i) => {
      const layer = `encoder.layer.${i}`
      return [
        ...['query', 'key', 'value'].flatMap((n) => linear(`${layer}.attention.self.${n}`, H, H)),
        ...linear(`${layer}.attention.output.dense`, H, H),
        ...norm(`${layer}.attention.output.LayerNorm`),
        ...linear(`${layer}.intermediate.dense`, H, I),
        ...linear(`${layer}.output.dense`, I, H),
        ...norm(`${layer}.output.LayerNorm`),
      ]
    }),
    ...linear('pooler.dense', H, H),
  ])

const distilbertBase = (): Map<string, Tensor> =>
  new Map([
    ['embeddings.word_embeddings.weight', made(WORDS, H)],
    ['embeddings.position_embeddings.weight', made(POSITIONS, H)],
    ...norm('embeddings.LayerNorm'),
    ...layers(LAYERS / 2, (i) => {
      const layer = `transformer.layer.${i}`
      return [
        ...['q', 'k', 'v', 'out'].flatMap((n) => linear(`${layer}.attention.${n}_lin`, H, H)),
        ...norm(`${layer}.sa_layer_norm`),
        ...linear(`${layer}.ffn.lin1`, H, I),
        ...linear(`${layer}.ffn.lin2`, I, H),
        ...norm(`${layer}.output_layer_norm`),
      ]
    }),
  ])

const build = (json: Record<string, unknown>, tensors: ReadonlyMap<string, Tensor>) =>
  buildModel({
    config: { file: 'config.json', json: { vocab_size: WORDS, ...json } },
    checkpoint: { file: 'model.safetensors', tensors },
  }).graph

const bertJson = {
  model_type: 'bert',
  hidden_size: H,
  num_hidden_layers: LAYERS,
  num_attention_heads: 12,
  intermediate_size: I,
  max_position_embeddings: POSITIONS,
  type_vocab_size: 2,
}

describe('published figures', () => {
  it('BERT-base has 109,482,240 parameters', () => {
    const { total, byLayer } = parameterCount(build(bertJson, bertBase()))
    expect(total).toBe(109_482_240)
    expect(byLayer.get('encoder.layer.11')).toBe(4 * (H * H + H) + 2 * H * I + I + H + 4 * H)
    expect([...byLayer.values()].reduce((a, b) => a + b, 0)).toBe(total)
  })

  it('DistilBERT-base has 66,362,880', () => {
    const json = {
      model_type: 'distilbert',
      dim: H,
      n_layers: 6,
      n_heads: 12,
      hidden_dim: I,
      max_position_embeddings: POSITIONS,
    }
    expect(parameterCount(build(json, distilbertBase())).total).toBe(66_362_880)
  })

  it.each([
    [1, 16],
    [8, 128],
  ])('BERT-base at %dx%d multiplies as often as by hand', (batch, tokens) => {
    const rows = batch * tokens
    const layer = rows * (4 * H * H + 2 * H * I) + 2 * batch * tokens * tokens * H
    const bindings = { batch_size: batch, sequence_length: tokens }
    const { total, unknown } = graphCost(build(bertJson, bertBase()), bindings)
    expect(total.macs).toBe(LAYERS * layer + batch * H * H)
    expect(unknown).toEqual([])
  })
})

describeWith(fixture('models'), 'stored parameters', () => {
  const types = [...families.keys()]
  const names = readdirSync(fixture('models')).filter((name) =>
    types.some((type) => name.startsWith(`${type}-`)),
  )

  it('there is a fixture of every family', () => {
    const found = types.filter((type) => names.some((name) => name.startsWith(`${type}-`)))
    expect(found).toEqual(types)
  })

  it.each(names)('%s has as many as its file', (name) => {
    const folder = fixture('models', name)
    const stored = [...openModelFolder(folder).checkpoint.tensors.values()]
    const elements = stored.reduce((sum, { shape }) => sum + elementCount(shape), 0)
    expect(parameterCount(load(folder).graph).total).toBe(elements)
  })
})

describe('the verb', () => {
  const folder = mkdtempSync(join(tmpdir(), 'limbeck-test-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  it('explains the example, and leaves nothing behind', async () => {
    const args = ['inspect', example, '--shape', '1x16', '--json']
    const { code, stdout, stderr } = await limbeck(args, { cwd: folder })
    expect(stderr).not.toMatch(/✖/)
    expect(code).toBe(0)
    const result = JSON.parse(stdout) as InspectResult
    expect(result.parameters).toBe(3_788_052)
    for (const { operators, layers, memory, ms } of result.variants) {
      for (const parts of [operators, layers]) {
        expect(parts.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 6)
      }
      const macs = (parts: typeof operators) => parts.reduce((sum, part) => sum + part.macs, 0)
      expect(macs(operators)).toBe(macs(layers))
      // the pooled token alone goes through most of the last layer
      expect(macs(operators)).toBeLessThan(result.macs)
      expect(macs(operators)).toBeGreaterThan(result.macs / 2)
      expect(layers.map(({ name }) => name)).toContain('encoder.layer.3')
      expect(ms).toBeGreaterThan(0)
      expect(memory.measured! / memory.planned).toBeGreaterThan(0.8)
      expect(memory.measured! / memory.planned).toBeLessThan(1.6)
    }
    const [fp32, int8] = result.variants as [InspectedVariant, InspectedVariant]
    const int8Macs = (parts: typeof fp32.operators) =>
      parts.reduce((sum, part) => sum + part.int8Macs, 0)
    expect(int8Macs(fp32.operators)).toBe(0)
    expect(int8Macs(int8.operators)).toBeGreaterThan(0)
    expect(int8.bytes).toBeLessThan(fp32.bytes / 3)
    expect(result.machine.fp32FlopsPerSecond).toBeGreaterThan(1e9)
    expect(result.machine.bytesPerSecond).toBeGreaterThan(1e8)
    const int8Advice = result.advice.find(({ what }) => what.startsWith('INT8'))
    expect(int8Advice?.measuredMs).toBeCloseTo(fp32.ms - int8.ms, 6)
    expect(contentsOf(join(folder, 'tmp'))).toEqual({})
  })

  it('prints tables for people', async () => {
    const { code, stdout } = await limbeck(['inspect', example, '--shape', '1x16'], { cwd: folder })
    expect(code).toBe(0)
    for (const part of ['3,788,052 parameters', 'Operators, INT8', 'Layers', 'What would help']) {
      expect(stdout).toContain(part)
    }
  })

  it('explains the file of a folder that has no weights: the same parameters, its own time', async () => {
    const wrote = ['export', example, '-o', 'onnx-folder', '--target', 'portable']
    expect((await limbeck(wrote, { cwd: folder })).code).toBe(0)
    const args = ['inspect', 'onnx-folder', '--shape', '1x16', '--json']
    const { code, stdout, stderr } = await limbeck(args, { cwd: folder })
    expect(stderr).toBe('')
    expect(code).toBe(0)
    const result = JSON.parse(stdout) as InspectResult
    expect(result.parameters).toBe(3_788_052)
    expect(result.unknownOperators).toEqual([])
    expect(result.variants).toHaveLength(1)
    const [{ name, operators, layers, ms }] = result.variants
    expect(name).toBe('model.onnx')
    expect(ms).toBeGreaterThan(0)
    expect(operators.reduce((sum, { macs }) => sum + macs, 0)).toBe(result.macs)
    expect(layers.map(({ name }) => name)).toContain('encoder.layer.3')
    expect(result.layer!.layers).toBe(4)
    expect(result.advice.some(({ what }) => what.startsWith('INT8'))).toBe(true)
    expect(contentsOf(join(folder, 'tmp'))).toEqual({})
  })

  it('asks for the sizes of a file that the shape does not give', async () => {
    const b = new GraphBuilder('g')
    const x = b.input('x', 'float32', ['batch', 'tokens', 'width'])
    const scores = b.op('MatMul', [x, b.op('Transpose', [x], { perm: ints([0, 2, 1]) })])
    b.output('y', b.op('Add', [scores, b.op('ReduceMax', [b.constant(float32Tensor([1, 2, 3]))])]))
    writeFileSync(join(folder, 'foreign.onnx'), onnxBytes(b.build(), { opset: 21 }))
    const args = ['inspect', 'foreign.onnx', '--shape', '2x8', '--json']
    const asked = await limbeck(args, { cwd: folder })
    expect(asked.code).toBe(2)
    expect(asked.stderr).toContain(
      '--shape does not give all its sizes. Give the size with --dim width=16.',
    )
    const given = await limbeck([...args, '--dim', 'width=32'], { cwd: folder })
    expect(given.code).toBe(0)
    const { parameters, macs } = JSON.parse(given.stdout) as InspectResult
    expect({ parameters, macs }).toEqual({ parameters: 3, macs: 2 * 8 * 8 * 32 })
  })

  it('refuses a shape that the model does not take', async () => {
    const { code, stderr } = await limbeck(['inspect', example, '--shape', '1x9999'], {
      cwd: folder,
    })
    expect(code).toBe(2)
    expect(stderr).toContain('--shape 1x9999: the model takes at most')
  })
})
