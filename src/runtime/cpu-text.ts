/**
 * What the systems say of their CPU, as text: `/proc/cpuinfo` on Linux, `sysctl` on macOS.
 * Pure functions, so that stored texts of many CPUs test them.
 */

/** A CPU as its system describes it. */
export interface CpuText {
  readonly model: string | undefined
  /** Cores that are not hyperthreads of another; undefined where the text does not tell. */
  readonly physicalCores: number | undefined
  /** Instruction sets in Linux's spelling (`avx512_vnni`, `asimddp`, ...). */
  readonly isa: ReadonlySet<string>
}

/** Reads `/proc/cpuinfo`. */
export function parseCpuinfo(text: string): CpuText {
  const blocks = text.split(/\n\s*\n/).map((block) => new Map(fieldsOf(block)))
  const first = blocks.find((block) => block.has('flags') || block.has('Features'))
  const cores = new Set<string>()
  for (const block of blocks) {
    const core = block.get('core id')
    if (core !== undefined) cores.add(`${block.get('physical id') ?? 0}:${core}`)
  }
  return {
    model: blocks.find((block) => block.has('model name'))?.get('model name'),
    physicalCores: cores.size || undefined,
    isa: new Set(
      (first?.get('flags') ?? first?.get('Features') ?? '').split(/\s+/).filter(Boolean),
    ),
  }
}

// macOS's names of what we look for, in Linux's spelling; no i8mm, which ONNX Runtime uses on Linux only
const macFeatures: Readonly<Record<string, string>> = {
  'hw.optional.arm.FEAT_DotProd': 'asimddp',
  'hw.optional.neon': 'asimd',
  'hw.optional.avx2_0': 'avx2',
  'hw.optional.fma': 'fma',
  'hw.optional.sse2': 'sse2',
  'hw.optional.avx512f': 'avx512f',
  'hw.optional.avx512bw': 'avx512bw',
  'hw.optional.avx512dq': 'avx512dq',
  'hw.optional.avx512vl': 'avx512vl',
}

/** Reads the output of `sysctl hw machdep.cpu`. */
export function parseSysctl(text: string): CpuText {
  const fields = new Map(fieldsOf(text))
  const on = Object.entries(macFeatures).filter(([key]) => fields.get(key) === '1')
  return {
    model: fields.get('machdep.cpu.brand_string'),
    physicalCores: Number(fields.get('hw.physicalcpu')) || undefined,
    isa: new Set(on.map(([, feature]) => feature)),
  }
}

/** `key : value` lines. */
function fieldsOf(text: string): [string, string][] {
  return text
    .split('\n')
    .map((line) => /^([^:]+?)\s*:\s*(.*)$/.exec(line))
    .filter((match) => match !== null)
    .map(([, key, value]) => [key!, value!])
}
