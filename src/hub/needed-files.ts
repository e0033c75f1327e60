/**
 * Which files of a repository a model needs: configuration, tokenizer, pooling, and one kind of weights.
 * Never a pickle, never another framework's copy of the same weights.
 */
import { LimbeckError, nearest } from '../errors.ts'
import { companionNames, onnxNames } from './folder-names.ts'
import { checkedPath } from './model-id.ts'

/** What the weights are for. */
export interface Wanted {
  /** `safetensors` to build from; `any` also takes ONNX files, to run. */
  readonly weights: 'safetensors' | 'any'
  /** One ONNX file, by its base name. */
  readonly variant?: string | undefined
}

export interface NeededFiles {
  readonly kind: 'safetensors' | 'onnx'
  /** Small files, an index of shards included. */
  readonly description: readonly string[]
  /** Whole weights; the shards of an index are known once it is read. */
  readonly weights: readonly string[]
  readonly index: string | undefined
}

const description: ReadonlySet<string> = new Set(['config.json', ...companionNames])
/** Modules of sentence-transformers: `1_Pooling/config.json`. */
const moduleConfig = /^\d+_\w+\/config\.json$/
const OURS = 'limbeck.json'
const WHOLE = 'model.safetensors'
const INDEX = 'model.safetensors.index.json'

/** Chooses among the paths of a repository. @throws LimbeckError saying what the repository lacks. */
export function neededFiles(id: string, paths: ReadonlySet<string>, wanted: Wanted): NeededFiles {
  if (!paths.has('config.json')) {
    throw new LimbeckError(
      'input',
      `${id}: it has no config.json, so it is no model of Transformers.`,
    )
  }
  const small = [...paths].filter((path) => description.has(path) || moduleConfig.test(path))
  const onnx = onnxFiles(id, paths, wanted)
  if (onnx.length > 0) {
    const ours = paths.has(OURS) ? [OURS] : []
    return { kind: 'onnx', description: [...small, ...ours], weights: onnx, index: undefined }
  }
  if (paths.has(WHOLE)) {
    return { kind: 'safetensors', description: small, weights: [WHOLE], index: undefined }
  }
  if (paths.has(INDEX)) {
    return { kind: 'safetensors', description: [...small, INDEX], weights: [], index: INDEX }
  }
  throw noWeights(id, paths)
}

/** The ONNX files to run; none where safetensors are to be taken. */
function onnxFiles(id: string, paths: ReadonlySet<string>, { weights, variant }: Wanted): string[] {
  if (weights === 'safetensors') return []
  if (variant !== undefined) {
    const name = variant.replace(/^onnx\//, '').replace(/\.onnx$/, '')
    const found = withData(paths, name)
    if (found.length > 0) return found
    const names = [...paths].flatMap((path) => /^onnx\/(.+)\.onnx$/.exec(path)?.[1] ?? [])
    const near = nearest(name, names)
    throw new LimbeckError('usage', `${id}: there is no variant ${variant}.`, {
      hint:
        names.length === 0
          ? 'It has no ONNX files: leave --variant out.'
          : `${near === undefined ? '' : `Is ${near} meant? `}It has ${names.slice(0, 12).join(', ')}.`,
    })
  }
  const hasSafetensors = paths.has(WHOLE) || paths.has(INDEX)
  return hasSafetensors && !paths.has(OURS)
    ? []
    : onnxNames.flatMap((name) => withData(paths, name))
}

/** A variant's file with its external data. */
function withData(paths: ReadonlySet<string>, name: string): string[] {
  const file = `onnx/${name}.onnx`
  if (!paths.has(file)) return []
  const data = [...paths].filter(
    (path) => path.startsWith(file) && /^[._]data(?:_\d+)?$/.test(path.slice(file.length)),
  )
  return [file, ...data]
}

function noWeights(id: string, paths: ReadonlySet<string>): LimbeckError {
  const names = [...paths]
  const pickle = names.find((path) => /^pytorch_model.*\.bin$/.test(path))
  const other = pickle ?? names.find((path) => /\.(?:onnx|gguf|h5|msgpack|safetensors)$/.test(path))
  const has = other === undefined ? 'no weights at all' : `${other}, which is not read`
  return new LimbeckError('input', `${id}: it has no ${WHOLE}; it has ${has}.`, {
    hint:
      pickle === undefined
        ? 'Take another model, or a revision with safetensors (--revision).'
        : 'Look for a revision with safetensors (often refs/pr/1), or save it anew with safe_serialization.',
  })
}

/** The shards that an index names. @throws LimbeckError for an index that is none. */
export function shardsOf(id: string, index: unknown): string[] {
  const map = (index as { weight_map?: unknown } | null)?.weight_map
  if (typeof map !== 'object' || map === null) {
    throw new LimbeckError('input', `${id}: ${INDEX}: expected an object 'weight_map'.`)
  }
  const shards = [...new Set(Object.values(map))].map((path) =>
    checkedPath(`${id}: ${INDEX}`, path),
  )
  const other = shards.find((path) => !path.endsWith('.safetensors'))
  if (other === undefined) return shards
  throw new LimbeckError('input', `${id}: ${INDEX}: expected safetensors files, got ${other}.`)
}
