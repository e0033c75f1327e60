/** Limbeck as an entrant of the text race: its tokenizer, its INT8 file, its runtime. */
import { padBatch } from '../src/data/pad-batch.ts'
import { loadTokenizer } from '../src/data/tokenizer.ts'
import { openInline } from '../src/runtime/index.ts'
import { serveTexts } from './text-child.ts'

serveTexts(async ({ model, threads }) => {
  const tokenizer = await loadTokenizer(model.folder!)
  const engine = await openInline(model.file!, { threads })
  const names = engine.inputs.map(({ name }) => name)
  const outputs = ['sentence_embedding']
  return async (text) => {
    const encoding = tokenizer.encode(text, undefined, { maxLength: 256 })
    const feeds = padBatch([encoding], { padId: tokenizer.padId, inputs: names })
    const { sentence_embedding } = await engine.run(feeds, { outputs })
    return sentence_embedding!.data as Float32Array
  }
})
