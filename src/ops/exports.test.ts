/** Inference over what the exporters of PyTorch write. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { expect, it } from 'vitest'
import { describeWith, fixture } from '../../test/support/fixtures.ts'
import { readOnnxBytes } from '../onnx/read-onnx.ts'
import { inferTypes } from './infer-types.ts'
import { knownOp } from './known.ts'
import { verifyGraph } from './verify.ts'

const folder = fixture('exports')
const files = existsSync(folder)
  ? readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
      name.endsWith('.onnx'),
    )
  : []

describeWith(folder, 'exports', () => {
  it.each(files)('%s: every operator is known, every value has a type', (file) => {
    const graph = readOnnxBytes(
      readFileSync(`${folder}/${file}`),
      `${dirname(file)}/${basename(file)}`,
    )
    const types = inferTypes(graph)
    expect(
      types.problems.map(({ node, message }) => `${node.op} ${node.outputs[0]?.name}: ${message}`),
    ).toEqual([])
    expect(graph.nodes.filter((node) => !knownOp(node)).map((node) => node.op)).toEqual([])
    const untyped = graph.nodes
      .flatMap((node) => node.outputs)
      .filter((value) => value && !types.get(value)?.shape)
    expect(untyped.map((value) => value!.name)).toEqual([])
    verifyGraph(graph)
  })
})
