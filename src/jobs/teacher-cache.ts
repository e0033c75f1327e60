/**
 * A teacher's answers made once and kept on disk: the teacher runs over the training texts before the first
 * step, in the graph of this CPU, and steps read what it said. They are kept by all that they follow from
 * (weights, configuration, token ids, form); what was made from something else is made again.
 *
 * Small label sets are kept whole, in float32, so that nothing is lost; of large ones the highest classes.
 */
import { createHash } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate as breath } from 'node:timers/promises'
import { LimbeckError } from '../errors.ts'
import { AnswerFile, type AnswerTable, writeAnswers } from '../fit/answer-file.ts'
import { type AnswerFeeds, givenAnswers, rowsOfText } from '../fit/given-answers.ts'
import { rowReader } from '../fit/model-rows.ts'
import { predictExamples } from '../fit/predict.ts'
import type { TrainingExample } from '../fit/training-set.ts'
import { withCacheLock } from '../hub/cache-lock.ts'
import { fileError } from '../hub/node-files.ts'
import { withScratchFolder } from '../hub/scratch-folder.ts'
import type { Progress } from '../report/progress.ts'
import { formatCount } from '../report/units.ts'
import { type Engine, openProcess } from '../runtime/index.ts'
import { ortVersion } from '../runtime/ort.ts'
import type { AnswerRows } from '../train/teacher-answers.ts'
import { buildInChild } from './build-in-child.ts'
import { BATCH_SIZE } from './evaluate.ts'
import { limbeckVersion, sha256 } from './lineage.ts'
import type { LoadedModel } from './load.ts'

/** Classes that are kept of a label set more than twice as large: below, it is smaller whole. */
export const KEPT_CLASSES = 64

/** Examples whose answers are held until they are written. */
const PART = 2048

export interface CacheOptions {
  readonly teacher: LoadedModel
  readonly rows: AnswerRows
  readonly width: number
  /** The temperature of a softmax over classes, of which the highest may stand for all; else none. */
  readonly temperature: number | undefined
  readonly examples: readonly TrainingExample[]
  /** What is told while they are made. */
  readonly title: string
  readonly padId: number
  /** Folder of answers that other runs read too. */
  readonly shared: string | undefined
  readonly threads: number
  readonly signal?: AbortSignal | undefined
  readonly progress?: Progress | undefined
}

/** Answers that can be had. */
export interface TeacherCache {
  /** A hash of all that they follow from. */
  readonly key: string
  /** Reads them, made where they are not there. @param own folder of a run that shares none. */
  open(own: string): Promise<AnswerFeeds>
}

/** What a teacher says to these examples. */
export async function teacherCache(options: CacheOptions): Promise<TeacherCache> {
  const { examples, rows, width, shared } = options
  const table = tableOf(options)
  const key = await keyOf(options, table)
  const name = `answers-${key.slice(0, 16)}.safetensors`
  return {
    key,
    async open(own) {
      const folder = shared ?? own
      const path = join(folder, name)
      const open = () => AnswerFile.open(path, table, key)
      const make = async () => {
        const there = open()
        if (there) return there
        await makeAnswers(path, table, key, options)
        return open()!
      }
      makeFolder(folder)
      const { signal, progress } = options
      // runs that begin together make them once
      const lock = { signal, onWait: () => progress?.step('Teacher').done('another run asks it') }
      const file =
        open() ?? (shared !== undefined ? await withCacheLock(folder, lock, make) : await make())
      return givenAnswers(file, examples, rows, width)
    },
  }
}

function tableOf({ examples, rows, width, temperature }: CacheOptions): AnswerTable {
  let count = 0
  for (const { texts } of examples) for (const text of texts) count += rowsOfText(rows, text)
  const many = temperature !== undefined && width > 2 * KEPT_CLASSES
  return { rows: count, width, ...(many && { sparse: { top: KEPT_CLASSES, temperature } }) }
}

async function keyOf(options: CacheOptions, table: AnswerTable): Promise<string> {
  const { folder } = options.teacher
  const content = {
    weights: await sha256(folder.weightsFile),
    config: folder.config.json,
    pooling: folder.pooling,
    texts: await hashOfTexts(options),
    outputs: options.rows,
    table,
    limbeck: limbeckVersion,
    onnxruntime: await ortVersion(),
  }
  return createHash('sha256').update(JSON.stringify(content)).digest('hex')
}

/** A hash of token ids: of texts, tokenizer and longest length together. */
async function hashOfTexts({ examples, signal }: CacheOptions): Promise<string> {
  const hash = createHash('sha256')
  for (const [i, { texts }] of examples.entries()) {
    for (const { ids, typeIds } of texts) hash.update(Int32Array.of(ids.length, ...ids, ...typeIds))
    if (i % PART === PART - 1) await breathOf(signal)
  }
  return hash.digest('hex')
}

async function makeAnswers(
  path: string,
  table: AnswerTable,
  key: string,
  options: CacheOptions,
): Promise<void> {
  const { teacher, title, threads, signal, progress, examples } = options
  const texts = examples.reduce((sum, example) => sum + example.texts.length, 0)
  const step = progress?.step(title, texts)
  try {
    await withScratchFolder(async (folder) => {
      const plan = { name: 'teacher', file: 'teacher.onnx', lowering: 'cpu' } as const
      await buildInChild({ model: teacher.path, folder, variants: [plan] }, { signal })
      const session = { manyShapes: true, threads, ...(signal && { signal }) }
      const engine = await openProcess(join(folder, plan.file), session)
      const told = (done: number) => step?.update(done, `${formatCount(done)} texts`)
      await writeAnswers(path, table, key, answersOf(engine, options, told)).finally(() =>
        engine.release(),
      )
    })
    step?.done(`${formatCount(texts)} texts, answers kept for every epoch`)
  } catch (error) {
    step?.fail()
    throw error
  }
}

/** The rows of all examples in their order, a part of them at a time. */
async function* answersOf(
  engine: Engine,
  { teacher, examples, padId, signal, rows: { outputs } }: CacheOptions,
  onProgress: (done: number) => void,
): AsyncGenerator<Float32Array> {
  const reader = rowReader(teacher)
  let before = 0
  for (let start = 0; start < examples.length; start += PART) {
    const some = examples.slice(start, start + PART)
    const parts = new Array<Float32Array>(some.length)
    let texts = 0
    const told = (done: number) => {
      texts = done
      onProgress(before + done)
    }
    const running = { reader, batchSize: BATCH_SIZE, padId, signal, onProgress: told }
    for await (const { index, rows } of predictExamples(engine, some, running)) {
      parts[index] = joined(rows.map(outputs.length > 1 ? interleaved : joined))
    }
    yield joined(parts)
    before += texts
    await breathOf(signal)
  }
}

function joined(parts: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}

/** Outputs of a number for each token as rows with one number of each. */
function interleaved(outputs: readonly Float32Array[]): Float32Array {
  const rows = new Float32Array(outputs.length * outputs[0]!.length)
  outputs.forEach((values, i) => {
    for (const [token, value] of values.entries()) rows[token * outputs.length + i] = value
  })
  return rows
}

async function breathOf(signal: AbortSignal | undefined): Promise<void> {
  await breath()
  if (signal?.aborted) throw new LimbeckError('cancelled', 'cancelled.')
}

function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true })
  } catch (cause) {
    throw fileError(folder, cause)
  }
}
