import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { describeWith, realData } from '../../test/support/fixtures.ts'
import { scratchFolder } from '../../test/support/tensors.ts'
import { loadTokenizer } from '../data/tokenizer.ts'
import { answeredWindows } from './answer-targets.ts'

const tokenizers = realData('tokenizers/bert-base-uncased')
const squad = realData('text/squad-xquad-en/xquad.en.json')

describeWith(squad, 'answers in windows', () => {
  it('are whole in some window of nearly every question, and read as the answer', async () => {
    const tokenizer = await loadTokenizer(tokenizers)
    const json = join(scratchFolder(), 'one.json')
    const context = 'Ada met Grace. Then Ada, 36, wrote of the engine.'
    const qas = [
      { id: 'a', question: 'Who wrote?', answers: [{ text: 'Ada', answer_start: 20 }] },
      { id: 'b', question: 'Who slept?', answers: [], is_impossible: true },
    ]
    writeFileSync(json, JSON.stringify({ data: [{ paragraphs: [{ context, qas }] }] }))
    const spans = []
    for await (const { encoding, span } of answeredWindows(json, tokenizer, { maxLength: 64 })) {
      spans.push(tokenizer.decode(encoding.ids.slice(span[0], span[1] + 1)), span[0])
    }
    // [CLS] who wrote ? [SEP] ada met grace . then ada
    expect(spans).toEqual(['ada', 10, '', 0])
    let [windows, found] = [0, 0]
    const options = { maxLength: 96, stride: 32, limit: 100 }
    for await (const { encoding, span } of answeredWindows(squad, tokenizer, options)) {
      windows++
      found += Number(span[0] > 0)
      expect(span[1]).toBeGreaterThanOrEqual(span[0])
      expect(span[1]).toBeLessThan(encoding.ids.length)
    }
    expect(windows).toBeGreaterThan(150)
    expect(found).toBeGreaterThanOrEqual(99)
  })
})
