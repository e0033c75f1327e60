/** Where every job begins: the model that the user named, as a folder of this disk, with its download shown. */
import type { DownloadWatch } from '../hub/fetch-files.ts'
import { type ResolvedModel, type ResolveOptions, resolveModel } from '../hub/resolve-model.ts'
import type { Progress } from '../report/progress.ts'
import { formatBytes } from '../report/units.ts'

/** What jobs take for a model of the Hub. */
export interface HubOptions {
  /** Of a model of the Hub: branch, tag or commit; default `main`. */
  readonly revision?: string | undefined
  /** Send no request: a model of the Hub must lie in its cache. */
  readonly offline?: boolean | undefined
}

export interface FindOptions extends HubOptions, Pick<ResolveOptions, 'weights' | 'variant'> {
  readonly signal?: AbortSignal | undefined
  readonly progress?: Progress | undefined
}

/** Finds a model by its path or its id. @throws LimbeckError as `resolveModel` does. */
export const findModel = (model: string, options: FindOptions): Promise<ResolvedModel> => {
  const { revision, offline, weights, variant, signal, progress } = options
  return resolveModel(model, {
    revision,
    offline,
    weights,
    variant,
    signal,
    watch: (total, files, here) => shown(model, progress, total, files, here),
    onFallback: (reason) => progress?.step(model).done(`from the cache, since ${reason}`),
  })
}

/** A download as a step. */
function shown(
  model: string,
  progress: Progress | undefined,
  total: number,
  files: number,
  here: number,
): DownloadWatch {
  const step = progress?.step(`Downloading ${model}`, total)
  const start = performance.now()
  const rate = (done: number): string => {
    const seconds = (performance.now() - start) / 1000
    return `${formatBytes(Math.max(0, done - here) / Math.max(seconds, 0.001))}/s`
  }
  let latest = here
  return {
    update(done) {
      latest = done
      step?.update(done, `${formatBytes(done)} of ${formatBytes(total)}, ${rate(done)}`)
    },
    waiting: (reason) => step?.update(latest, `waiting: ${reason}`),
    done() {
      const resumed = here > 0 ? `, ${formatBytes(here)} of it from before` : ''
      const count = `${files} file${files === 1 ? '' : 's'}`
      step?.done(`${count}, ${formatBytes(total)}${resumed}, ${rate(total)}`)
    },
    fail: () => step?.fail(`${formatBytes(latest)} of ${formatBytes(total)} kept`),
  }
}
