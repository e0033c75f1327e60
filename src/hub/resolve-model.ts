/**
 * A model as users name it, to a folder on this disk: a path that exists is that path; else `org/name` is a
 * model of the Hugging Face Hub, found in the cache or downloaded into it.
 */
import { existsSync, readdirSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { LimbeckError, nearest } from '../errors.ts'
import { type FetchOptions, fetchFiles } from './fetch-files.ts'
import {
  type RepoCache,
  readRef,
  repoCache,
  snapshotFiles,
  snapshotPath,
  writeRef,
} from './hub-cache.ts'
import { type HubEnvironment, hubEnvironment } from './hub-environment.ts'
import { type HubFile, type HubListing, listModel } from './hub-listing.ts'
import { type Hub, PassingFailure, type Patience, usualPatience } from './hub-request.ts'
import { readJsonObject } from './model-folder.ts'
import { isRevision, type ModelId, parseModelId } from './model-id.ts'
import { type NeededFiles, neededFiles, shardsOf, type Wanted } from './needed-files.ts'

export interface ResolveOptions {
  /** `safetensors` to build from (the default); `any` also takes ONNX files, to run. */
  readonly weights?: Wanted['weights'] | undefined
  /** One ONNX file, by its base name. */
  readonly variant?: string | undefined
  /** Branch, tag or commit; default `main`. The same as `org/name@revision`. */
  readonly revision?: string | undefined
  /** Send no request: only what the cache holds. */
  readonly offline?: boolean | undefined
  readonly signal?: AbortSignal | undefined
  /** Shows downloads. */
  readonly watch?: FetchOptions['watch']
  /** Told why the cache is used as it is, where the Hub cannot be reached. */
  readonly onFallback?: ((reason: string) => void) | undefined
  /** Environment variables; default those of the process. */
  readonly variables?: Readonly<Record<string, string | undefined>> | undefined
  readonly patience?: Partial<Patience> | undefined
}

export interface ResolvedModel {
  /** The path that was given, or the absolute path of the snapshot in the cache. */
  readonly path: string
  /** Where it is; of a model of the Hub, which weights were taken. */
  readonly kind: 'local' | NeededFiles['kind']
}

/**
 * Finds a model, and downloads what is not here of it.
 * @throws LimbeckError naming what is neither a path nor a model, or why it cannot be had.
 * @example
 * const { path } = await resolveModel('sentence-transformers/all-MiniLM-L6-v2')
 * const model = load(path)
 */
export async function resolveModel(
  model: string,
  options: ResolveOptions = {},
): Promise<ResolvedModel> {
  const named = existsSync(model) ? undefined : parseModelId(model)
  if (!named) {
    if (!existsSync(model)) throw neither(model)
    if (options.revision === undefined) return { path: model, kind: 'local' }
    throw new LimbeckError('usage', `${model}: it is a path here, which has no --revision.`)
  }
  const wanted: Wanted = { weights: options.weights ?? 'safetensors', variant: options.variant }
  const environment = hubEnvironment(options.variables)
  const { id } = named
  const asked = {
    id,
    revision: revisionOf(named, options.revision),
    cache: repoCache(environment.cacheFolder, id),
    wanted,
  }
  if (options.offline || environment.offline) return cached(asked, environment)
  const { signal, patience } = options
  const hub: Hub = { environment, signal, patience: { ...usualPatience, ...patience } }
  let listing: HubListing
  try {
    // whoever is on a train does not wait long
    const quick = { ...hub.patience, attempts: Math.min(3, hub.patience.attempts) }
    listing = await listModel({ ...hub, patience: quick }, id, asked.revision)
  } catch (error) {
    const reason = error instanceof LimbeckError ? error.cause : undefined
    if (!(reason instanceof PassingFailure)) throw withNearest(error, model)
    const fallback = fromCache(asked, environment)
    if (!fallback) throw error
    options.onFallback?.(reason.message)
    return fallback
  }
  return download(hub, asked, listing, options.watch)
}

interface Asked {
  readonly id: string
  readonly revision: string
  readonly cache: RepoCache
  readonly wanted: Wanted
}

async function download(
  hub: Hub,
  { id, revision, cache, wanted }: Asked,
  { commit, files }: HubListing,
  watch: FetchOptions['watch'],
): Promise<ResolvedModel> {
  const needed = neededFiles(id, new Set(files.keys()), wanted)
  const path = snapshotPath(cache, commit)
  const options = { id, commit, cache, watch }
  const listed = (name: string): HubFile => {
    const file = files.get(name)
    if (file) return file
    throw new LimbeckError('input', `${id}: ${needed.index}: it names ${name}, which is not there.`)
  }
  const small = needed.description.map(listed)
  const large = small.find(({ size }) => size > MOST_SMALL_BYTES)
  if (large) {
    throw new LimbeckError(
      'input',
      `${id}: ${large.path} has ${large.size} bytes, expected at most ${MOST_SMALL_BYTES}.`,
    )
  }
  await fetchFiles(hub, small, options)
  const shards = needed.index ? shardsOf(id, readJsonObject(join(path, needed.index))) : []
  await fetchFiles(hub, [...needed.weights, ...shards].map(listed), options)
  if (revision !== commit) writeRef(cache, revision, commit)
  return { path, kind: needed.kind }
}

/** A configuration or tokenizer above this is none. */
const MOST_SMALL_BYTES = 256e6

function fromCache(asked: Asked, environment: HubEnvironment): ResolvedModel | undefined {
  try {
    return cached(asked, environment)
  } catch {
    // that the Hub is out of reach says more
    return undefined
  }
}

/** What the cache holds of a model. */
function cached(
  { id, revision, cache, wanted }: Asked,
  { cacheFolder }: HubEnvironment,
): ResolvedModel {
  const commit = readRef(cache, revision)
  const names = new Set(commit === undefined ? [] : snapshotFiles(cache, commit))
  if (commit === undefined || names.size === 0) {
    throw offlineError(`${id}: offline, and ${cacheFolder} does not hold it at ${revision}.`)
  }
  const path = snapshotPath(cache, commit)
  let needed: NeededFiles
  try {
    needed = neededFiles(id, names, wanted)
  } catch (cause) {
    if (cause instanceof LimbeckError && cause.code === 'usage') throw cause
    throw offlineError(`${id}: offline, and ${path} holds no weights of it.`, cause)
  }
  const shards = needed.index ? shardsOf(id, readJsonObject(join(path, needed.index))) : []
  const absent = shards.find((name) => !names.has(name))
  if (absent === undefined) return { path, kind: needed.kind }
  throw offlineError(`${id}: offline, and ${path} lacks ${absent}.`)
}

const offlineError = (message: string, cause?: unknown): LimbeckError =>
  new LimbeckError('file', message, {
    hint: 'Run it once with the network (without --offline, HF_HUB_OFFLINE, TRANSFORMERS_OFFLINE), or give a folder.',
    cause,
  })

function revisionOf({ id, revision }: ModelId, option: string | undefined): string {
  if (option !== undefined && !isRevision(option)) {
    throw new LimbeckError('usage', `--revision ${option}: expected a branch, tag or commit.`)
  }
  if (option !== undefined && revision !== undefined && option !== revision) {
    throw new LimbeckError(
      'usage',
      `${id}@${revision} and --revision ${option} name two revisions.`,
    )
  }
  return revision ?? option ?? 'main'
}

/** Neither a path nor an id. */
function neither(model: string): LimbeckError {
  const near = nearPath(model)
  return new LimbeckError(
    'file',
    `${model}: there is no such file or folder, and it is no id of the Hub (org/name).`,
    {
      hint: `${near === undefined ? '' : `Is ${near} meant? `}Give the folder that holds config.json and model.safetensors, or an id of huggingface.co.`,
    },
  )
}

/** An id that the Hub does not know may be a path with a slip. */
function withNearest(error: unknown, model: string): unknown {
  const near = nearPath(model)
  if (!(error instanceof LimbeckError) || near === undefined) return error
  if (!error.message.includes('no such folder here')) return error
  const { code, message, hint, cause } = error
  return new LimbeckError(code, message, { hint: `Is ${near} meant? ${hint}`, cause })
}

/** The nearest name in the folder that a path names. */
function nearPath(model: string): string | undefined {
  const folder = dirname(model)
  if (!existsSync(folder)) {
    const near = nearPath(folder)
    const whole = near === undefined ? undefined : join(near, basename(model))
    return whole !== undefined && existsSync(whole) ? whole : undefined
  }
  try {
    const near = nearest(basename(model), readdirSync(folder))
    return near === undefined ? undefined : join(folder, near)
  } catch {
    // a folder that cannot be read suggests nothing
    return undefined
  }
}
