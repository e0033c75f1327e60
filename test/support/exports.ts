/** The exported fixtures: which there are, what is recorded of them, and how the files themselves answer. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fromBinary, toBinary } from '@bufbuild/protobuf'
import type { HostTensor } from '../../src/graph/data-type.ts'
import { ModelProtoSchema } from '../../src/onnx/generated/onnx-ml.ts'
import { openInline } from '../../src/runtime/open-inline.ts'
import { fixture } from './fixtures.ts'
import { readTensors, withPrefix } from './tensors.ts'

type Tensors = Record<string, HostTensor>

export const exportsRoot = fixture('exports')

/** Every file, as `<model>/<exporter>.onnx`. */
export const exported = existsSync(exportsRoot)
  ? readdirSync(exportsRoot, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.onnx'))
      .sort()
  : []

/** The recorded tensors of a file whose name begins with `in.` or `out.`. */
export const recorded = (file: string, prefix: 'in.' | 'out.'): Tensors =>
  withPrefix(readTensors(join(exportsRoot, dirname(file), 'io.safetensors')), prefix)

/**
 * The file as it is, but with Dropout off, by the protobuf message alone: eight were exported while training
 * and drop at random.
 */
export function inferenceModel(file: string): Uint8Array {
  const model = fromBinary(ModelProtoSchema, readFileSync(join(exportsRoot, file)))
  for (const node of model.graph!.node) {
    if (node.opType === 'Dropout') node.input = node.input.slice(0, 1)
  }
  return toBinary(ModelProtoSchema, model)
}

/** Runs a model once, ONNX Runtime's optimizer off, so that it cannot hide a wrong rewrite. */
export async function outputsOf(model: string | Uint8Array, inputs: Tensors): Promise<Tensors> {
  const engine = await openInline(model, { optimization: 'disabled', threads: 1 })
  try {
    return await engine.run(inputs)
  } finally {
    await engine.release()
  }
}

/** What a perfect fusion leaves of a file, and what onnxslim's default run leaves. */
export interface PerfectCounts {
  readonly attention: number
  readonly layerNorm: number
  readonly gelu: number
  readonly slimNodes: number
}

/** The counts of the fixtures' own table. */
export function perfectCounts(file: string): PerfectCounts {
  const rows = readFileSync(join(exportsRoot, 'README.md'), 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('| '))
    .map((line) => line.split('|').map((cell) => cell.trim()))
  const [model, name] = file.split('/')
  const row = rows.find(([, first]) => first === model)!
  const own = rows.find(([, first]) => first === file)
  const nodes = own?.[2] ?? (name!.startsWith('torchscript') ? row[6] : row[7])
  return {
    attention: Number(row[2]),
    layerNorm: Number(row[3]),
    gelu: Number.parseInt(row[4]!, 10),
    slimNodes: Number(nodes!.split('/')[1]),
  }
}
