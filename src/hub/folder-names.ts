/** Names of a model folder's files, for all who read, fetch or write one. */

/** What Transformers.js and Python tools read beside configuration and weights. */
export const companionNames: readonly string[] = [
  'tokenizer.json',
  'tokenizer_config.json',
  'special_tokens_map.json',
  'vocab.txt',
  'added_tokens.json',
  'modules.json',
  'sentence_bert_config.json',
  'config_sentence_transformers.json',
]

/** Endings that tell a variant from the fp32 file, in the order in which `run` looks for them. */
const endings = ['_quantized', '_static', '_q4', '_int8', '_fp16', '_bf16'] as const

/** ONNX files of a folder without `.onnx`, those for this machine's CPU first. */
export const onnxNames: readonly string[] = [
  ...endings.map((ending) => `model_cpu${ending}`),
  'model_cpu',
  ...endings.map((ending) => `model${ending}`),
  'model',
]
