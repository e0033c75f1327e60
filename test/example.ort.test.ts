/** The example's weights against PyTorch: logits of transformers on the first rows of the test data. */
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { load } from '../src/jobs/load.ts'
import { example } from './support/command.ts'
import { asInt64, maxDifference, readTensors, runGraph } from './support/tensors.ts'

it.each(['exported', 'portable', 'cpu'] as const)('%s: within 1e-4', async (lowering) => {
  const { logits, ...inputs } = readTensors(join(example, 'reference.safetensors'))
  const { data } = inputs.input_ids!
  const types = { ...inputs.input_ids!, data: new BigInt64Array(data.length) }
  const feeds = asInt64({ ...inputs, token_type_ids: types })
  const outputs = await runGraph(load(example).graph, feeds, { lowering })
  expect(maxDifference(outputs.logits!, logits!)).toBeLessThan(1e-4)
})
