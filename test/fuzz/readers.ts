/** Every reader of files that others wrote, with valid inputs and what comes after reading. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  createTokenizer,
  labelMap,
  loadTokenizer,
  readColumnNames,
  readConll,
  readExamples,
  readSquad,
  readTable,
} from '../../src/data/index.ts'
import { float32Tensor, int64Tensor } from '../../src/graph/tensor.ts'
import { nodeFiles, openConfigFolder } from '../../src/hub/index.ts'
import { findModelFile } from '../../src/jobs/model-files.ts'
import { buildModel, describeModel } from '../../src/models/build-model.ts'
import { type FileAccess, folderOf, MemorySink, memoryFiles } from '../../src/onnx/file-access.ts'
import { materialize, tensorReader } from '../../src/onnx/materialize.ts'
import { parseJson } from '../../src/onnx/parse-json.ts'
import { readOnnx, readOnnxBytes } from '../../src/onnx/read-onnx.ts'
import { readSafetensors } from '../../src/onnx/read-safetensors.ts'
import { onnxBytes } from '../../src/onnx/write-onnx.ts'
import { writeSafetensors } from '../../src/onnx/write-safetensors.ts'
import { plannedMemory } from '../../src/ops/planned-memory.ts'
import { verifyGraph } from '../../src/ops/verify.ts'
import { example, root } from '../support/command.ts'
import { fixture } from '../support/fixtures.ts'
import type { FuzzedReader } from './fuzz-reader.ts'
import { type Mutate, mixed, mutateEnds } from './mutate-bytes.ts'
import { mutateJson, mutateLines } from './mutate-text.ts'
import { mutateProtobuf, mutateSafetensors } from './mutate-wire.ts'
import { withExternalData, withFunctions, withSubgraphs } from './onnx-seeds.ts'
import { tokenizerSeeds } from './tokenizer-seeds.ts'

const text = (value: string): Uint8Array => new TextEncoder().encode(value)
const json = (value: unknown): Uint8Array => text(JSON.stringify(value, null, 1))

/** Files in memory that may be read in folder `f` and nowhere else. */
function files(content: Readonly<Record<string, Uint8Array>>): FileAccess {
  const access = memoryFiles(new Map(Object.entries(content).map(([n, b]) => [`f/${n}`, b])))
  const inside = (path: string): string => {
    const leaves = path.split(/[\\/]/).includes('..') || /[\\\0]/.test(path)
    if (folderOf(path) === '.' || !path.startsWith('f/') || leaves) {
      throw new Error(`a path out of the folder: ${path}`)
    }
    return path
  }
  return {
    size: (path) => access.size(inside(path)),
    readAt: (path, offset, length) => access.readAt(inside(path), offset, length),
  }
}

const checkpoint = (): Uint8Array => {
  const sink = new MemorySink()
  const tensors = new Map([
    ['a.weight', float32Tensor([1, 2, 3, 4, 5, 6], [2, 3])],
    ['b', int64Tensor([1, 2])],
    ['empty', float32Tensor([], [0, 4])],
  ])
  writeSafetensors(tensors, sink)
  return sink.bytes()
}
const shard = checkpoint()
const weightMap = { 'a.weight': 'm-1.safetensors', b: 'm-1.safetensors', empty: 'm-1.safetensors' }

const readTensorsOf = (path: string, access: FileAccess): void => {
  for (const tensor of readSafetensors(path, access).tensors.values()) materialize(tensor, access)
}

/** What can be read is verified, planned and written again, or refused. */
function readModel(bytes: Uint8Array): void {
  readOnnxBytes(bytes)
  const access = files({ 'm.onnx': bytes, data: new Uint8Array(64) })
  const graph = readOnnx('f/m.onnx', access)
  verifyGraph(graph)
  plannedMemory(graph, { batch: 2 })
  onnxBytes(graph, { opset: 17, reader: tensorReader(access) })
}

const texts = ['Hello, wörld 12!', 'hello  hello\tworld 東京 👍', '']
function useTokenizer(tokenizer: ReturnType<typeof createTokenizer>): void {
  for (const one of texts) {
    const { ids } = tokenizer.encode(one, 'world', { maxLength: 16 })
    tokenizer.encodeWithOffsets(one)
    tokenizer.encodeWords(one.split(' '))
    tokenizer.decode(ids)
  }
}

