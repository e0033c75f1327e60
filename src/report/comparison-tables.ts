/** What a comparison of two models says, in sentences and tables. */
import type { ComparedTensor, Comparison, TensorError } from './comparison.ts'
import type { Cell, Column, Table } from './table.ts'
import { formatCount, formatNumber, formatPercent, unknown } from './units.ts'

/** Decibels: 52.1, ∞ where nothing differs, NaN where values are no numbers. */
export function decibels(error: TensorError | undefined): string {
  if (!error) return unknown
  if (error.nonFinite > 0) return 'NaN'
  return error.sqnr === null ? '∞' : error.sqnr.toFixed(1)
}

/** A relative error as decibels. */
const relativeDecibels = (relative: number): string =>
  relative === 0 ? '∞' : (-20 * Math.log10(relative)).toFixed(1)

const named = ({ name, kind }: ComparedTensor): string =>
  kind === 'output' ? `output ${name}` : `${name} (${kind})`

/** Where the two part, in one or two sentences. */
export function partingSentence({ tensors, first, tolerance }: Comparison): string {
  if (first === undefined) {
    const worst = tensors.reduce((a, b) => (b.relative > a.relative ? b : a))
    if (worst.relative === 0) return 'They agree everywhere, to the last bit.'
    return worst.relative <= tolerance
      ? `They agree everywhere: the largest relative error is ${formatNumber(worst.relative)}, at ${named(worst)}.`
      : `No tensor adds more than ${formatNumber(tolerance)} by itself; rounding adds up to a relative error of ${formatNumber(worst.relative)} at ${named(worst)}.`
  }
  const tensor = tensors[first]!
  const error = tensor.added ?? tensor
  const came =
    tensor.inherited === 0
      ? 'with nothing wrong before it'
      : `where ${relativeDecibels(tensor.inherited)} dB flow in`
  const size =
    error.nonFinite > 0
      ? `${formatCount(error.nonFinite)} values are no numbers in one of the two`
      : `it adds a relative error of ${formatNumber(error.relative)} (${decibels(error)} dB), ${came}`
  return `They part first at ${named(tensor)}: ${size}.`
}

/** The answers of texts. */
export function answersSentence({ answers }: Comparison): string | undefined {
  if (!answers) return undefined
  const { n, agreement, divergence, cosine, maxAbsError } = answers
  const parts = [
    agreement &&
      `the same in ${formatPercent(agreement.value)} (95 % interval ${formatPercent(agreement.interval.low)} to ${formatPercent(agreement.interval.high)})`,
    divergence !== undefined && `KL divergence ${formatNumber(divergence)} nats`,
    `mean cosine ${formatNumber(cosine.mean, 6)}`,
    `largest difference ${formatNumber(maxAbsError)}`,
  ].filter((part) => typeof part === 'string')
  return `Answers, ${formatCount(n)} of each: ${parts.join(', ')}.`
}

/** What was compared on what. */
export function basisSentence({ samples, tokens, tensors, tolerance, a, b }: Comparison): string {
  const on =
    tokens === undefined
      ? `${formatCount(samples)} made-up rows`
      : `${formatCount(samples)} texts, ${formatCount(tokens)} tokens`
  const left = [
    a.unmatched.length > 0 && `${formatCount(a.unmatched.length)} of ${a.model}`,
    b.unmatched.length > 0 && `${formatCount(b.unmatched.length)} of ${b.model}`,
  ].filter((part) => part !== false)
  const rest = left.length > 0 ? `; without their like: ${left.join(', ')}` : ''
  return `${formatCount(tensors.length)} tensors on ${on}, tolerance ${formatNumber(tolerance)}${rest}.`
}

const right = { align: 'right' } as const
const figures: readonly Column[] = [
  { title: 'SQNR (dB)', ...right },
  { title: 'added (dB)', ...right },
  { title: 'cosine', ...right, drop: 3 },
  { title: 'relative', ...right, drop: 1 },
  { title: 'largest', ...right, drop: 2 },
  { title: 'outside', ...right, drop: 4 },
]

const cells = (tensor: ComparedTensor): Cell[] => [
  decibels(tensor),
  decibels(tensor.added),
  tensor.cosine.toFixed(6),
  formatNumber(tensor.relative),
  formatNumber(tensor.maxAbs),
  formatPercent(tensor.outside),
]

/** Tensors that add most. */
export const worstTable = ({ tensors, worst, first }: Comparison): Table => ({
  columns: [{ title: 'adds most' }, { title: 'kind', drop: 5 }, ...figures],
  rows: worst.map((i) => {
    const { name, kind } = tensors[i]!
    const shown: Cell = i === first ? { text: name, tone: 'strong' } : name
    return [shown, kind, ...cells(tensors[i]!)]
  }),
})

/** The outputs of both. */
export function outputsTable({ tensors }: Comparison): Table | undefined {
  const outputs = tensors.filter(({ kind }) => kind === 'output')
  if (outputs.length === 0) return undefined
  return {
    columns: [{ title: 'output' }, ...figures],
    rows: outputs.map((tensor) => [tensor.name, ...cells(tensor)]),
  }
}

/** Every tensor, with what each file calls it. */
export const tensorTable = ({ tensors, first, a, b }: Comparison): Table => ({
  columns: [
    { title: 'tensor' },
    { title: 'kind' },
    ...figures,
    { title: `in ${a.model}` },
    { title: `in ${b.model}` },
  ],
  rows: tensors.map((tensor, i) => [
    i === first ? { text: tensor.name, tone: 'bad', detail: 'they part here' } : tensor.name,
    tensor.kind,
    ...cells(tensor),
    tensor.a,
    tensor.b,
  ]),
})

/** What one has and the other lacks. */
export function unmatchedTable({ a, b }: Comparison): Table | undefined {
  const rows = [a, b].flatMap(({ model, unmatched }) =>
    unmatched.map(({ name, kind, tensor, why }) => [name, kind, model, tensor, why]),
  )
  if (rows.length === 0) return undefined
  const titles = ['tensor', 'kind', 'of', 'name there', 'why']
  return { columns: titles.map((title) => ({ title })), rows }
}
