// Three tiers by file name: `*.test.ts` (pure: no runtime), `*.ort.test.ts` (ONNX Runtime), `*.e2e.test.ts` (whole verbs).
import { defineConfig } from 'vitest/config'

const all = ['src/**/*.test.ts', 'test/**/*.test.ts', 'examples/**/*.test.ts']
const [ort, e2e] = ['**/*.ort.test.ts', '**/*.e2e.test.ts']
/** Replaces modules, which others in its process must not have loaded. */
const replacing = 'src/hub/hub-cache.test.ts'

export default defineConfig({
  test: {
    pool: 'forks',
    // by default one worker less than cores, which leaves one of two idle
    maxWorkers: 2,
    exclude: ['dist/**', 'node_modules/**'],
    env: { ORT_DISABLE_TELEMETRY: '1' },
    // guards against what hangs, on a busy machine too; how long something may take is asserted where it matters
    testTimeout: 300_000,
    hookTimeout: 300_000,
    projects: [
      // files share what a worker has loaded: of small ones, loading is half the time
      {
        extends: true,
        test: { name: 'pure', isolate: false, include: all, exclude: [ort, e2e, replacing] },
      },
      { extends: true, test: { name: 'e2e', isolate: false, include: [e2e] } },
      // what ONNX Runtime keeps for a process must not reach another file
      { extends: true, test: { name: 'ort', include: [ort, replacing] } },
    ],
  },
})
