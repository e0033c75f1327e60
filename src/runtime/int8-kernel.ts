/**
 * Which int8 kernel ONNX Runtime picks on a CPU, and whether it saturates.
 *
 * The order and the conditions are those of MLAS (`core/mlas/lib/platform.cpp`) for activations uint8
 * times weights int8. A kernel without dot products adds two products in 16 bits and saturates, which
 * bends results unless weights stay within 7 bits (±64: 2 * 255 * 64 < 32768).
 */

/** The kernel for uint8 x int8 matrix products. */
export interface Int8Kernel {
  readonly kernel: string
  /** True when full-range int8 weights overflow: quantize to 7 bits for this CPU. */
  readonly saturates: boolean
}

interface Row extends Int8Kernel {
  /** Instruction sets, as `/proc/cpuinfo` spells them, that must all be there. */
  readonly needs: readonly string[]
}

const avx512 = ['avx2', 'fma', 'avx512f', 'avx512bw', 'avx512dq', 'avx512vl']

const x64: readonly Row[] = [
  { kernel: 'amx', saturates: false, needs: ['avx2', 'fma', 'amx_tile', 'amx_int8'] },
  { kernel: 'avx512-vnni', saturates: false, needs: [...avx512, 'avx512_vnni'] },
  { kernel: 'avx512', saturates: true, needs: avx512 },
  { kernel: 'avx-vnni', saturates: false, needs: ['avx2', 'fma', 'avx_vnni'] },
  { kernel: 'avx2', saturates: true, needs: ['avx2', 'fma'] },
  // only the Windows build has the SSE4.1 kernel, which saturates; the others' SSE2 kernel is exact
  { kernel: 'sse', saturates: true, needs: ['sse2'] },
]

const arm64: readonly Row[] = [
  { kernel: 'neon-i8mm', saturates: false, needs: ['i8mm'] },
  { kernel: 'neon-dot', saturates: false, needs: ['asimddp'] },
  { kernel: 'neon', saturates: false, needs: [] },
]

const tables: Readonly<Record<string, readonly Row[]>> = { x64, arm64 }

/**
 * The kernel for a CPU architecture (`process.arch`) with these instruction sets; where nothing is
 * known of the CPU the answer is `unknown` and, to be safe, saturating.
 */
export function int8Kernel(arch: string, isa: ReadonlySet<string>): Int8Kernel {
  const row = tables[arch]?.find(({ needs }) => needs.every((feature) => isa.has(feature)))
  if (!row || isa.size === 0) return { kernel: 'unknown', saturates: true }
  return { kernel: row.kernel, saturates: row.saturates }
}
