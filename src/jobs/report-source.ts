/**
 * The source of an optimized folder. It is not kept in the folder, so it is looked for where it was, and
 * taken only if its weights are still those that were optimized.
 */
import { existsSync } from 'node:fs'
import { LimbeckError } from '../errors.ts'
import { parseModelId } from '../hub/model-id.ts'
import { type BareFile, isBare, loadAny } from './any-model.ts'
import { type FindOptions, findModel } from './find-model.ts'
import { sha256 } from './lineage.ts'
import { type LoadedModel, load } from './load.ts'
import type { OptimizedFolder } from './read-optimized.ts'

/** The source, or a sentence that says why there is none. */
export type FoundSource =
  | { readonly model: LoadedModel | BareFile; readonly missing?: undefined }
  | { readonly model?: undefined; readonly missing: string }

/**
 * Finds the source.
 * @param asked where the user says that it is; then a failure is an error.
 */
export async function findSource(
  { report, sourceHash }: OptimizedFolder,
  asked: string | undefined,
  options: FindOptions = {},
): Promise<FoundSource> {
  const folder = asked ?? report.model.folder
  const without = 'What compares with it is left out; give its folder with --source.'
  if (asked === undefined && !existsSync(folder) && !parseModelId(folder)) {
    return { missing: `The source ${folder} is not there any more. ${without}` }
  }
  try {
    const { path } = await findModel(folder, options)
    const model = isBare(report) ? loadAny(path, { dims: report.settings.dims }) : load(path)
    const hash = await sha256(model.folder.weightsFile)
    if (sourceHash !== undefined && hash !== sourceHash) {
      throw new LimbeckError(
        'input',
        `${folder}: its weights are not those that were optimized (SHA-256 ${hash.slice(0, 12)}…, expected ${sourceHash.slice(0, 12)}…).`,
        { hint: 'Give the folder of the source, or optimize again.' },
      )
    }
    return { model }
  } catch (error) {
    if (asked !== undefined || !(error instanceof LimbeckError)) throw error
    return { missing: `${error.message} ${without}` }
  }
}