const families = ['albert', 'bert', 'deberta-v2', 'distilbert', 'electra', 'mobilebert']
  .concat('modernbert', 'roberta')
  .map((family) => `${family}-sequence-classification`)
  .concat('mpnet-model', 'xlm-roberta-token-classification')
  .map((name) => fixture('models', name))
const folders = families.every((folder) => existsSync(folder)) ? families : [example]
export const configs = folders.map((folder) => ({
  json: JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8')) as Record<string, unknown>,
  ...(() => {
    const file = join(folder, 'model.safetensors')
    return { checkpoint: { file, tensors: readSafetensors(file, nodeFiles).tensors } }
  })(),
}))

function parseObject(bytes: Uint8Array): Record<string, unknown> | undefined {
  try {
    const value = parseJson(new TextDecoder().decode(bytes))
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
    return isObject ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}

function readConfig(bytes: Uint8Array): void {
  const json = parseObject(bytes)
  // what is no object is refused by the folder, whose files are fuzzed too
  if (!json) return
  const config = { file: 'config.json', json }
  describeModel(config)
  const known = configs.find((c) => c.json.model_type === json.model_type) ?? configs[0]!
  verifyGraph(buildModel({ config, checkpoint: known.checkpoint }).graph)
}

const labels = labelMap(['O', 'B-person', 'I-person', 'B-place', 'I-place'])
const conll =
  'EU\tNNP\tB-place\nrejects\tVBZ\tO\n\n-DOCSTART- -X- O\n\nPeter NNP B-person\nBlackburn NNP I-person\n'
const squad = {
  version: 'v2.0',
  data: [
    {
      title: 'a',
      paragraphs: [
        {
          context: 'The cat sat on the mat.',
          qas: [
            { id: '1', question: 'Who?', answers: [{ text: 'cat', answer_start: 4 }] },
            { id: '2', question: 'Why?', is_impossible: true, answers: [] },
          ],
        },
      ],
    },
  ],
}

async function drain(rows: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of rows) void _
}

