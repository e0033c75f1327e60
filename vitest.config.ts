// Three tiers by file name: `*.test.ts` (pure: no runtime), `*.ort.test.ts` (ONNX Runtime), `*.e2e.test.ts` (whole verbs).
import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts', 'examples/**/*.test.ts'],
    exclude: ['dist/**', 'node_modules/**'],
    pool: 'forks',
    // by default one worker less than cores, which leaves one of two idle
    maxWorkers: 2,
    env: { ORT_DISABLE_TELEMETRY: '1' },
    // guards against what hangs, on a busy machine too; how long something may take is asserted where it matters
    testTimeout: 300_000,
    hookTimeout: 300_000,
  },
})
