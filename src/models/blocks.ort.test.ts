/** Every activation that config.json may name gives its formula's numbers; others are refused by name. */
import { expect, it } from 'vitest'
import { memoryFiles } from '../onnx/file-access.ts'
import { tensorReader } from '../onnx/materialize.ts'
import { onnxBytes } from '../onnx/write-onnx.ts'
import { openInline } from '../runtime/open-inline.ts'
import { activate } from './blocks.ts'
import { ModelBuilder } from './model-builder.ts'

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x))
/** Abramowitz and Stegun 7.1.26, error below 1.5e-7. */
function erf(x: number): number {
  const t = 1 / (1 + 0.3275911 * Math.abs(x))
  const powers = [0.254829592, -0.284496736, 1.421413741, -1.453152027, 1.061405429]
  const sum = powers.reduceRight((rest, power) => (rest + power) * t, 0)
  return Math.sign(x) * (1 - sum * Math.exp(-x * x))
}
const gelu = (x: number): number => (x / 2) * (1 + erf(x / Math.SQRT2))
const geluTanh = (x: number): number =>
  (x / 2) * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)))
const silu = (x: number): number => x * sigmoid(x)

const formulas: Readonly<Record<string, (x: number) => number>> = {
  gelu,
  gelu_python: gelu,
  gelu_new: geluTanh,
  gelu_fast: geluTanh,
  gelu_pytorch_tanh: geluTanh,
  relu: (x) => Math.max(0, x),
  silu,
  swish: silu,
  tanh: Math.tanh,
}
const builder = () => new ModelBuilder('m', { file: 'm', tensors: new Map() }, { prefix: '' })

it.each(Object.entries(formulas))('%s', async (name, formula) => {
  const b = builder()
  b.output('y', activate(b, name, b.input('x', 'float32', ['n'])))
  const bytes = onnxBytes(b.build(), { opset: 17, reader: tensorReader(memoryFiles(new Map())) })
  const engine = await openInline(bytes, { threads: 1, optimization: 'disabled' })
  const data = Float32Array.from({ length: 41 }, (_, i) => (i - 20) / 4)
  const { y } = await engine.run({ x: { dtype: 'float32', shape: [41], data } })
  await engine.release()
  data.forEach((x, i) => {
    expect(Number(y!.data[i])).toBeCloseTo(formula(x), 5)
  })
})

it('the error lists the known ones, for names of Object too', () => {
  const b = builder()
  const x = b.input('x', 'float32', ['n'])
  for (const name of ['gelou', 'constructor', 'toString']) {
    expect(() => activate(b, name, x)).toThrow(
      `activation "${name}" is not known; known are ${Object.keys(formulas).join(', ')}.`,
    )
  }
})
