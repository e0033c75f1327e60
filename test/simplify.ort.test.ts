/**
 * Every exported fixture, simplified, gives the outputs it gave before, within 1e-5. ONNX Runtime's own
 * optimizer is off, so that it cannot hide a wrong rewrite.
 */
import { existsSync, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, it } from 'vitest'
import type { HostTensor } from '../src/graph/data-type.ts'
import type { Graph } from '../src/graph/graph.ts'
import { nodeFiles } from '../src/hub/node-files.ts'
import { onnxBytes, readOnnx, tensorReader } from '../src/onnx/index.ts'
import { verifyGraph } from '../src/ops/index.ts'
import { runPasses } from '../src/passes/pass.ts'
import { simplify } from '../src/passes/pipelines.ts'
import { openInline } from '../src/runtime/index.ts'
import { describeWith, fixture } from './support/fixtures.ts'
import { expectOutputs, readTensors, withPrefix } from './support/tensors.ts'

const root = fixture('exports')
const files = existsSync(root)
  ? readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((name) =>
      name.endsWith('.onnx'),
    )
  : []
const reader = tensorReader(nodeFiles)

/** Some files were exported in training mode: their Dropout must not drop here. */
const inference = (graph: Graph): Graph => ({
  ...graph,
  nodes: graph.nodes.map((node) =>
    node.op === 'Dropout' ? { ...node, inputs: node.inputs.slice(0, 1) } : node,
  ),
})

async function outputsOf(graph: Graph, feeds: Record<string, HostTensor>) {
  const bytes = onnxBytes(graph, { reader })
  const engine = await openInline(bytes, { threads: 1, optimization: 'disabled' })
  try {
    return await engine.run(feeds)
  } finally {
    await engine.release()
  }
}

describeWith(root, 'simplified exports', () => {
  const shrunk: string[] = []

  it.each(files.sort())('%s', async (file) => {
    const graph = inference(readOnnx(join(root, file), nodeFiles))
    const { graph: simplified } = runPasses(graph, simplify(reader.read))
    expect(() => verifyGraph(simplified)).not.toThrow()
    expect(simplified.nodes.length).toBeLessThanOrEqual(graph.nodes.length)
    if (simplified.nodes.length < graph.nodes.length) shrunk.push(file)
    const feeds = withPrefix(readTensors(join(root, dirname(file), 'io.safetensors')), 'in.')
    expectOutputs(await outputsOf(simplified, feeds), await outputsOf(graph, feeds), 1e-5)
  })

  it('shrinks all but the six that their exporter had simplified', () => {
    expect(shrunk).toHaveLength(35)
  })
})
