/**
 * `doctor`: what this machine is to ONNX Runtime, what that means for INT8 and threads, and the cure of
 * what is wrong. One table row a check; each is a pure function of facts.
 */

import { describeError } from '../errors.ts'
import { cacheUse } from '../hub/hub-cache.ts'
import { hubEnvironment } from '../hub/hub-environment.ts'
import { formatBytes } from '../report/units.ts'
import {
  type Hardware,
  hardware,
  ortVersion,
  type SystemFacts,
  systemFacts,
} from '../runtime/index.ts'

export interface DoctorFacts {
  readonly hardware: Hardware
  readonly system: SystemFacts
  readonly onnxruntime: string
  readonly hub: HubFacts
}

/** How the Hugging Face Hub is reached; `problem` where the environment is wrong. */
export interface HubFacts {
  readonly endpoint: string
  readonly cacheFolder: string
  readonly models: number
  readonly bytes: number
  readonly offline: boolean
  readonly hasToken: boolean
  readonly problem?: string | undefined
}

export interface Finding {
  readonly check: string
  readonly status: 'ok' | 'note' | 'problem'
  readonly found: string
  /** What follows from it, or what to do. */
  readonly meaning: string
}

export interface DoctorResult {
  readonly findings: readonly Finding[]
  readonly facts: DoctorFacts
}

type Check = (facts: DoctorFacts) => Omit<Finding, 'check'>

/** The version that Transformers.js pins too: two versions would be two copies. */
const PINNED = '1.30.0'
const LEAST_NODE = [20, 19] as const

const checks: Readonly<Record<string, Check>> = {
  Node: ({ system: { node } }) => {
    const [major = 0, minor = 0] = node.split('.').map(Number)
    if (major < LEAST_NODE[0] || (major === LEAST_NODE[0] && minor < LEAST_NODE[1])) {
      return {
        status: 'problem',
        found: node,
        meaning: 'Limbeck needs Node 20.19 or newer: install Node 22 or 24.',
      }
    }
    const old = major < 22
    return {
      status: old ? 'note' : 'ok',
      found: node,
      meaning: old ? 'It works, but is past its end of life: 22 or 24 is better.' : 'supported',
    }
  },
  'C library': ({ hardware: { platform }, system: { glibc } }) => {
    if (platform !== 'linux') return { status: 'ok', found: platform, meaning: 'nothing to check' }
    return glibc
      ? { status: 'ok', found: `glibc ${glibc}`, meaning: 'ONNX Runtime is built for it' }
      : {
          status: 'problem',
          found: 'musl',
          meaning:
            'ONNX Runtime needs glibc: use a Debian or Ubuntu image (node:22-slim), not Alpine.',
        }
  },
  'ONNX Runtime': ({ onnxruntime }) =>
    onnxruntime === PINNED
      ? { status: 'ok', found: onnxruntime, meaning: 'the version that Limbeck was measured with' }
      : {
          status: 'problem',
          found: onnxruntime,
          meaning: `Expected ${PINNED}: run npm install onnxruntime-node@${PINNED}.`,
        },
  Providers: ({ system: { providers } }) => ({
    status: 'ok',
    found: providers.join(', '),
    meaning: providers.includes('cuda')
      ? 'CUDA needs its libraries downloaded at install'
      : 'the CPU is what Limbeck lowers for',
  }),
  'Two runtimes': ({ system: { otherRuntime } }) =>
    otherRuntime === undefined
      ? { status: 'ok', found: 'one copy', meaning: 'memory is spent once' }
      : {
          status: 'note',
          found: otherRuntime,
          meaning: `Transformers.js loads another ONNX Runtime: pin onnxruntime-node ${PINNED} and run npm dedupe.`,
        },
  Telemetry: ({ system: { telemetryOff, telemetryFolder } }) => {
    if (!telemetryOff) {
      return {
        status: 'problem',
        found: 'on',
        meaning: 'Set ORT_DISABLE_TELEMETRY=1 before the process starts.',
      }
    }
    return telemetryFolder === undefined
      ? { status: 'ok', found: 'off', meaning: 'nothing is sent' }
      : {
          status: 'note',
          found: 'off here',
          meaning: `Another program let ONNX Runtime report: ${telemetryFolder} may be deleted.`,
        }
  },
  CPU: ({ hardware: { cpu, arch } }) => ({ status: 'ok', found: cpu, meaning: arch }),
  'INT8 kernel': ({ hardware: { int8 } }) =>
    int8.saturates
      ? {
          status: 'note',
          found: int8.kernel,
          meaning:
            'Sums of u8×s8 products overflow 16 bits: weights are kept within 7 bits, which is exact.',
        }
      : { status: 'ok', found: int8.kernel, meaning: '8-bit weights are exact' },
  Cores: ({ hardware: { cores, physicalCores, allottedCores, quota } }) => {
    const found = `${allottedCores} of ${cores} (${physicalCores} physical)`
    if (quota !== undefined && quota < cores) {
      return {
        status: 'note',
        found,
        meaning: `The container allows ${quota} CPUs, which ONNX Runtime does not see: Limbeck sets the threads itself.`,
      }
    }
    return {
      status: 'ok',
      found,
      meaning: 'sessions get one thread for each physical core allotted',
    }
  },
  Memory: ({ system: { memory } }) => ({
    status: memory < 1e9 ? 'note' : 'ok',
    found: formatBytes(memory),
    meaning:
      memory < 1e9
        ? 'A model needs about twice its size while it loads.'
        : 'enough for models of up to half of it',
  }),
  Hub: ({ hub: { endpoint, offline, hasToken, problem } }) => {
    if (problem !== undefined) return { status: 'problem', found: endpoint, meaning: problem }
    return offline
      ? {
          status: 'note',
          found: `${endpoint}, offline`,
          meaning: 'HF_HUB_OFFLINE or TRANSFORMERS_OFFLINE is set: only its cache is used.',
        }
      : {
          status: 'ok',
          found: `${endpoint}, ${hasToken ? 'with a token' : 'no token'}`,
          meaning: 'where org/name is downloaded from',
        }
  },
  'Hub cache': ({ hub: { cacheFolder, models, bytes } }) => ({
    status: 'ok',
    found: `${cacheFolder}: ${models} model${models === 1 ? '' : 's'}, ${formatBytes(bytes)}`,
    meaning: 'shared with Python; HF_HUB_CACHE moves it',
  }),
}

/** What the environment says of the Hub; no request is sent. */
function hubFacts(): HubFacts {
  try {
    const { endpoint, cacheFolder, offline, token } = hubEnvironment()
    const hasToken = token() !== undefined
    return { endpoint, cacheFolder, offline, hasToken, ...cacheUse(cacheFolder) }
  } catch (error) {
    const unknown = { endpoint: 'unknown', cacheFolder: 'unknown', models: 0, bytes: 0 }
    return { ...unknown, offline: false, hasToken: false, problem: describeError(error) }
  }
}

/** Findings that follow from the facts, in the order of the table. */
export const diagnose = (facts: DoctorFacts): Finding[] =>
  Object.entries(checks).map(([check, run]) => ({ check, ...run(facts) }))

/**
 * Looks at this machine.
 * @throws LimbeckError `runtime` with the cure when ONNX Runtime does not load.
 */
export async function doctor(): Promise<DoctorResult> {
  const facts = {
    hardware: hardware(),
    system: await systemFacts(),
    onnxruntime: await ortVersion(),
    hub: hubFacts(),
  }
  return { findings: diagnose(facts), facts }
}
