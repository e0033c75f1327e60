/** Which layers go where in the heat maps, how hot they are, and that a page has every figure. */
import { describe, expect, it } from 'vitest'
import { logHeats } from './heat-map.ts'
import { moduleGrid } from './module-grid.ts'
import type { LayerSensitivity, SensitivityReport } from './sensitivity.ts'
import { sensitivityPage } from './sensitivity-page.ts'
import { sensitivitySection } from './sensitivity-section.ts'

const columnsOf = (...modules: string[]) =>
  moduleGrid(modules.map((module) => `encoder.layer.3.${module}`)).columns

describe('moduleGrid', () => {
  const paper = ['query', 'key', 'value', 'attention output', 'intermediate', 'output']

  it.each([
    [
      'bert',
      ['attention.self.query', 'attention.self.key', 'attention.self.value'],
      ['attention.output.dense', 'intermediate.dense', 'output.dense'],
    ],
    [
      'distilbert',
      ['attention.q_lin', 'attention.k_lin', 'attention.v_lin'],
      ['attention.out_lin', 'ffn.lin1', 'ffn.lin2'],
    ],
    [
      'vit',
      ['attention.attention.query', 'attention.attention.key', 'attention.attention.value'],
      ['attention.output.dense', 'intermediate.dense', 'output.dense'],
    ],
  ])('names the modules of %s as papers do', (_, projections, others) => {
    expect(columnsOf(...others, ...projections)).toEqual(paper)
  })

  it('names those of fused projections, and keeps names that it does not know or that clash', () => {
    const modern = columnsOf('mlp.Wo', 'mlp.Wi', 'attn.Wo', 'attn.Wqkv')
    expect(modern).toEqual(['query, key, value', 'attention output', 'intermediate', 'output'])
    expect(columnsOf('odd', 'mlp.gate_proj', 'mlp.up_proj')).toEqual([
      'odd',
      'mlp.gate_proj',
      'mlp.up_proj',
    ])
  })

  it('puts layers in the order of their numbers, and the rest outside', () => {
    const paths = ['h.10.mlp.c_fc', 'pooler.dense', 'h.9.mlp.c_fc', 'embeddings']
    const { layers, cells } = moduleGrid(paths)
    expect(layers).toEqual(['h.9', 'h.10'])
    expect(cells.filter(({ layer }) => !layer).map(({ path }) => path)).toEqual([
      'pooler.dense',
      'embeddings',
    ])
  })
})

it('spreads heat evenly over decades, at most four', () => {
  const heatOf = logHeats([1e-9, 1e-2, 1, 0])
  expect([0, 1e-9, 1e-2, 1].map(heatOf)).toEqual([0, expect.any(Number), 0.5, 1])
  expect(heatOf(1e-9)).toBeLessThan(0)
  expect(logHeats([3])(3)).toBe(1)
})

const layer = (path: string, more: Partial<LayerSensitivity> = {}): LayerSensitivity => ({
  ...{ path, kind: 'linear', sqnr: 30, estimate: 1e-4, bytes: 4096 },
  ...more,
})

const found: SensitivityReport = {
  scheme: 'int4',
  loss: 'kl',
  layers: [
    layer('layer.0.output.dense', { loss: { mean: 0.5, interval: { low: 0.4, high: 0.6 } } }),
    layer('layer.0.intermediate.dense', { parts: { weights: 31, input: null } }),
    layer('<embeddings>', { kind: 'table', sqnr: null, estimate: undefined }),
  ],
  all: { mean: 0.7, interval: { low: 0.6, high: 0.8 } },
  samples: 16,
  tokens: 100,
}

describe('sensitivitySection', () => {
  it('has a map of losses and one of noise, with what is outside of the layers apart', () => {
    const { heat, table } = sensitivitySection(found)
    expect(
      heat!.map(({ rows }) => rows.map(({ cells }) => cells.map((cell) => cell?.text))),
    ).toEqual([[['1.0e-4', '0.500 *']], [[undefined]], [['30.0', '30.0']], [['∞']]])
    expect(heat![0]!.rows[0]!.cells[1]!.heat).toBe(1)
    expect(table.rows).toHaveLength(3)
  })

  it('is a page that holds no markup of the model', () => {
    const facts = { model: '<i>m</i>', createdAt: '2026-01-01T00:00:00Z', limbeck: '1' }
    const page = sensitivityPage(found, facts)
    expect(page).toContain('&lt;i&gt;m&lt;/i&gt;: sensitivity to int4')
    expect(page).not.toContain('<embeddings>')
    expect(page).toContain(
      'title="layer.0.intermediate.dense; SQNR 30.0 dB; weights 31.0, input ∞ dB',
    )
  })
})
