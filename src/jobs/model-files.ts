/**
 * The files of a model folder that travel with its ONNX files, and a model file found in a folder.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { LimbeckError } from '../errors.ts'
import { folderFile } from '../hub/folder-file.ts'
import { companionNames, onnxNames } from '../hub/folder-names.ts'
import { readTextFile } from '../hub/node-files.ts'
import { copyFiles, LIMBECK_FILE } from '../hub/write-folder.ts'
import { staysInside } from '../onnx/file-access.ts'
import { parseJson } from '../onnx/parse-json.ts'
import type { OpenedModel } from './load.ts'
import { requireFile } from './require-file.ts'
import { STUDENT } from './variants.ts'

/** What travels with the ONNX files. */
const companions: readonly string[] = [...companionNames, '1_Pooling/config.json']

/** Copies tokenizer and pooling files, and writes the configuration; gives the names written. */
export function writeCompanions(
  model: OpenedModel,
  folder: string,
  external: Readonly<Record<string, number>> = {},
): string[] {
  const config = { ...model.folder.config.json }
  if (Object.keys(external).length > 0) {
    const known = (config['transformers.js_config'] ?? {}) as object
    config['transformers.js_config'] = { ...known, use_external_data_format: external }
  }
  writeFileSync(join(folder, 'config.json'), `${JSON.stringify(config, null, 2)}\n`)
  return ['config.json', ...copyFiles(model.folder.path, folder, companions)]
}

/** The ONNX file that `variant` names in a folder; by default what `optimize` chose, or the first. */
export function findModelFile(folder: string, variant?: string): string | undefined {
  if (folder.endsWith('.onnx')) return requireFile(folder)
  const names = variant === undefined ? [...chosenFile(folder), ...onnxNames] : [variant]
  for (const name of names) {
    const [, below = '', bare = ''] = /^(student\/)?(?:onnx\/)?(.*?)(?:\.onnx)?$/s.exec(name)!
    const file = staysInside(bare) && folderFile(folder, join(below, 'onnx', `${bare}.onnx`))
    if (file) return file
  }
  if (variant === undefined) return undefined
  throw new LimbeckError('usage', `${folder}: there is no variant ${variant}.`, {
    hint: `Variants are files of its onnx folder, such as ${onnxNames.join(', ')}.`,
  })
}

/** The file that `optimize` chose for a folder; where the source itself was best, the one like it. */
function chosenFile(folder: string): readonly string[] {
  try {
    const path = folderFile(folder, LIMBECK_FILE)
    if (!path) return []
    const { chosen, report } = parseJson(readTextFile(path)) as {
      readonly chosen?: string
      readonly report?: { readonly variants: readonly { name: string; file?: string }[] }
    }
    if (chosen === undefined || report === undefined) return []
    const variant = report.variants.find(({ name }) => name === chosen)
    if (variant && variant.file === undefined) return ['model']
    const folders = ['onnx', `${STUDENT}/onnx`]
    const files = folders.flatMap((below) => onnxNames.map((name) => `${below}/${name}.onnx`))
    return files.filter((file) => file === variant?.file)
  } catch {
    // somebody else's file of that name decides nothing
    return []
  }
}
