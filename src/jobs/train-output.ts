/**
 * What training writes: the weights under Hugging Face's names, the configuration of its class and the
 * tokenizer, which Python's transformers loads; then the ONNX files of `optimize`, measured on the dev data.
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Graph } from '../graph/graph.ts'
import { casted, type Tensor } from '../graph/tensor.ts'
import { companionNames } from '../hub/folder-names.ts'
import { nodeFiles, readTextFile, writeFilesWhole } from '../hub/node-files.ts'
import { copyFiles } from '../hub/write-folder.ts'
import type { Pooling } from '../models/pooling.ts'
import { tensorReader } from '../onnx/materialize.ts'
import { writeCheckpoint } from '../onnx/write-safetensors.ts'
import type { TrainedModel } from './train-model.ts'

/** Files that make a folder one of sentence-transformers. */
const embedderNames: readonly string[] = [
  'modules.json',
  'sentence_bert_config.json',
  'config_sentence_transformers.json',
]

/** Numbers of `model.safetensors`; training itself is in float32. */
export type WeightType = 'float32' | 'float16'

/**
 * Writes `model.safetensors`, `config.json` and what reads text.
 * @param learned values of trained parameters, by name. @param from the folder of the base model.
 */
export function writeTrained(
  model: TrainedModel,
  learned: ReadonlyMap<string, Tensor>,
  from: string,
  folder: string,
  dtype: WeightType = 'float32',
): void {
  const tensors = parametersOf(model.graph, learned, dtype)
  const reader = tensorReader(nodeFiles)
  writeFilesWhole(folder, (open) => writeCheckpoint(tensors, open, { reader }))
  const { torch_dtype: _, ...config } = model.config.json
  writeJson(join(folder, 'config.json'), { ...config, dtype })
  const texts = companionNames.filter((name) => !embedderNames.includes(name))
  copyFiles(from, folder, texts)
  if (model.pooling) writeEmbedder(model, model.pooling, from, folder)
}

/** All parameters of a graph by name, tied ones once, with what was learned of them. */
function parametersOf(
  { weights }: Graph,
  learned: ReadonlyMap<string, Tensor>,
  dtype: WeightType,
): ReadonlyMap<string, Tensor> {
  const tensors = new Map<string, Tensor>()
  for (const { parameter, tensor } of weights.values()) {
    if (parameter) tensors.set(parameter.name, casted(learned.get(parameter.name) ?? tensor, dtype))
  }
  return tensors
}

/** Of a pooling's configuration: numbers of a token. */
const WIDTH = 'word_embedding_dimension'

/** The files of sentence-transformers: the base model's own, or such that say how it was trained. */
function writeEmbedder(
  { dims }: TrainedModel,
  pooling: Pooling,
  from: string,
  folder: string,
): void {
  const how = '1_Pooling/config.json'
  if (copyFiles(from, folder, [...embedderNames, how]).includes('modules.json')) {
    // a student of another width was made from it
    const copied = join(folder, how)
    if (!existsSync(copied)) return
    const config = JSON.parse(readTextFile(copied)) as Record<string, unknown>
    if (config[WIDTH] !== dims.hidden) writeJson(copied, { ...config, [WIDTH]: dims.hidden })
    return
  }
  const module = (idx: number, path: string, type: string) => {
    return { idx, name: String(idx), path, type: `sentence_transformers.models.${type}` }
  }
  writeJson(join(folder, 'modules.json'), [
    module(0, '', 'Transformer'),
    module(1, '1_Pooling', 'Pooling'),
    ...(pooling.normalize ? [module(2, '2_Normalize', 'Normalize')] : []),
  ])
  const modes = { cls: 'cls_token', max: 'max_tokens', mean: 'mean_tokens' } as const
  writeJson(join(folder, how), {
    [WIDTH]: dims.hidden,
    ...Object.fromEntries(
      Object.entries(modes).map(([mode, name]) => [
        `pooling_mode_${name}`,
        (pooling.modes as readonly string[]).includes(mode),
      ]),
    ),
  })
}

function writeJson(path: string, value: unknown): void {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, `${JSON.stringify(value, null, 2)}\n`)
}
