/** `--explain` as it is printed: wide, in a narrow terminal, and of a file that no pass touched. */
import { expect, it } from 'vitest'
import type { PassRecord } from '../passes/index.ts'
import { explainText } from './explain-passes.ts'

const rest = { left: 0, near: 0, nodes: 0, ms: 0, hits: 0 }
const passes: PassRecord[] = [
  {
    pass: 'fuse-attention',
    ms: 9.19,
    nodesBefore: 1240,
    nodesAfter: 1186,
    hits: { 'fuse-attention': 6 },
    rules: [
      { ...rest, rule: 'fuse-attention', hits: 6, ms: 7.79, nodes: -54, anchors: ['Reshape'] },
      {
        ...rest,
        rule: 'fuse-biased-attention',
        ms: 0.2,
        anchors: ['MatMul'],
        left: 38,
        near: 2,
        nearest: {
          rule: 'fuse-biased-attention',
          depth: 5,
          op: 'MatMul',
          origin: 'encoder.layer.0.attention.self',
          value: 'encoder.layer.0.attention.self.Add',
          reason: 'expected Mul, found Add',
        },
      },
      {
        ...rest,
        rule: 'lower-linear',
        anchors: ['Add'],
        left: 1,
        near: 1,
        nearest: { rule: 'lower-linear', depth: 2, op: 'Add', origin: '', reason: 'it is Tuesday' },
      },
    ],
  },
  {
    pass: 'eliminate',
    ms: 0.6,
    nodesBefore: 1186,
    nodesAfter: 1186,
    hits: {},
    rules: [
      { ...rest, rule: 'eliminate-cast', ms: 0.01, anchors: ['Cast'], left: 2 },
      { ...rest, rule: 'eliminate-dropout', anchors: ['Dropout'] },
      { ...rest, rule: 'fold', anchors: ['A', 'B', 'C', 'D', 'E'], left: 1186 },
    ],
  },
]
const variants = [
  { name: 'fp32 cpu', passes },
  { name: 'fp32 as exported', passes: [] },
]

it('tells what fired, then what came near, then what found nothing', () => {
  expect(`\n${explainText(variants, { width: Infinity, color: false })}\n`).toMatchInlineSnapshot(`
    "
    Passes, fp32 cpu
    pass, rule               fired          nodes       time
    ───────────────────────  ─────  ─────────────  ─────────
    fuse-attention                  1,240 → 1,186    9.19 ms
      fuse-attention             6            −54    7.79 ms
      fuse-biased-attention      0              –   0.200 ms
      lower-linear               0              –          –
    eliminate                       1,186 → 1,186   0.600 ms
      eliminate-cast             0              –  0.0100 ms
      eliminate-dropout          0              –          –
      fold                       0              –          –

    fuse-biased-attention left 38 MatMul; 2 came near. Nearest: encoder.layer.0.attention.self (MatMul), value
    encoder.layer.0.attention.self.Add: expected Mul, found Add.
    lower-linear left 1 Add; it came near. Nearest: Add: it is Tuesday.
    Found nothing alike: eliminate-cast (2 Cast), fold (1,186 nodes).
    Had nothing to look at: eliminate-dropout (no Dropout).

    Passes, fp32 as exported: none
    "
  `)
})

it('fits a narrow terminal', () => {
  const text = explainText(variants, { width: 40, color: false })
  expect(text).toContain('left out: time,')
  for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(40)
})
