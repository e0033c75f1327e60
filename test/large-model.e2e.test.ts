/**
 * A model of more than 2 GiB, which no single file can hold: its weights in two files beside it, one tensor of them
 * larger than 2 GiB alone, read, raised, lowered and written again as a stream. The source's weights are holes in
 * their file but for some rows, so that it takes no room; what is written takes 2.1 GB for as long as the test runs.
 */
import {
  closeSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  statfsSync,
  statSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { float, int } from '../src/graph/attributes.ts'
import { GraphBuilder } from '../src/graph/builder.ts'
import { bytesOf, type HostTensor } from '../src/graph/data-type.ts'
import { float32Tensor, type Tensor } from '../src/graph/tensor.ts'
import { nodeFiles, writeFilesWhole } from '../src/hub/node-files.ts'
import { buildInChild } from '../src/jobs/build-in-child.ts'
import { readOnnx } from '../src/onnx/read-onnx.ts'
import { writeOnnx } from '../src/onnx/write-onnx.ts'
import { openProcess } from '../src/runtime/index.ts'
import { scratchFolder } from './support/tensors.ts'

const WIDTH = 256
/** 2.1 GiB: every row beyond 2,097,152 lies beyond 2 GiB. */
const ROWS = 2_200_000
const GIB = 2 ** 30
const needed = 3 * GIB
const { bavail, bsize } = statfsSync(tmpdir())
const room = bavail * bsize
const title =
  room > needed
    ? 'a model beyond 2 GiB'
    : `a model beyond 2 GiB (skipped: ${tmpdir()} has no 3 GiB of room)`

/** Rows that are not zero, and what stands in them. */
const rows = [0, 1, 1_000_000, ROWS - 2, ROWS - 1]
const rowOf = (row: number) =>
  Float32Array.from({ length: WIDTH }, (_, i) => Math.sin(row * 0.37 + i))

/** The table, and a matrix that the lowering turns. */
function writeWeights(folder: string): { table: Tensor; matrix: Tensor } {
  const fileOf = (name: string, length: number, write: (file: number) => void) => {
    const path = join(folder, name)
    const file = openSync(path, 'w')
    ftruncateSync(file, length)
    write(file)
    closeSync(file)
    return path
  }
  const tableBytes = ROWS * WIDTH * 4
  const path = fileOf('table.bin', tableBytes + 4096, (file) => {
    for (const row of rows)
      writeSync(file, bytesOf(rowOf(row)), 0, WIDTH * 4, 4096 + row * WIDTH * 4)
  })
  const matrixBytes = WIDTH * 4 * WIDTH * 4
  const other = fileOf('rest.bin', 64 + matrixBytes, (file) => {
    const values = Float32Array.from({ length: matrixBytes / 4 }, (_, i) => Math.cos(i) / 64)
    writeSync(file, bytesOf(values), 0, matrixBytes, 64)
  })
  return {
    table: {
      ...{ dtype: 'float32', shape: [ROWS, WIDTH] },
      source: { kind: 'file', path, offset: 4096, length: tableBytes },
    },
    matrix: {
      ...{ dtype: 'float32', shape: [WIDTH, 4 * WIDTH] },
      source: { kind: 'file', path: other, offset: 64, length: matrixBytes },
    },
  }
}

/** Table, normalization in parts, product: what raising and lowering both work on. */
function writeSource(folder: string): string {
  mkdirSync(folder, { recursive: true })
  const { table, matrix } = writeWeights(folder)
  const b = new GraphBuilder('large')
  const ids = b.input('input_ids', 'int64', ['batch', 'sequence'])
  const x = b.op('Gather', [b.constant(table, 'table.weight'), ids])
  const number = (value: number) => b.constant(float32Tensor([value], []))
  const axes = () => b.int64s([-1])
  const centred = b.op('Sub', [x, b.op('ReduceMean', [x, axes()])])
  const square = b.op('Pow', [centred, number(2)])
  const variance = b.op('Add', [b.op('ReduceMean', [square, axes()]), number(1e-5)])
  const ones = b.constant(float32Tensor(new Array<number>(WIDTH).fill(1)), 'norm.weight')
  const normed = b.op('Mul', [b.op('Div', [centred, b.op('Sqrt', [variance])]), ones])
  const shift = b.constant(float32Tensor(new Array<number>(WIDTH).fill(0.5)), 'norm.bias')
  const h = b.op('MatMul', [b.op('Add', [normed, shift]), b.constant(matrix, 'dense.weight')])
  b.output('y', b.op('Softmax', [b.op('LeakyRelu', [h], { alpha: float(0.1) })], { axis: int(-1) }))
  // weights stay where they are: two files, each at an offset of its own
  writeFilesWhole(folder, (open) =>
    writeOnnx(b.build(), open('model.onnx'), {
      opset: 18,
      inPlace: (path) => path.slice(folder.length + 1),
    }),
  )
  return join(folder, 'model.onnx')
}

describe.skipIf(room <= needed)(title, () => {
  const folder = scratchFolder()

  it('is read, raised, lowered, written and run, in little memory', async () => {
    const source = writeSource(join(folder, 'source'))
    expect(statSync(source).size).toBeLessThan(100_000)
    const plan = { name: 'cpu', file: 'onnx/model.onnx', lowering: 'cpu' } as const
    const built = await buildInChild({ model: source, folder, variants: [plan] })
    const [{ files, bytes }] = built.variants as [(typeof built.variants)[number]]
    expect(files).toEqual(['onnx/model.onnx', 'onnx/model.onnx_data'])
    expect(bytes).toBeGreaterThan(2 * GIB)
    // Node alone takes about 60 MB; the weights are 2.1 GiB
    expect(built.peakBytes).toBeLessThan(256 * 2 ** 20)

    const graph = readOnnx(join(folder, plan.file), nodeFiles)
    expect(graph.nodes.map(({ op }) => op)).toEqual(
      expect.arrayContaining(['Gather', 'LayerNormalization', 'Gemm', 'LeakyRelu', 'Softmax']),
    )
    const table = [...graph.weights.values()].find(({ tensor }) => tensor.shape[0] === ROWS)!.tensor
    if (table.source.kind !== 'file') throw new Error('the table is not in a file')
    for (const row of rows) {
      const at = table.source.offset + row * WIDTH * 4
      const found = nodeFiles.readAt(table.source.path, at, WIDTH * 4)
      expect(Buffer.compare(found, bytesOf(rowOf(row)))).toBe(0)
    }

    const data = BigInt64Array.from(rows, BigInt)
    const feeds = { input_ids: { dtype: 'int64', shape: [1, rows.length], data } as HostTensor }
    const outputs: HostTensor[] = []
    for (const file of [source, join(folder, plan.file)]) {
      const engine = await openProcess(file, { optimization: 'disabled' })
      outputs.push((await engine.run(feeds)).y!)
      await engine.release()
    }
    const [expected, found] = outputs as [HostTensor, HostTensor]
    found.data.forEach((value: number | bigint, i: number) => {
      expect(Math.abs(Number(value) - Number(expected.data[i]))).toBeLessThan(1e-6)
    })
    expect(Math.max(...(found.data as Float32Array))).toBeGreaterThan(1e-3)
  }, 120_000)
})
