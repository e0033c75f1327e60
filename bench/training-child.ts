/**
 * One side of `training.ts`: Limbeck's training step of a shape, ready to run. Reads a number of steps a
 * line, answers each with the milliseconds of its steps and the peak memory of both processes.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { openGraphs } from '../src/jobs/train-graphs.ts'
import { peakMemory } from './peak-memory.ts'
import { LEARNING_RATE, type TrainingShape, trainingBatch } from './training-shape.ts'
import { trainingStepOf } from './training-step-of.ts'

const shape = JSON.parse(process.argv[2]!) as TrainingShape
const folder = mkdtempSync(join(tmpdir(), 'limbeck-bench-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
const { training, judged } = trainingStepOf(shape)
const { store, step } = await openGraphs({
  ...{ folder, training, judged, ema: false, threads: shape.threads, from: undefined },
})
const tell = (answer: unknown): void => void process.stdout.write(`${JSON.stringify(answer)}\n`)
tell({ ready: true })
let number = 0
for await (const line of createInterface({ input: process.stdin })) {
  const ms: number[] = []
  for (let i = 0; i < Number(line); i++) {
    number++
    const begin = performance.now()
    await step.step({
      ...trainingBatch(shape, number),
      ...training.feeds({ step: number, learningRate: LEARNING_RATE }),
    })
    ms.push(performance.now() - begin)
  }
  tell({ ms, peak: peakMemory('self') + peakMemory(store.pid!) })
}
await store.end()
