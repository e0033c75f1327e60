/**
 * `limbeck.json`: what an output folder was made from and how, so that it can be made again.
 */
import { createHash } from 'node:crypto'
import { createReadStream, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { hardware } from '../runtime/hardware.ts'
import { ortVersion } from '../runtime/ort.ts'
import type { AnyModel } from './any-model.ts'

/** Version of Limbeck, from its package. */
export const limbeckVersion: string = (
  JSON.parse(readFileSync(packageFile(import.meta.dirname), 'utf8')) as { version: string }
).version

/** The package's own description, however deep a build puts this module. */
function packageFile(folder: string): string {
  const file = join(folder, 'package.json')
  return existsSync(file) ? file : packageFile(dirname(folder))
}

/** SHA-256 of a file, hexadecimal; streamed. */
export async function sha256(file: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(file), hash)
  return hash.digest('hex')
}

/** Writes the lineage of an output: recipe, source, versions and CPU, then the given facts. */
export async function writeLineage(
  file: string,
  model: Pick<AnyModel, 'folder'>,
  facts: Readonly<Record<string, unknown>>,
): Promise<void> {
  const machine = hardware()
  const lineage = {
    version: 1,
    source: {
      name: model.folder.name,
      ...(model.folder.origin && { hub: model.folder.origin }),
      weights: basename(model.folder.weightsFile),
      sha256: await sha256(model.folder.weightsFile),
    },
    made: {
      limbeck: limbeckVersion,
      onnxruntime: await ortVersion(),
      node: process.versions.node,
      cpu: machine.cpu,
      int8Kernel: machine.int8.kernel,
    },
    ...facts,
  }
  writeFileSync(file, `${JSON.stringify(lineage, null, 2)}\n`)
}
