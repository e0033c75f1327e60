/**
 * A layer that INT8 must ruin is found, and named as what to leave in fp32: one input of an output layer is always
 * zero, and its weights are huge, so that fp32 never sees them and every scale of the layer is lost to them.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { load } from '../src/jobs/load.ts'
import { type SensitivityResult, sensitivity } from '../src/jobs/sensitivity.ts'
import { dataSlice, example, modelWith } from './support/command.ts'
import { scratchFolder } from './support/tensors.ts'

const folder = scratchFolder()
const data = join(folder, 'dev.tsv')
const layer = 'encoder.layer.2'
const victim = `${layer}.output.dense`

/** 30 as a half float. */
const THIRTY = 0x4f80

interface Entry {
  readonly dtype: string
  readonly shape: number[]
  readonly data_offsets: [number, number]
}

type Header = Record<string, Entry>

/** The example's weights, sabotaged. */
function sabotaged(): Uint8Array {
  const bytes = Uint8Array.from(readFileSync(join(example, 'model.safetensors')))
  const length = Number(new DataView(bytes.buffer).getBigUint64(0, true))
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length))) as Header
  /** Sets the half floats that `which` names by row and column. */
  const set = (name: string, bits: number, which: (row: number, column: number) => boolean) => {
    const key = Object.keys(header).find((each) => each.endsWith(`${layer}.${name}`))!
    const { dtype, shape, data_offsets: offsets } = header[key]!
    expect(dtype).toBe('F16')
    const columns = shape[1] ?? 1
    const view = new DataView(bytes.buffer, 8 + length + offsets[0], offsets[1] - offsets[0])
    for (let i = 0; i < view.byteLength / 2; i++) {
      if (which(Math.floor(i / columns), i % columns)) view.setUint16(2 * i, bits, true)
    }
  }
  const unit = 7
  set('intermediate.dense.weight', 0, (row) => row === unit)
  set('intermediate.dense.bias', 0, (row) => row === unit)
  set('output.dense.weight', THIRTY, (_, column) => column === unit)
  return bytes
}

describe('sensitivity', () => {
  let sound: SensitivityResult
  let broken: SensitivityResult

  beforeAll(async () => {
    dataSlice(data, 24)
    modelWith(join(folder, 'sound'))
    modelWith(join(folder, 'broken'), { 'model.safetensors': sabotaged() })
    const of = (model: string) =>
      sensitivity({ model: join(folder, model), data: { file: data }, worst: 3, threads: 1 })
    sound = await of('sound')
    broken = await of('broken')
  })

  it('knows every layer, the noisiest measured exactly', () => {
    const { graph } = load(join(folder, 'sound'))
    const origins = new Set(graph.nodes.map(({ origin }) => origin))
    expect(sound.layers).toHaveLength(27)
    expect(sound.layers.filter(({ path }) => !origins.has(path))).toEqual([])
    const measured = sound.layers.filter(({ loss }) => loss !== undefined)
    expect(measured).toEqual(sound.layers.slice(0, 3))
    const worst = Math.max(...measured.map(({ sqnr }) => sqnr!))
    for (const { sqnr } of sound.layers.slice(3)) expect(sqnr).toBeGreaterThanOrEqual(worst)
    // 8 bits of a well-behaved layer
    for (const { sqnr } of sound.layers) expect(sqnr).toBeGreaterThan(20)
    expect(sound.loss).toBe('kl')
    expect(sound.samples).toBe(24)
  })

  it('finds the sabotaged layer by noise and by loss', () => {
    const [first, ...others] = broken.layers
    expect(first!.path).toBe(victim)
    expect(first!.sqnr).toBeLessThan(15)
    for (const { sqnr } of others) expect(sqnr).toBeGreaterThan(20)
    expect(first!.loss!.interval.low).toBeGreaterThan(others[0]!.loss!.interval.high)
  })

  it('advises to leave it in fp32, which is measured to help', () => {
    expect(broken.advice!.exclude).toEqual([victim])
    expect(broken.advice!.loss.mean).toBeLessThan(broken.all.mean / 2)
  })

  it('leaves out what is excluded', async () => {
    const model = join(folder, 'broken')
    const options = { model, data: { file: data, limit: 4 }, worst: 1, threads: 1 }
    const { layers } = await sensitivity({ ...options, exclude: [victim] })
    expect(layers.map(({ path }) => path)).not.toContain(victim)
    expect(layers).toHaveLength(26)
  })
})
