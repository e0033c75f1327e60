/**
 * A model folder on this disk: what is in it, read and checked, nothing loaded.
 *
 * Weights stay references into their files. What only some verbs need (tokenizer, pooling) is looked
 * for when it is asked.
 */
import { existsSync, statSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { LimbeckError, showValue } from '../errors.ts'
import type { ModelConfig } from '../models/config.ts'
import type { Checkpoint } from '../models/model-builder.ts'
import type { Pooling, PoolingMode } from '../models/pooling.ts'
import { staysInside } from '../onnx/file-access.ts'
import { parseJson } from '../onnx/parse-json.ts'
import { readSafetensors } from '../onnx/read-safetensors.ts'
import { folderFile } from './folder-file.ts'
import { type HubOrigin, hubOrigin } from './hub-cache.ts'
import { fileError, nodeFiles, readTextFile } from './node-files.ts'

/** What a folder says about its model, weights aside. */
export interface ConfigFolder {
  /** Absolute path. */
  readonly path: string
  readonly name: string
  /** Of a folder of the Hub's cache: the model and its commit. */
  readonly origin: HubOrigin | undefined
  readonly config: ModelConfig
  /** How token vectors become one, in sentence-transformers folders. */
  readonly pooling: Pooling | undefined
  /** Most tokens that sentence-transformers gives the model; undefined elsewhere. */
  readonly maxSequence: number | undefined
}

/** A Hugging Face or sentence-transformers folder with its weights. */
export interface ModelFolder extends ConfigFolder {
  readonly checkpoint: Checkpoint
  /** The weights' file (or index of shards). */
  readonly weightsFile: string
}

/**
 * Reads what a folder says about its model; weights need not be there.
 * @throws LimbeckError `file` or `input` naming what is missing or wrong.
 */
export function openConfigFolder(folder: string): ConfigFolder {
  const path = resolve(folder)
  if (!existsSync(path) || !statSync(path).isDirectory()) {
    throw new LimbeckError(
      'file',
      `${folder}: expected a model folder, found ${existsSync(path) ? 'a file' : 'nothing'}.`,
      { hint: 'Give the folder that holds config.json and model.safetensors.' },
    )
  }
  const file = folderFile(path, 'config.json') ?? join(path, 'config.json')
  const origin = hubOrigin(path)
  return {
    path,
    name: basename(origin?.id ?? path),
    origin,
    config: { file, json: readJsonObject(file) },
    pooling: readPooling(path),
    maxSequence: readMaxSequence(path),
  }
}

/**
 * Opens a folder with `config.json` and safetensors weights; only headers are read.
 * @throws LimbeckError `file` or `input` naming what is missing or wrong.
 */
export function openModelFolder(folder: string): ModelFolder {
  const opened = openConfigFolder(folder)
  const weightsFile = findWeights(opened.path)
  const { tensors } = readSafetensors(weightsFile, nodeFiles)
  return { ...opened, checkpoint: { file: weightsFile, tensors }, weightsFile }
}

const weightNames = ['model.safetensors', 'model.safetensors.index.json'] as const

function findWeights(path: string): string {
  for (const name of weightNames) {
    const found = folderFile(path, name)
    if (found) return found
  }
  const pickled = existsSync(join(path, 'pytorch_model.bin'))
  throw new LimbeckError(
    'file',
    `${path}: model.safetensors is missing${pickled ? '; pytorch_model.bin is not read' : ''}.`,
    {
      hint: pickled
        ? 'Save the model again with safe_serialization, or download its safetensors files.'
        : 'Download the weights into the folder.',
    },
  )
}

/** A JSON file that holds an object. */
export function readJsonObject(file: string): Record<string, unknown> {
  if (!existsSync(file)) {
    throw new LimbeckError('file', `${file}: there is no such file.`, {
      hint: 'Give the folder that holds it.',
    })
  }
  let json: unknown
  try {
    json = parseJson(readTextFile(file))
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw fileError(file, cause)
    throw new LimbeckError('input', `${file}: it is no JSON (${cause.message}).`, { cause })
  }
  if (typeof json === 'object' && json !== null && !Array.isArray(json)) {
    return json as Record<string, unknown>
  }
  throw new LimbeckError('input', `${file}: expected a JSON object, found ${showValue(json)}.`)
}

/** Keys of `1_Pooling/config.json`, in the order in which sentence-transformers concatenates them. */
const poolingKeys: readonly (readonly [string, PoolingMode])[] = [
  ['pooling_mode_cls_token', 'cls'],
  ['pooling_mode_max_tokens', 'max'],
  ['pooling_mode_mean_tokens', 'mean'],
  ['pooling_mode_mean_sqrt_len_tokens', 'mean-sqrt-length'],
]

function readPooling(path: string): Pooling | undefined {
  const modulesFile = folderFile(path, 'modules.json')
  if (!modulesFile) return undefined
  const modules = moduleList(modulesFile)
  const pooling = modules.find(({ type }) => type.endsWith('.Pooling'))
  if (!pooling) return undefined
  const name = join(pooling.path, 'config.json')
  const file = folderFile(path, name) ?? join(path, name)
  const json = readJsonObject(file)
  const modes = poolingKeys.filter(([key]) => json[key] === true).map(([, mode]) => mode)
  const unknown = Object.keys(json).filter(
    (key) =>
      key.startsWith('pooling_mode_') &&
      json[key] === true &&
      !poolingKeys.some(([k]) => k === key),
  )
  if (modes.length === 0 || unknown.length > 0) {
    throw new LimbeckError(
      'input',
      `${file}: expected pooling by ${poolingKeys.map(([, mode]) => mode).join(', ')}, found ${unknown.join(', ') || 'none'}.`,
    )
  }
  return { modes, normalize: modules.some(({ type }) => type.endsWith('.Normalize')) }
}

function moduleList(file: string): { type: string; path: string }[] {
  let list: unknown
  try {
    list = parseJson(readTextFile(file))
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw fileError(file, cause)
    throw new LimbeckError('input', `${file}: it is no JSON.`, { cause })
  }
  const isList = Array.isArray(list)
  const modules = isList ? (list as { type?: unknown; path?: unknown }[]) : []
  const isSafe = (part: unknown): part is string =>
    typeof part === 'string' && (part === '' || staysInside(part))
  if (!isList || modules.some((m) => typeof m?.type !== 'string' || !isSafe(m.path))) {
    throw new LimbeckError(
      'input',
      `${file}: expected a list of modules with type and path inside the folder.`,
    )
  }
  return modules as { type: string; path: string }[]
}

function readMaxSequence(path: string): number | undefined {
  const file = folderFile(path, 'sentence_bert_config.json')
  if (!file) return undefined
  const value = readJsonObject(file).max_seq_length
  return typeof value === 'number' && Number.isInteger(value) && value > 0 ? value : undefined
}
