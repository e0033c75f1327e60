/** Every model of the fixtures comes back from the codec as it was: a graph written and read is the same graph. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { expect, it } from 'vitest'
import { describeWith, fixture } from '../../test/support/fixtures.ts'
import { nodeFiles } from '../hub/node-files.ts'
import { materialize } from './materialize.ts'
import { readOnnx, readOnnxBytes } from './read-onnx.ts'
import { onnxBytes } from './write-onnx.ts'

const modelsIn = (folder: string): string[] =>
  existsSync(folder)
    ? readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
        name.endsWith('.onnx'),
      )
    : []

for (const folder of ['exports', 'quantization']) {
  const root = fixture(folder)
  describeWith(root, `${folder} through the codec`, () => {
    it.each(modelsIn(root))('%s', (name) => {
      const bytes = readFileSync(join(root, name))
      // lifting may make names that are unique only once written, so the second reading is the measure
      const graph = readOnnxBytes(onnxBytes(readOnnxBytes(bytes)))
      const written = onnxBytes(graph)
      expect(isDeepStrictEqual(readOnnxBytes(written), graph)).toBe(true)
      expect(Buffer.compare(onnxBytes(readOnnxBytes(written)), written)).toBe(0)
      const inFile = [...readOnnx(join(root, name), nodeFiles).weights.values()]
      const inMemory = [...readOnnxBytes(bytes).weights.values()]
      inFile.forEach(({ tensor }, i) => {
        const expected = materialize(inMemory[i]!.tensor)
        expect(Buffer.compare(materialize(tensor, nodeFiles), expected)).toBe(0)
      })
    })
  })
}
