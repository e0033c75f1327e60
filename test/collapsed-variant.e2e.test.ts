/** A file whose scales are sabotaged is not called good: the comparison with its source refuses it by name. */
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { hostArray } from '../src/graph/data-type.ts'
import { inlineTensor } from '../src/graph/tensor.ts'
import { nodeFiles } from '../src/hub/node-files.ts'
import { writeVariant } from '../src/jobs/build-variants.ts'
import { load } from '../src/jobs/load.ts'
import { verifyBuilt } from '../src/jobs/verify.ts'
import { materialize } from '../src/onnx/materialize.ts'
import { blockWeight } from '../src/onnx/quantize-blocks.ts'
import { linearProducts } from '../src/passes/linear-layers.ts'
import { example } from './support/command.ts'
import { scratchFolder } from './support/tensors.ts'

const model = load(example)
const how = { bits: 4, block: 32, symmetric: false } as const

function variantWith(factor: (index: number) => number) {
  const parts = new Map(
    linearProducts(model.graph).map(({ name, weight }) => {
      const whole = blockWeight(weight.tensor, how)
      const scales = hostArray('float32', materialize(whole.scales, nodeFiles)) as Float32Array
      const changed = scales.map((scale, i) => scale * factor(i))
      const spoilt = inlineTensor('float32', whole.scales.shape, changed)
      return [name, { ...whole, scales: spoilt }] as const
    }),
  )
  const quantize = { scheme: 'weight-only', ...how, accuracyLevel: 4, parts } as const
  const folder = join(scratchFolder(), `factor-${factor(1)}`)
  const plan = {
    name: 'INT4 cpu',
    file: 'onnx/model_cpu_q4.onnx',
    lowering: 'cpu',
    quantize,
  } as const
  return { folder, built: writeVariant(model.graph, plan, folder) }
}

it('lets a sound file pass', async () => {
  const { folder, built } = variantWith(() => 1)
  expect(await verifyBuilt(model, folder, [built])).toMatchObject([{ ok: true }])
})

it.each([
  ['of the wrong sign', (i: number) => (i % 2 === 0 ? 1 : -1), 'its outputs have collapsed'],
  ['that are not numbers', () => Number.NaN, 'not finite'],
])('refuses scales %s', async (_, factor, reason) => {
  const { folder, built } = variantWith(factor)
  await expect(verifyBuilt(model, folder, [built])).rejects.toThrow(
    new RegExp(`INT4 cpu: .*${reason}`),
  )
})
