/**
 * The machine and the versions a result was measured with, and whether anything else was running.
 */
import { readFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { hardware } from '../src/runtime/index.ts'
import { root } from './places.ts'

/** What stands above every result. */
export interface Machine {
  readonly cpu: string
  readonly platform: string
  readonly cores: number
  readonly physicalCores: number
  /** ONNX Runtime's kernel for u8 x s8 products on this CPU. */
  readonly int8Kernel: string
  readonly versions: Readonly<Record<string, string>>
  readonly date: string
  readonly command: string
  /** Share of the machine that others used before the benchmark began, 0 to 1. */
  readonly busyBefore: number
}

/** Above this the machine is not idle and no figure is to be quoted. */
export const IDLE = 0.05

/** Describes the machine; takes three seconds, in which it must be idle. */
export async function describeMachine(command: string): Promise<Machine> {
  const { cpu, platform, arch, cores, physicalCores, int8 } = hardware()
  return {
    cpu,
    platform: `${platform} ${arch}`,
    cores,
    physicalCores,
    int8Kernel: int8.kernel,
    versions: {
      node: process.versions.node,
      limbeck: versionIn('package.json'),
      'onnxruntime-node': versionIn('node_modules/onnxruntime-node/package.json'),
      '@huggingface/transformers': versionIn('node_modules/@huggingface/transformers/package.json'),
    },
    date: new Date().toISOString().slice(0, 10),
    command,
    busyBefore: await busyShare(3000),
  }
}

const versionIn = (file: string): string =>
  (JSON.parse(readFileSync(join(root, file), 'utf8')) as { version: string }).version

/** Share of all cores' time that was not idle over `ms` milliseconds. */
async function busyShare(ms: number): Promise<number> {
  const before = coreTimes()
  await sleep(ms)
  const after = coreTimes()
  const total = after.total - before.total
  return total === 0 ? 0 : Number((1 - (after.idle - before.idle) / total).toFixed(3))
}

function coreTimes(): { idle: number; total: number } {
  const all = cpus().map(({ times }) => times)
  return {
    idle: all.reduce((sum, { idle }) => sum + idle, 0),
    total: all.reduce((sum, t) => sum + t.user + t.nice + t.sys + t.idle + t.irq, 0),
  }
}

/** The machine in two lines. */
export function machineText(machine: Machine): string {
  const versions = Object.entries(machine.versions).map(([name, version]) => `${name} ${version}`)
  return [
    `${machine.cpu}, ${machine.cores} cores, INT8 kernel ${machine.int8Kernel}; ${machine.date}`,
    versions.join(', '),
    ...(machine.busyBefore > IDLE
      ? [
          `The machine was not idle (${Math.round(machine.busyBefore * 100)} % busy before the run): do not quote these figures.`,
        ]
      : []),
  ].join('\n')
}