/** The readers; those of files write each mutation into `scratch`. */
export function readers(scratch: string): FuzzedReader[] {
  const at = (name: string, bytes: Uint8Array): string => {
    const path = join(scratch, name)
    writeFileSync(path, bytes)
    return path
  }
  const table = (ending: string, ...seeds: string[]): FuzzedReader => ({
    name: ending,
    seeds: () => seeds.map(text),
    mutate: mixed(ending.startsWith('json') ? either(mutateJson, mutateLines) : mutateLines),
    read: async (bytes) => {
      const path = at(`rows.${ending}`, bytes)
      const columns = { text: ending === 'label' ? 'text' : ending === 'txt' ? 1 : 'text' }
      await drain(readExamples(path, { columns, kind: 'none' }))
      const target = ending === 'txt' ? 1 : 'label'
      await drain(readTable(path, { text: columns.text, target }))
    },
  })
  const folder = join(scratch, 'folder')
  mkdirSync(join(folder, '1_Pooling'), { recursive: true })
  const inFolder: Readonly<Record<string, unknown>> = {
    'config.json': configs[0]!.json,
    'modules.json': [
      { idx: 0, name: '0', path: '', type: 'sentence_transformers.models.Transformer' },
      { idx: 1, name: '1', path: '1_Pooling', type: 'sentence_transformers.models.Pooling' },
      { idx: 2, name: '2', path: '2_Normalize', type: 'sentence_transformers.models.Normalize' },
    ],
    '1_Pooling/config.json': {
      word_embedding_dimension: 32,
      pooling_mode_cls_token: false,
      pooling_mode_mean_tokens: true,
    },
    'sentence_bert_config.json': { max_seq_length: 256, do_lower_case: false },
    'limbeck.json': {
      chosen: 'int8',
      report: { variants: [{ name: 'int8', file: 'onnx/model_quantized.onnx' }] },
    },
  }
  const names = Object.keys(inFolder)
  for (const name of names) writeFileSync(join(folder, name), json(inFolder[name]))
  const tokenizerFolder = join(scratch, 'tokenizer')
  mkdirSync(tokenizerFolder)
  writeFileSync(join(tokenizerFolder, 'tokenizer.json'), json(tokenizerSeeds[0]))
  return [
    {
      name: 'safetensors',
      seeds: () => [shard],
      mutate: mixed(mutateSafetensors),
      read: (bytes) => readTensorsOf('f/m', files({ m: bytes })),
    },
    {
      name: 'safetensors-index',
      seeds: () => [json({ metadata: { total_size: 40 }, weight_map: weightMap })],
      mutate: mixed(mutateJson),
      read: (bytes) =>
        readTensorsOf('f/m.json', files({ 'm.json': bytes, 'm-1.safetensors': shard })),
    },
    {
      name: 'onnx',
      seeds: () => [withSubgraphs(), withFunctions(), withExternalData()],
      mutate: mixed(mutateProtobuf),
      read: readModel,
    },
    {
      name: 'tokenizer',
      seeds: () => tokenizerSeeds.map(json),
      mutate: mutateJson,
      read: (bytes) => {
        const value = parseObject(bytes)
        if (value) useTokenizer(createTokenizer(value))
      },
    },
    {
      name: 'tokenizer-folder',
      seeds: () => [
        json({ pad_token: '[PAD]', unk_token: { content: '[UNK]' }, model_max_length: 512 }),
        json({ truncation_side: 'left', tokenizer_class: 'BertTokenizer', do_lower_case: true }),
      ],
      mutate: mixed(mutateJson),
      read: async (bytes) => {
        writeFileSync(join(tokenizerFolder, 'tokenizer_config.json'), bytes)
        useTokenizer(await loadTokenizer(tokenizerFolder))
      },
    },
    {
      name: 'config',
      seeds: () => configs.map((config) => json(config.json)),
      mutate: mutateJson,
      read: readConfig,
    },
    {
      name: 'model-folder',
      seeds: () => names.map((name) => json({ name, content: inFolder[name] })),
      mutate: (seed, other, random) => {
        const { name } = JSON.parse(new TextDecoder().decode(seed)) as { name: string }
        const content = mixed(mutateJson)(json(inFolder[name]), other, random)
        return json({ name, bytes: Buffer.from(content).toString('base64') })
      },
      read: (bytes) => {
        const changed = JSON.parse(new TextDecoder().decode(bytes)) as Record<string, string>
        const name = changed.name!
        writeFileSync(join(folder, name), Buffer.from(changed.bytes!, 'base64'))
        try {
          const opened = openConfigFolder(folder)
          describeModel(opened.config, opened.pooling)
          findModelFile(folder)
        } finally {
          writeFileSync(join(folder, name), json(inFolder[name]))
        }
      },
    },
    table('jsonl', '{"text": "a b", "label": 1}\n{"text": "c", "label": "x"}\n'),
    table(
      'json',
      '{"data": [{"text": "a b", "label": 1}, {"text": "c", "label": [1]}]}',
      '[{"text": "ä", "label": null}]',
    ),
    {
      name: 'parquet',
      seeds: () => [readFileSync(join(root, 'src/data/testing/arrow.parquet'))],
      mutate: mutateEnds,
      read: async (bytes) => {
        const path = at('rows.parquet', bytes)
        const names = await readColumnNames(path)
        await drain(readTable(path, { first: names[0] ?? 'text' }))
      },
    },
    table('tsv', 'text\tlabel\na b\t1\nc "d\t0\n', 'text\tlabel\r\nä\t1\r\n'),
    table('csv', 'text,label\n"a, b",1\n"c ""d""",0\n'),
    table('txt', 'a b\nc\n'),
    table('label', 'DESC:manner How did it ?\nENTY:cremat What films ?\n'),
    {
      name: 'conll',
      seeds: () => [text(conll)],
      mutate: mixed(mutateLines),
      read: async (bytes) => drain(readConll(at('rows.conll', bytes), { labels })),
    },
    {
      name: 'squad',
      seeds: () => [json(squad), json({ version: '1.1', data: squad.data.slice(0, 1) })],
      mutate: mixed(mutateJson),
      read: async (bytes) => readSquad(at('squad.json', bytes)),
    },
  ]
}

const either =
  (a: Mutate, b: Mutate): Mutate =>
  (seed, other, random) =>
    (random.below(2) === 0 ? a : b)(seed, other, random)
