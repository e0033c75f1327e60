// Regenerates onnx-ml.ts from onnx-ml.proto (ONNX 1.20, Apache-2.0), offline:
//   node src/onnx/generated/regenerate.mjs
// protoc-gen-es writes TypeScript enums, which erasableSyntaxOnly forbids: they become const tables.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

const here = import.meta.dirname
const bin = resolve(here, '../../../node_modules/.bin')
const out = mkdtempSync(join(tmpdir(), 'onnx-ml-'))
const plugin = {
  local: join(bin, 'protoc-gen-es'),
  out,
  opt: ['target=ts', 'import_extension=ts'],
}
const template = JSON.stringify({ version: 'v2', plugins: [plugin] })
execFileSync(join(bin, 'buf'), ['generate', 'onnx-ml.proto', '--template', template], {
  cwd: here,
  stdio: 'inherit',
})
const source = readFileSync(join(out, 'onnx-ml_pb.ts'), 'utf8')
rmSync(out, { recursive: true })

const tables = source.replace(/^export enum (\w+) \{\n([\s\S]*?)^\}/gm, (_, name, body) => {
  const rows = body.replace(/^( *)(\w+) = (-?\d+),$/gm, '$1$2: $3,')
  const type = `export type ${name} = (typeof ${name})[keyof typeof ${name}];`
  return `export const ${name} = {\n${rows}} as const;\n${type}`
})
writeFileSync(join(here, 'onnx-ml.ts'), tables)
