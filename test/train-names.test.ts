/** A base model made ready for a task has the names, and the configuration, that transformers saved it with. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { describeWith, realData } from './support/fixtures.ts'
import { prepareNames } from './support/prepare-names.ts'
import { readTensors } from './support/tensors.ts'

const base = realData('models/all-minilm-l6-v2')
const reference = realData('models/minilm-l6-sst2')

describeWith(reference, 'MiniLM made ready for SST-2', () => {
  it('has the names and shapes of the one that PyTorch trained', async () => {
    const data = realData('text/sst2/dev.tsv')
    const { names, config, made } = await prepareNames(base, {
      file: data,
      labelMap: '0=negative,1=positive',
    })
    const expected = readTensors(join(reference, 'model.safetensors'))
    expect(names).toEqual(
      Object.fromEntries(Object.entries(expected).map(([name, { shape }]) => [name, shape])),
    )
    expect(made).toEqual(['classifier.weight', 'classifier.bias'])
    const saved = JSON.parse(readFileSync(join(reference, 'config.json'), 'utf8'))
    for (const key of ['architectures', 'id2label', 'label2id', 'problem_type', 'model_type']) {
      expect(config[key]).toEqual(saved[key])
    }
  })
})
