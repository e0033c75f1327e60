/**
 * A layer that INT8 must ruin is found, and named as what to leave in fp32: one input of an output layer is always
 * zero, and its weights are huge, so that fp32 never sees them and every scale of the layer is lost to them.
 */
import { copyFileSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { exportModel } from '../src/jobs/export-model.ts'
import { load } from '../src/jobs/load.ts'
import { type SensitivityResult, sensitivity } from '../src/jobs/sensitivity.ts'
import { dataSlice, modelWith } from './support/command.ts'
import { exampleWith, THIRTY } from './support/example-weights.ts'
import { scratchFolder } from './support/tensors.ts'

const folder = scratchFolder()
const data = join(folder, 'dev.tsv')
const layer = 'encoder.layer.2'
const victim = `${layer}.output.dense`

/** The example's weights, sabotaged. */
const sabotaged = (): Uint8Array =>
  exampleWith((set) => {
    const unit = 7
    set(`${layer}.intermediate.dense.weight`, 0, (row) => row === unit)
    set(`${layer}.intermediate.dense.bias`, 0, (row) => row === unit)
    set(`${layer}.output.dense.weight`, THIRTY, (_, column) => column === unit)
  })

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

  it('knows every layer, the worst measured exactly', () => {
    const { graph } = load(join(folder, 'sound'))
    const origins = new Set(graph.nodes.map(({ origin }) => origin))
    expect(sound.layers).toHaveLength(27)
    expect(sound.layers.filter(({ path }) => !origins.has(path))).toEqual([])
    const measured = sound.layers.filter(({ loss }) => loss !== undefined)
    expect(measured).toEqual(sound.layers.slice(0, 3))
    const least = Math.min(...measured.map(({ estimate }) => estimate!))
    for (const { estimate } of sound.layers.slice(3)) expect(estimate).toBeLessThanOrEqual(least)
    // 8 bits of a well-behaved layer
    for (const { sqnr } of sound.layers) expect(sqnr).toBeGreaterThan(20)
    expect(sound.loss).toBe('kl')
    expect(sound.samples).toBe(24)
  })

  it('finds the sabotaged layer by noise, by estimate and by loss', () => {
    const [first, ...others] = broken.layers
    expect(first!.path).toBe(victim)
    expect(first!.sqnr).toBeLessThan(15)
    // it is the weights that are to blame
    expect(first!.parts!.weights).toBeLessThan(15)
    expect(first!.parts!.input).toBeGreaterThan(20)
    for (const { sqnr, estimate } of others) {
      expect(sqnr).toBeGreaterThan(20)
      expect(estimate).toBeLessThan(first!.estimate! / 10)
    }
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

  it('writes a page with heat maps; static INT8 finds ranges on the same texts', async () => {
    const model = join(folder, 'broken')
    const output = join(folder, 'page.html')
    const options = { model, data: { file: data, limit: 4 }, worst: 1, threads: 1, output }
    const { layers, page } = await sensitivity({ ...options, scheme: 'static-int8' })
    expect(layers[0]!.path).toBe(victim)
    expect(layers[0]!.parts!.weights).toBeLessThan(15)
    const html = readFileSync(page!, 'utf8')
    expect(/<th scope="col">query<\/th>.*<th scope="col">output<\/th>/.test(html)).toBe(true)
    expect(html.includes(`title="${victim}; SQNR ${layers[0]!.sqnr!.toFixed(1)} dB`)).toBe(true)
    expect(/<script|src=|url\(/.test(html)).toBe(false)
  })

  it('takes an ONNX file alone, on inputs that are made up', async () => {
    const output = join(folder, 'exported')
    const model = join(folder, 'broken')
    await exportModel({ model, output, targets: ['portable'], verify: false })
    const file = join(folder, 'alone.onnx')
    copyFileSync(join(output, 'onnx/model.onnx'), file)
    const options = { model: file, worst: 1, threads: 1, scheme: 'int4', method: 'gptq' } as const
    const { layers, madeUp, samples } = await sensitivity(options)
    expect(layers.map(({ path }) => path)).toContain(victim)
    expect(madeUp).toContain('no config.json lies beside alone.onnx')
    expect(samples).toBe(32)
    const withData = sensitivity({ ...options, data: { file: data } })
    await expect(withData).rejects.toThrow('nothing to read text with')
  })

  it.each([
    [{ output: 'page.pdf' }, 'expected a page'],
    [{ scheme: 'fp16' }, 'cannot be ranked layer by layer'],
    [{ scheme: 'int4', perToken: true }, '--per-token means nothing'],
    [{ data: undefined }, 'measured on texts, and there are none'],
  ] as const)('refuses %j', async (options, message) => {
    const given = { model: join(folder, 'sound'), data: { file: data } }
    await expect(sensitivity({ ...given, ...options })).rejects.toThrow(message)
  })
})
