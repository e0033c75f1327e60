/**
 * Every key of a configuration set to what it must not be, in every family: a model is described and built, or
 * one sentence says why not, and what is absurd is refused before anything is made by it.
 */
import { describe, expect, it } from 'vitest'
import { LimbeckError } from '../src/errors.ts'
import { buildModel, describeModel } from '../src/models/build-model.ts'
import { verifyGraph } from '../src/ops/verify.ts'
import { configs } from './fuzz/readers.ts'

const values: readonly unknown[] = [
  ...[-1, 0, 1, 1.5, 7, 1e9, 2 ** 24, 2 ** 31, 2 ** 53, Number.MAX_VALUE],
  ...[
    '12',
    '',
    'nope',
    null,
    true,
    false,
    [],
    [1],
    {},
    { '0': 'a', '2': 'b' },
    { '4294967294': 'a' },
  ],
]
/** Keys that files may have and these do not. */
const more = [
  'num_labels',
  'embedding_size',
  'position_buckets',
  'conv_kernel_size',
  'rope_parameters',
]
/** What a configuration alone may take; a graph of a thousand layers is larger. */
const MOST_BYTES = 32 * 2 ** 20

const refusal = (body: () => void): string | undefined => {
  try {
    body()
    return undefined
  } catch (error) {
    if (error instanceof LimbeckError && error.message.endsWith('.')) return error.message
    throw error
  }
}

describe.each(
  configs.map((config) => [String(config.json.model_type), config] as const),
)('a configuration of %s', (_, { json, checkpoint }) => {
  const numeric = Object.keys(json).filter((key) => typeof json[key] === 'number')
  const keys = [...new Set([...Object.keys(json), ...more])]

  it('with any value in any key is built or refused', () => {
    for (const key of keys) {
      for (const value of values) {
        const config = { file: 'config.json', json: { ...json, [key]: value } }
        const before = process.memoryUsage()
        refusal(() => describeModel(config))
        const after = process.memoryUsage()
        const taken = after.heapUsed - before.heapUsed + after.arrayBuffers - before.arrayBuffers
        expect(taken, `${key}: ${JSON.stringify(value)}`).toBeLessThan(MOST_BYTES)
        refusal(() => verifyGraph(buildModel({ config, checkpoint }).graph))
      }
    }
  })

  it('with a size that is no size, or beyond any model, is refused', () => {
    const sizes = numeric.filter((key) =>
      /_size$|^num_(hidden|attention)|^max_position|^(dim|hidden_dim|n_heads|n_layers)$/.test(key),
    )
    expect(sizes.length).toBeGreaterThan(2)
    for (const key of sizes) {
      for (const value of [-1, 1.5, 2 ** 53, '12', true, []]) {
        const config = { file: 'config.json', json: { ...json, [key]: value } }
        const said = refusal(() => buildModel({ config, checkpoint }))
        // sizes that a family does not read cost nothing; those it reads are named
        if (said !== undefined) expect(said).toMatch(/^config\.json: /)
        else expect(['embedding_size', 'type_vocab_size', ...unread]).toContain(key)
      }
    }
  })
})

/** Keys that some families' files have and their graphs do not depend on. */
const unread = [
  'pooler_hidden_size',
  'true_hidden_size',
  'intra_bottleneck_size',
  'classifier_size',
]
