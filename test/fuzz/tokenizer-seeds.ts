/** Small tokenizer.json files of the kinds that text encoders have. */
const special = (id: number, content: string) => ({
  id,
  content,
  single_word: false,
  lstrip: false,
  rstrip: false,
  normalized: false,
  special: true,
})

const letters = [...'abcdefghijklmnopqrstuvwxyz0123456789.,!?']
const numbered = (tokens: readonly string[]) => Object.fromEntries(tokens.map((t, i) => [t, i]))

const bertTokens = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]']
const bertWords = [...bertTokens, ...letters, ...letters.map((l) => `##${l}`), 'hello', 'world']

const wordPiece = {
  version: '1.0',
  truncation: null,
  padding: null,
  added_tokens: bertTokens.map((content, id) => special(id, content)),
  normalizer: {
    type: 'BertNormalizer',
    clean_text: true,
    handle_chinese_chars: true,
    strip_accents: null,
    lowercase: true,
  },
  pre_tokenizer: { type: 'BertPreTokenizer' },
  post_processor: {
    type: 'TemplateProcessing',
    single: [
      { SpecialToken: { id: '[CLS]', type_id: 0 } },
      { Sequence: { id: 'A', type_id: 0 } },
      { SpecialToken: { id: '[SEP]', type_id: 0 } },
    ],
    pair: [
      { SpecialToken: { id: '[CLS]', type_id: 0 } },
      { Sequence: { id: 'A', type_id: 0 } },
      { SpecialToken: { id: '[SEP]', type_id: 0 } },
      { Sequence: { id: 'B', type_id: 1 } },
      { SpecialToken: { id: '[SEP]', type_id: 1 } },
    ],
    special_tokens: {
      '[CLS]': { id: '[CLS]', ids: [2], tokens: ['[CLS]'] },
      '[SEP]': { id: '[SEP]', ids: [3], tokens: ['[SEP]'] },
    },
  },
  decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
  model: {
    type: 'WordPiece',
    unk_token: '[UNK]',
    continuing_subword_prefix: '##',
    max_input_chars_per_word: 100,
    vocab: numbered(bertWords),
  },
}

const robertaTokens = ['<s>', '<pad>', '</s>', '<unk>', '<mask>']
const bytes = [...letters, 'Ġ', 'h', 'Ã', '©', 'å', 'Ł', 'Ŀ']
const byteLevel = {
  version: '1.0',
  truncation: null,
  padding: null,
  added_tokens: robertaTokens.map((content, id) => special(id, content)),
  normalizer: null,
  pre_tokenizer: {
    type: 'ByteLevel',
    add_prefix_space: false,
    trim_offsets: true,
    use_regex: true,
  },
  post_processor: {
    type: 'RobertaProcessing',
    sep: ['</s>', 2],
    cls: ['<s>', 0],
    trim_offsets: true,
    add_prefix_space: false,
  },
  decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true },
  model: {
    type: 'BPE',
    dropout: null,
    unk_token: '<unk>',
    continuing_subword_prefix: '',
    end_of_word_suffix: '',
    fuse_unk: false,
    vocab: numbered([...robertaTokens, ...new Set(bytes), 'he', 'll', 'hell', 'Ġw', 'or']),
    merges: ['h e', 'l l', 'he ll', 'Ġ w', 'o r'],
  },
}

const unigram = {
  version: '1.0',
  truncation: null,
  padding: { strategy: 'BatchLongest', direction: 'Right', pad_id: 1, pad_token: '<pad>' },
  added_tokens: robertaTokens.map((content, id) => special(id, content)),
  normalizer: {
    type: 'Sequence',
    normalizers: [{ type: 'NFKC' }, { type: 'Replace', pattern: { Regex: ' {2,}' }, content: ' ' }],
  },
  pre_tokenizer: {
    type: 'Sequence',
    pretokenizers: [
      { type: 'WhitespaceSplit' },
      { type: 'Metaspace', replacement: '▁', prepend_scheme: 'always' },
      { type: 'Split', pattern: { Regex: '\\d+|[^\\d]+' }, behavior: 'Isolated', invert: false },
    ],
  },
  post_processor: {
    type: 'Sequence',
    processors: [{ type: 'BertProcessing', sep: ['</s>', 2], cls: ['<s>', 0] }],
  },
  decoder: { type: 'Metaspace', replacement: '▁', prepend_scheme: 'always' },
  model: {
    type: 'Unigram',
    unk_id: 3,
    vocab: [...robertaTokens, ...letters, '▁', '▁hello', '▁wor', 'ld'].map((token, i) => [
      token,
      i < 5 ? 0 : -1 - i / 4,
    ]),
  },
}

export const tokenizerSeeds: readonly object[] = [wordPiece, byteLevel, unigram]
