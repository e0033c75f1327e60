/**
 * A teacher's answers in one safetensors file: a row of float32 for each text or token, whole, or of many
 * classes the highest ones (`sparse-logits.ts`). It is written in the order of the texts, a part at a time,
 * and read a row at a time, so that neither needs memory for all of it.
 *
 * `answers` is `[rows, width]`, or `[rows, top + 1]` beside `classes` `[rows, top]`; the metadata holds the key
 * of what it was made from, and a file with another key is as none.
 */
import { closeSync, openSync, readSync } from 'node:fs'
import { bytesOf, type DataType, dataTypes, type HostArray } from '../graph/data-type.ts'
import { fileError, nodeFiles } from '../hub/node-files.ts'
import { writeFileWhole } from '../hub/write-file-whole.ts'
import { shortFile } from '../onnx/file-access.ts'
import { readSafetensors } from '../onnx/read-safetensors.ts'
import { safetensorsHeader, safetensorsOrder } from '../onnx/write-safetensors.ts'
import { denseLogits, sparseLogits } from './sparse-logits.ts'

/** What a file holds. */
export interface AnswerTable {
  readonly rows: number
  /** Numbers of a row. */
  readonly width: number
  /** Classes that are kept of each row, and the temperature that the rest is right at; absent: all. */
  readonly sparse?: { readonly top: number; readonly temperature: number } | undefined
}

type Described = { readonly dtype: DataType; readonly shape: readonly [number, number] }

const tensorsOf = ({ rows, width, sparse }: AnswerTable): ReadonlyMap<string, Described> =>
  new Map<string, Described>([
    ['answers', { dtype: 'float32', shape: [rows, sparse ? sparse.top + 1 : width] }],
    ...(sparse ? [['classes', { dtype: 'uint32', shape: [rows, sparse.top] }] as const] : []),
  ])

const bytesOfRow = ({ dtype, shape }: Described): number => (shape[1] * dataTypes[dtype].bits) / 8

/** Writes a file whole or not at all. @param parts rows in their order, some at a time. */
export async function writeAnswers(
  file: string,
  table: AnswerTable,
  key: string,
  parts: AsyncIterable<Float32Array>,
): Promise<void> {
  const { width, sparse } = table
  const ordered = safetensorsOrder(tensorsOf(table))
  await writeFileWhole(file, async (append, writeAt) => {
    const header = safetensorsHeader(ordered, { key })
    await append(header)
    let offset = header.length
    const places = new Map(
      ordered.map(([name, tensor]) => {
        const begin = offset
        offset += tensor.shape[0] * bytesOfRow(tensor)
        return [name, begin]
      }),
    )
    const put = async (name: string, data: HostArray) => {
      const place = places.get(name)!
      await writeAt(place, bytesOf(data))
      places.set(name, place + data.byteLength)
    }
    for await (const part of parts) {
      if (!sparse) {
        await put('answers', part)
        continue
      }
      const count = part.length / width
      const answers = new Float32Array(count * (sparse.top + 1))
      const classes = new Uint32Array(count * sparse.top)
      for (let i = 0; i < count; i++) {
        const row = part.subarray(i * width, (i + 1) * width)
        const few = sparseLogits(row, sparse.top, sparse.temperature)
        answers.set(few.logits, i * (sparse.top + 1))
        classes.set(few.classes, i * sparse.top)
      }
      await put('answers', answers)
      await put('classes', classes)
    }
  })
}

/** A file that is open. */
export class AnswerFile {
  readonly #path: string
  readonly #table: AnswerTable
  readonly #offsets: ReadonlyMap<string, number>
  readonly #file: number

  private constructor(path: string, table: AnswerTable, offsets: ReadonlyMap<string, number>) {
    this.#path = path
    this.#table = table
    this.#offsets = offsets
    this.#file = openSync(path, 'r')
  }

  /** Opens a file; undefined where there is none of this key and table. */
  static open(path: string, table: AnswerTable, key: string): AnswerFile | undefined {
    try {
      const { tensors, metadata } = readSafetensors(path, nodeFiles)
      if (metadata.get('key') !== key) return undefined
      const offsets = new Map<string, number>()
      for (const [name, { dtype, shape }] of tensorsOf(table)) {
        const found = tensors.get(name)
        if (found?.source.kind !== 'file' || found.dtype !== dtype) return undefined
        if (found.shape.join() !== shape.join()) return undefined
        offsets.set(name, found.source.offset)
      }
      return new AnswerFile(path, table, offsets)
    } catch {
      // absent or damaged: it is made again
      return undefined
    }
  }

  /** Rows `first` … `first + count`, of all classes, one after the other. */
  rows(first: number, count: number): Float32Array {
    const { width, sparse } = this.#table
    if (!sparse) return this.#read('answers', first, new Float32Array(count * width))
    const { top } = sparse
    const logits = this.#read('answers', first, new Float32Array(count * (top + 1)))
    const classes = this.#read('classes', first, new Uint32Array(count * top))
    const all = new Float32Array(count * width)
    for (let i = 0; i < count; i++) {
      const few = {
        classes: classes.subarray(i * top, (i + 1) * top),
        logits: logits.subarray(i * (top + 1), (i + 1) * (top + 1)),
      }
      denseLogits(few, all.subarray(i * width, (i + 1) * width))
    }
    return all
  }

  close(): void {
    closeSync(this.#file)
  }

  #read<A extends Float32Array | Uint32Array>(name: string, first: number, into: A): A {
    const bytes = bytesOf(into)
    const row = bytesOfRow(tensorsOf(this.#table).get(name)!)
    const begin = this.#offsets.get(name)! + first * row
    try {
      for (let done = 0; done < bytes.length; ) {
        const got = readSync(this.#file, bytes, done, bytes.length - done, begin + done)
        if (got === 0) throw shortFile(this.#path, begin + bytes.length, begin + done)
        done += got
      }
    } catch (cause) {
      throw fileError(this.#path, cause)
    }
    return into
  }
}
