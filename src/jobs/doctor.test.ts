import { expect, test } from 'vitest'
import { type DoctorFacts, diagnose } from './doctor.ts'

const facts: DoctorFacts = {
  onnxruntime: '1.30.0',
  hardware: {
    cpu: 'Some CPU',
    platform: 'linux',
    arch: 'x64',
    cores: 8,
    physicalCores: 4,
    allottedCores: 8,
    threads: 4,
    isa: [],
    int8: { kernel: 'avx512-vnni', saturates: false },
  },
  system: {
    node: '22.12.0',
    glibc: '2.36',
    memory: 8e9,
    telemetryOff: true,
    telemetryFolder: undefined,
    providers: ['cpu', 'webgpu'],
    otherRuntime: undefined,
  },
  hub: {
    endpoint: 'https://huggingface.co',
    cacheFolder: '/home/x/.cache/huggingface/hub',
    models: 2,
    bytes: 1.8e8,
    offline: false,
    hasToken: true,
  },
}
const status = (changed: DoctorFacts, check: string) =>
  diagnose(changed).find((finding) => finding.check === check)

test('a good machine has nothing to mend', () => {
  expect(diagnose(facts).filter((finding) => finding.status !== 'ok')).toEqual([])
})

test.each([
  ['Node', { system: { ...facts.system, node: '18.20.0' } }, 'problem', /needs Node 20\.19/],
  ['Node', { system: { ...facts.system, node: '20.19.1' } }, 'note', /end of life/],
  ['C library', { system: { ...facts.system, glibc: undefined } }, 'problem', /not Alpine/],
  ['ONNX Runtime', { onnxruntime: '1.24.0' }, 'problem', /onnxruntime-node@1\.30\.0/],
  ['Two runtimes', { system: { ...facts.system, otherRuntime: '/x' } }, 'note', /npm dedupe/],
  [
    'Telemetry',
    { system: { ...facts.system, telemetryOff: false } },
    'problem',
    /ORT_DISABLE_TELEMETRY=1/,
  ],
  [
    'Telemetry',
    { system: { ...facts.system, telemetryFolder: '/home/x' } },
    'note',
    /may be deleted/,
  ],
  [
    'INT8 kernel',
    { hardware: { ...facts.hardware, int8: { kernel: 'avx2', saturates: true } } },
    'note',
    /within 7 bits/,
  ],
  [
    'Cores',
    { hardware: { ...facts.hardware, quota: 1.5, allottedCores: 1 } },
    'note',
    /allows 1\.5 CPUs/,
  ],
  ['Hub', { hub: { ...facts.hub, offline: true } }, 'note', /HF_HUB_OFFLINE/],
  ['Hub', { hub: { ...facts.hub, problem: 'HF_ENDPOINT: no.' } }, 'problem', /HF_ENDPOINT/],
  ['Memory', { system: { ...facts.system, memory: 5e8 } }, 'note', /twice its size/],
] as const)('%s: %o', (check, change, expected, words) => {
  const finding = status({ ...facts, ...change }, check)
  expect(finding?.status).toBe(expected)
  expect(finding?.meaning).toMatch(words)
})
