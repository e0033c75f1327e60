/** Layers kept by renaming tensors answer as the graph with the others cut out, in every family that has them. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { load } from '../src/jobs/load.ts'
import { prune, pruneInto } from '../src/jobs/prune.ts'
import { describeWith, fixture } from './support/fixtures.ts'
import { scratchFolder } from './support/tensors.ts'

const families = [
  'bert-sequence-classification',
  'roberta-sequence-classification',
  'distilbert-sequence-classification',
  'electra-sequence-classification',
  'albert-sequence-classification',
  'mpnet-model',
  'modernbert-sequence-classification',
  'deberta-v2-sequence-classification',
]

describeWith(fixture('models'), 'prune', () => {
  const scratch = scratchFolder()

  it.each(families)('%s', async (name) => {
    const model = fixture('models', name)
    const loaded = load(model)
    const before = loaded.dims.layers
    const output = join(scratch, name)
    const kept = Array.from({ length: before - 1 }, (_, layer) => layer)
    const { parameters, maxAbsError } = await pruneInto(output, loaded, kept)
    // ALBERT's layers are one
    const shared = name.startsWith('albert')
    expect(parameters[1] < parameters[0]).toBe(!shared)
    expect(maxAbsError).toBeLessThan(1e-5)
    expect(load(output).dims.layers).toBe(before - 1)
    const config = JSON.parse(readFileSync(join(output, 'config.json'), 'utf8'))
    expect(config.num_hidden_layers ?? config.n_layers).toBe(before - 1)
  })

  it('the last layer alone stands at the first place', async () => {
    const model = fixture('models', 'bert-sequence-classification')
    const output = join(scratch, 'last')
    const { maxAbsError, kept, layers, parameters, report } = await prune({
      ...{ model, layers: 'last-1', output, seconds: 0 },
    })
    expect(maxAbsError).toBeLessThan(1e-5)
    expect(kept).toEqual([layers[0] - 1])
    expect(layers[1]).toBe(1)
    const { rows, unjudged } = report.results!
    expect(rows.map((row) => row.name)).toEqual([
      ...['source', 'fp32 portable', 'fp32 optimized', 'INT8 portable', 'INT8'],
    ])
    expect(rows.slice(0, 2).map((row) => row.parameters)).toEqual(parameters)
    expect(rows[1]!.flops).toBeLessThan(rows[0]!.flops)
    expect(unjudged).toEqual(['nothing is judged, since there is no --dev data'])
  })
})
