/** Fill-mask beside Transformers.js: the same words, the same scores, for BERT's mask and for RoBERTa's. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { env, pipeline } from '@huggingface/transformers'
import { beforeAll, describe, expect, it } from 'vitest'
import type { MaskFill } from '../src/fit/answer.ts'
import { exportModel } from '../src/jobs/export-model.ts'
import { run } from '../src/jobs/run.ts'
import { runVariants } from '../src/jobs/run-variants.ts'
import { example } from './support/command.ts'
import { describeWith, fixture, realData } from './support/fixtures.ts'
import { writeRandomHead } from './support/random-head.ts'
import { scratchFolder } from './support/tensors.ts'

const scratch = scratchFolder()

/** The fills of each mask. */
async function fills(model: string, text: string, top?: number): Promise<(readonly MaskFill[])[]> {
  const { answer, task } = await run({ model, variant: 'model', text, top })
  expect(task).toBe('fill-mask')
  if (answer.kind !== 'masks') throw new Error(answer.kind)
  return [...answer.masks]
}

/** The first mask of a text, as Transformers.js fills it. */
async function expectTheirs(model: string, texts: readonly string[]): Promise<void> {
  const fill = await pipeline('fill-mask', model, { dtype: 'fp32' })
  for (const text of texts) {
    const theirs = (await fill(text)) as { token: number; token_str: string; score: number }[]
    const [ours] = await fills(model, text)
    expect(ours!.map(({ id }) => id)).toEqual(theirs.map(({ token }) => token))
    expect(ours!.map(({ token }) => token)).toEqual(theirs.map(({ token_str }) => token_str))
    ours!.forEach(({ score }, i) => {
      expect(Math.abs(score - theirs[i]!.score)).toBeLessThan(1e-4)
    })
  }
  await fill.dispose()
}

beforeAll(() => {
  env.allowRemoteModels = false
})

describe('BERT', () => {
  const output = join(scratch, 'bert')
  beforeAll(async () => {
    const model = writeRandomHead(example, join(scratch, 'bert-model'), {
      config: { architectures: ['BertForMaskedLM'] },
      seed: 3,
      draw: {
        'cls.predictions.transform.dense.weight': [256, 256],
        'cls.predictions.transform.dense.bias': [256],
        'cls.predictions.transform.LayerNorm.weight': [256],
        'cls.predictions.transform.LayerNorm.bias': [256],
        'cls.predictions.bias': [2048],
      },
    })
    await exportModel({ model, output })
  })

  it('fills as Transformers.js does', () =>
    expectTheirs(output, [
      'where is my [MASK]',
      '[MASK] is the invoice?',
      'I was charged twice for the [MASK], please help!',
    ]))

  it('answers for each of several masks', async () => {
    const text = 'my [MASK] has not [MASK] yet'
    const both = await fills(output, text)
    expect(both).toHaveLength(2)
    const [theirs] = both
    const fill = await pipeline('fill-mask', output, { dtype: 'fp32' })
    const first = (await fill(text)) as { token: number }[]
    await fill.dispose()
    expect(theirs!.map(({ id }) => id)).toEqual(first.map(({ token }) => token))
    // each mask has its own distribution
    expect(both[1]).not.toEqual(both[0])
    const [all] = await fills(output, text, 2048)
    expect(all!.reduce((sum, { score }) => sum + score, 0)).toBeCloseTo(1, 6)
  })

  it('gives the same words on every fp32 variant', async () => {
    const runs = await runVariants({ model: output, text: 'where is my [MASK]' })
    expect(runs.map(({ variant }) => variant)).toEqual(['fp32 portable', 'fp32 optimized'])
    const ids = runs.map(({ answer }) =>
      answer.kind === 'masks' ? answer.masks[0]!.map(({ id }) => id) : undefined,
    )
    expect(ids[0]).toHaveLength(5)
    expect(ids[1]).toEqual(ids[0])
  })

  it('a text without a mask, or with one beyond the length, is refused', async () => {
    await expect(fills(output, 'where is my parcel')).rejects.toThrow(
      'the text has no mask token for the model to fill.',
    )
    await expect(fills(output, `${'parcel '.repeat(200)}[MASK]`)).rejects.toThrow(
      'the text has no mask token for the model to fill in its first 128 tokens, all that the model takes.',
    )
  })
})

const roberta = realData('tokenizers/roberta-base')

/** The fast tokenizer of RoBERTa's vocabulary and merges, as transformers writes it. */
function robertaTokenizer(): { json: object; config: object } {
  const read = (name: string) => readFileSync(join(roberta, name), 'utf8')
  const merges = read('merges.txt')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#version'))
  const vocab = JSON.parse(read('vocab.json')) as Record<string, number>
  const specials = ['<s>', '<pad>', '</s>', '<unk>', '<mask>']
  const plain = { single_word: false, rstrip: false, normalized: true, special: true }
  return {
    json: {
      version: '1.0',
      added_tokens: specials.map((content) => ({
        id: vocab[content],
        content,
        ...plain,
        // a space before the mask belongs to it
        lstrip: content === '<mask>',
      })),
      normalizer: null,
      pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true },
      post_processor: {
        type: 'RobertaProcessing',
        sep: ['</s>', 2],
        cls: ['<s>', 0],
        trim_offsets: true,
        add_prefix_space: false,
      },
      decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true },
      model: { type: 'BPE', vocab, merges },
    },
    config: {
      ...{ bos_token: '<s>', cls_token: '<s>', eos_token: '</s>', sep_token: '</s>' },
      ...{ unk_token: '<unk>', pad_token: '<pad>', mask_token: '<mask>' },
      tokenizer_class: 'RobertaTokenizer',
    },
  }
}

describeWith(roberta, 'RoBERTa', () => {
  it('fills <mask> as Transformers.js does', async () => {
    const { json, config } = robertaTokenizer()
    const source = fixture('models/roberta-sequence-classification')
    const model = writeRandomHead(source, join(scratch, 'roberta-model'), {
      config: { architectures: ['RobertaForMaskedLM'], vocab_size: 50265 },
      seed: 5,
      rename: (name) => (name.startsWith('classifier') ? undefined : name),
      draw: {
        'roberta.embeddings.word_embeddings.weight': [50265, 32],
        'lm_head.dense.weight': [32, 32],
        'lm_head.dense.bias': [32],
        'lm_head.layer_norm.weight': [32],
        'lm_head.layer_norm.bias': [32],
        'lm_head.bias': [50265],
      },
    })
    writeFileSync(join(model, 'tokenizer.json'), JSON.stringify(json))
    writeFileSync(join(model, 'tokenizer_config.json'), JSON.stringify(config))
    const output = join(scratch, 'roberta')
    await exportModel({ model, output })
    await expectTheirs(output, ['Paris is the <mask> of France.', 'The <mask> of Café Müller 😀'])
    expect(await fills(output, 'A <mask> is a <mask>.')).toHaveLength(2)
  })
})
