/**
 * What becomes of a quantized file's operators: whether its integer products are exact on every CPU, and which nodes
 * missed the kernel they were meant for; as data, and in words.
 */
import type { Portability } from '../passes/saturation.ts'
import type { Report } from './report.ts'
import type { Table } from './table.ts'
import { formatCount, formatPercent, unknown } from './units.ts'

/** Nodes that missed one kernel for one reason. */
export interface MissedKernel {
  readonly wanted: string
  readonly ran: string
  readonly reason: string
  readonly nodes: number
  /** Module paths, or names of weights. */
  readonly at: readonly string[]
  /** Of a profiled run, between 0 and 1. */
  readonly share: number
}

export interface KernelReport {
  readonly portability: Portability
  /** The longest first. */
  readonly missed: readonly MissedKernel[]
}

/** CPUs whose u8×s8 products saturate, as sentences name them. */
export const SATURATING_CPUS = 'AVX2, AVX-512 without VNNI'

/** The verdict on a file's integer products; a dash for a file without any. */
export function portabilityText({ products, saturating, unknown: open }: Portability): string {
  if (products === 0) return unknown
  const rest = open > 0 ? `${open} of ${products} not known` : ''
  if (saturating.length === 0) return rest || 'exact on every CPU'
  return [`can saturate on AVX2: ${saturating.length} of ${products}`, rest]
    .filter(Boolean)
    .join(', ')
}

/** `17 nodes wanted …, ran … (3 % of a run): why; at a, b and 15 more`. */
export function missedSentence({ wanted, ran, reason, nodes, at, share }: MissedKernel): string {
  const count = `${formatCount(nodes)} node${nodes === 1 ? '' : 's'}`
  const took = share > 0 ? ` (${formatPercent(share)} of a run)` : ''
  return `${count} meant for ${wanted}: ran as ${ran}${took}, because ${reason}; ${listed(at)}`
}

const SHOWN = 3

/** The first few of a list. */
export const listed = (names: readonly string[]): string =>
  names.length <= SHOWN + 1
    ? names.join(', ')
    : `${names.slice(0, SHOWN).join(', ')} and ${formatCount(names.length - SHOWN)} more`

/** A row a quantized variant, and one for whatever missed its kernel in it. */
export function kernelsTable({ variants }: Report): Table | undefined {
  const rows = variants.flatMap(({ name, kernels }) => {
    if (!kernels) return []
    const verdict = portabilityText(kernels.portability)
    const { missed } = kernels
    if (missed.length === 0) return [[name, verdict, 'all reached', unknown, unknown, '']]
    return missed.map(({ wanted, ran, reason, nodes, share }, i) => [
      i === 0 ? name : '',
      i === 0 ? verdict : '',
      `${wanted}: ${reason}`,
      formatCount(nodes),
      share > 0 ? formatPercent(share) : unknown,
      ran,
    ])
  })
  if (rows.length === 0) return undefined
  const right = { align: 'right' } as const
  return {
    columns: [
      { title: 'variant' },
      { title: 'integer products' },
      { title: 'kernels missed' },
      { title: 'nodes', ...right },
      { title: 'of a run', ...right },
      { title: 'ran instead' },
    ],
    rows,
  }
}

/** What the table of kernels shows. */
export const KERNELS_CAPTION = `What ONNX Runtime made of each quantized file, from a profiled run here; products of unsigned and signed bytes can saturate on CPUs without dot products of bytes (${SATURATING_CPUS}) where weights have more than 7 bits.`
