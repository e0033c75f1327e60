import { expect, it } from 'vitest'
import { parseCpuinfo, parseSysctl } from './cpu-text.ts'
import { hardware } from './hardware.ts'
import { int8Kernel } from './int8-kernel.ts'

// the instruction sets that decide, as these CPUs list them
const avx2 = 'fpu sse2 ssse3 fma sse4_1 sse4_2 avx f16c bmi1 avx2 bmi2'
const avx512 = `${avx2} avx512f avx512dq avx512cd avx512bw avx512vl`
const flags: Readonly<Record<string, string>> = {
  'Intel(R) Xeon(R) Platinum 8480+': `${avx512} avx512_vnni avx_vnni amx_bf16 amx_tile amx_int8`,
  'Intel(R) Xeon(R) Platinum 8275CL': `${avx512} avx512_vnni`,
  'AMD EPYC 9654 96-Core Processor': `${avx512} avx512_bf16 avx512_vnni`,
  'AMD Ryzen 9 9950X': `${avx512} avx_vnni avx512_vnni`,
  'Intel(R) Xeon(R) Platinum 8175M': avx512,
  'Intel(R) Core(TM) i7-12700': `${avx2} avx_vnni`,
  'AMD EPYC 7763 64-Core Processor': avx2,
  'Intel(R) Core(TM) i7-3770': 'fpu sse2 ssse3 sse4_1 sse4_2 avx f16c',
}

const cpuinfo = (model: string, flags: string, cores: number, threadsPerCore: number): string =>
  Array.from(
    { length: cores * threadsPerCore },
    (_, i) =>
      `processor\t: ${i}\nmodel name\t: ${model}\nphysical id\t: 0\ncore id\t\t: ${i % cores}\nflags\t\t: ${flags}\n`,
  ).join('\n')

it('knows the int8 kernel of a CPU, and whether it saturates', () => {
  const rows = Object.entries(flags).map(([model, list]) => {
    const { isa, model: name } = parseCpuinfo(cpuinfo(model, list, 2, 1))
    const { kernel, saturates } = int8Kernel('x64', isa)
    return `${name}: ${kernel}${saturates ? ' (saturates)' : ''}`
  })
  expect(rows).toEqual([
    'Intel(R) Xeon(R) Platinum 8480+: amx',
    'Intel(R) Xeon(R) Platinum 8275CL: avx512-vnni',
    'AMD EPYC 9654 96-Core Processor: avx512-vnni',
    'AMD Ryzen 9 9950X: avx512-vnni',
    'Intel(R) Xeon(R) Platinum 8175M: avx512 (saturates)',
    'Intel(R) Core(TM) i7-12700: avx-vnni',
    'AMD EPYC 7763 64-Core Processor: avx2 (saturates)',
    'Intel(R) Core(TM) i7-3770: sse (saturates)',
  ])
})

it('reads ARM CPUs, which list Features and no model', () => {
  const graviton3 =
    'processor\t: 0\nBogoMIPS\t: 2100.00\nFeatures\t: fp asimd asimdhp asimddp sve i8mm bf16\nCPU part\t: 0xd40\n'
  const { model, isa, physicalCores } = parseCpuinfo(graviton3)
  expect([model, physicalCores]).toEqual([undefined, undefined])
  expect(int8Kernel('arm64', isa).kernel).toBe('neon-i8mm')
  expect(int8Kernel('arm64', new Set(['asimd', 'asimddp'])).kernel).toBe('neon-dot')
  expect(int8Kernel('arm64', new Set(['asimd']))).toEqual({ kernel: 'neon', saturates: false })
})

it('reads macOS', () => {
  const text = `hw.physicalcpu: 8
hw.optional.neon: 1
hw.optional.arm.FEAT_DotProd: 1
hw.optional.arm.FEAT_I8MM: 1
machdep.cpu.brand_string: Apple M2
`
  const { model, isa, physicalCores } = parseSysctl(text)
  expect([model, physicalCores]).toEqual(['Apple M2', 8])
  expect(int8Kernel('arm64', isa).kernel).toBe('neon-dot')
})

it('counts hyperthreads once', () => {
  expect(parseCpuinfo(cpuinfo('x', avx2, 4, 2)).physicalCores).toBe(4)
})

it('is careful where it knows nothing', () => {
  expect(int8Kernel('x64', new Set())).toEqual({ kernel: 'unknown', saturates: true })
  expect(int8Kernel('riscv64', new Set(['v']))).toEqual({ kernel: 'unknown', saturates: true })
})

it('probes this machine', () => {
  const { cores, allottedCores, physicalCores, threads } = hardware()
  expect(hardware()).toBe(hardware())
  expect(threads).toBeGreaterThanOrEqual(1)
  expect(threads).toBeLessThanOrEqual(Math.min(allottedCores, physicalCores))
  expect(allottedCores).toBeLessThanOrEqual(cores)
})
