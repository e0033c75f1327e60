/** Calibrators against the reference's ranges of the same batches. */
import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { describeWith, fixture } from '../../test/support/fixtures.ts'
import { readTensors } from '../../test/support/tensors.ts'
import { type CalibrationMethod, newCalibrator } from './calibrators.ts'

const root = fixture('quantization/calibration')

describeWith(root, 'calibrators', () => {
  const activations = readTensors(`${root}/activations.safetensors`)
  const batches = Object.values(activations).map(({ data }) => data as Float32Array)
  const ranges = JSON.parse(readFileSync(`${root}/ranges.json`, 'utf8')) as Record<
    string,
    [number, number]
  >
  const reach = Math.max(...batches.flatMap((batch) => Array.from(batch, Math.abs)))

  it.each<[string, CalibrationMethod, number]>([
    ['minmax', 'min-max', 0],
    ['percentile_99.9', 'percentile', 1e-6], // one step of the reference's float32 edges
    ['entropy_2048_128', 'entropy', (2 * reach) / 2048],
  ])('%s', (name, method, tolerance) => {
    const calibrator = newCalibrator(method, { percentile: 99.9 })
    for (let round = 0; round < calibrator.rounds; round++) {
      if (round > 0) calibrator.nextRound()
      for (const batch of batches) calibrator.add(batch)
    }
    const { min, max } = calibrator.range()!
    expect(Math.abs(min - ranges[name]![0])).toBeLessThanOrEqual(tolerance)
    expect(Math.abs(max - ranges[name]![1])).toBeLessThanOrEqual(tolerance)
  })
})
