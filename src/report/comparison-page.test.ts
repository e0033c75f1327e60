import { describe, expect, it } from 'vitest'
import type { ComparedTensor, Comparison } from './comparison.ts'
import { comparisonHtml } from './comparison-page.ts'
import { answersSentence, basisSentence, partingSentence } from './comparison-tables.ts'

const equal = {
  ...{ sqnr: null, cosine: 1, relative: 0, maxAbs: 0, outside: 0, nonFinite: 0 },
}
const noisy = { ...equal, sqnr: 40, cosine: 0.9999, relative: 0.01, maxAbs: 0.5, outside: 0.25 }

const tensor = (name: string, more: Partial<ComparedTensor> = {}): ComparedTensor => ({
  ...equal,
  ...{ name, kind: 'linear', a: `/${name}/Add`, b: `${name}.1`, values: 640 },
  ...{ added: equal, inherited: 0, firstToken: false, rescaled: false },
  ...more,
})

const side = { file: undefined, layers: 2, unmatched: [] }
const sample: Comparison = {
  a: { ...side, model: 'a.onnx' },
  b: { ...side, model: 'b.onnx' },
  tensors: [
    tensor('encoder.layer.0.dense'),
    tensor('encoder.layer.1.dense', { ...noisy, added: noisy, inherited: 1e-6 }),
    tensor('logits', { ...noisy, kind: 'output' }),
  ],
  first: 1,
  worst: [1],
  answers: undefined,
  tolerance: 1e-4,
  samples: 8,
  tokens: 120,
  notes: [],
  seconds: 2,
}

describe('comparison', () => {
  it('says where two models part, and what flowed in', () => {
    expect(partingSentence(sample)).toBe(
      'They part first at encoder.layer.1.dense (linear): it adds a relative error of 0.0100 (40.0 dB), where 120.0 dB flow in.',
    )
    const broken = { ...noisy, nonFinite: 3 }
    const wrong = [tensor('x', { ...broken, added: broken })]
    expect(partingSentence({ ...sample, tensors: wrong, first: 0 })).toBe(
      'They part first at x (linear): 3 values are no numbers in one of the two.',
    )
  })

  it('says that they do not', () => {
    const same = { ...sample, tensors: [tensor('x')], first: undefined }
    expect(partingSentence(same)).toBe('They agree everywhere, to the last bit.')
    const near = { ...same, tensors: [tensor('x', { relative: 1e-6 })] }
    expect(partingSentence(near)).toMatch(/^They agree everywhere: .* 1\.0e-6, at x \(linear\)\.$/)
    const summed = { ...same, tensors: [tensor('x', { relative: 2e-4 })] }
    expect(partingSentence(summed)).toMatch(/rounding adds up to a relative error of 2\.0e-4/)
  })

  it('says what was compared, and what the answers are', () => {
    expect(basisSentence(sample)).toBe('3 tensors on 8 texts, 120 tokens, tolerance 1.0e-4.')
    const left = { name: 'pooler', kind: 'linear', tensor: 't', why: 'none' }
    const made = { ...sample, tokens: undefined, b: { ...sample.b, unmatched: [left] } }
    expect(basisSentence(made)).toMatch(/8 made-up rows, .*; without their like: 1 of b\.onnx\.$/)
    const agreement = { value: 0.875, interval: { low: 0.5, high: 0.98 } }
    const answers = {
      ...{ n: 8, maxAbsError: 0.5, nonFinite: 0, divergence: 0.002, agreement },
      cosine: { mean: 0.99, min: 0.9 },
    }
    expect(answersSentence({ ...sample, answers })).toBe(
      'Answers, 8 of each: the same in 87.5 % (95 % interval 50.0 % to 98.0 %), KL divergence 0.00200 nats, mean cosine 0.990000, largest difference 0.500.',
    )
  })

  it('is one page that loads nothing, whatever names hold', async () => {
    const hostile = `</style></svg><script>alert(1)</script><img src=x onerror="alert(2)">`
    const page = await comparisonHtml(
      {
        ...sample,
        a: { ...sample.a, model: hostile },
        notes: [hostile],
        tensors: sample.tensors.map((one) => ({ ...one, name: hostile, a: hostile, b: hostile })),
      },
      '0.1.0',
    )
    expect(page).not.toMatch(/<script|<img|<iframe/i)
    expect(page.match(/<svg /g)).toHaveLength(3)
    expect(page.match(/<\/style>/g)).toHaveLength(1)
    expect(page).toContain('Content-Security-Policy')
  })
})
